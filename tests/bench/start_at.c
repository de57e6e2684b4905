/*
 * usage: start-at COMMAND...
 *
 * Becomes the command, with the time and the processor time until then in
 * START_AT_NS and START_AT_CPU_NS.
 */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void note(clockid_t clock, const char *name)
{
	struct timespec time;
	char text[32];

	clock_gettime(clock, &time);
	snprintf(text, sizeof(text), "%lld", time.tv_sec * 1000000000LL + time.tv_nsec);
	setenv(name, text, 1);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	note(CLOCK_PROCESS_CPUTIME_ID, "START_AT_CPU_NS");
	note(CLOCK_MONOTONIC, "START_AT_NS");
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 127;
}
