/* usage: start-at COMMAND...  Becomes the command, with the time of doing so in START_AT_NS. */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct timespec now;
	char text[32];

	if (argc < 2)
		return 2;
	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(text, sizeof(text), "%lld", now.tv_sec * 1000000000LL + now.tv_nsec);
	setenv("START_AT_NS", text, 1);
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 127;
}
