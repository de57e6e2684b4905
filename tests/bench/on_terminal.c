/*
 * usage: on-terminal echo COUNT READY COMMAND...
 *        on-terminal read END READY COMMAND...
 *
 * Runs a command on a raw pseudo-terminal of its own and, once its output has said READY, measures.
 * echo: types a byte and waits for it to come back, COUNT times; prints the median, the 99th
 * percentile in nanoseconds. read: types a byte, then takes output until END comes; prints
 * the number of bytes, the nanoseconds that took, and those of processor time that the command has
 * used: its processes of that name, not other programs that it has started.
 * Then the command is ended.
 */

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TIMEOUT_MS 60000
#define WARM_UP 50
#define MOST_ROUNDS 100000
#define LINE_LONGEST 512 /* of a file in /proc */

static long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static pid_t child;

static void fail(const char *what)
{
	fprintf(stderr, "on-terminal: %s: %s\n", what, errno ? strerror(errno) : "too late");
	kill(child, SIGKILL);
	exit(1);
}

static size_t take(int terminal, char *bytes, size_t length)
{
	struct pollfd waiting = { .fd = terminal, .events = POLLIN };
	ssize_t count = 0;

	errno = 0;
	if (poll(&waiting, 1, TIMEOUT_MS) == 1)
		count = read(terminal, bytes, length);
	if (count <= 0)
		fail("no output");
	return (size_t)count;
}

static void wait_for(int terminal, const char *text)
{
	static char seen[1 << 16];
	size_t length = 0, kept = strlen(text);

	while (!memmem(seen, length, text, strlen(text))) {
		if (length > sizeof(seen) / 2) {
			memmove(seen, seen + length - kept, kept);
			length = kept;
		}
		length += take(terminal, seen + length, sizeof(seen) - length);
	}
}

static int compare(const void *left, const void *right)
{
	long long a = *(const long long *)left, b = *(const long long *)right;

	return (a > b) - (a < b);
}

/* The byte changes, so that a late echo is not taken for the next one. */
static void round_trip(int terminal, char byte)
{
	char bytes[256];
	size_t length;

	if (write(terminal, &byte, 1) != 1)
		fail("typing");
	do
		length = take(terminal, bytes, sizeof(bytes));
	while (!memchr(bytes, byte, length));
}

static void measure_echo(int terminal, long count)
{
	static const char bytes[] = "#$%&+<>?@^{}"; /* nothing else prints these */
	static long long times[MOST_ROUNDS];

	if (count < 1 || count > MOST_ROUNDS)
		fail("count");
	for (long i = -WARM_UP; i < count; i++) {
		long long begin = now();

		round_trip(terminal, bytes[(i + WARM_UP) % (long)strlen(bytes)]);
		if (i >= 0)
			times[i] = now() - begin;
	}
	qsort(times, (size_t)count, sizeof(times[0]), compare);
	printf("%lld %lld\n", times[count / 2], times[count * 99 / 100]);
}

/* "" if it cannot be read: the process may have ended. */
static void read_line(const char *process, const char *name, char line[static LINE_LONGEST])
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%.20s/%s", process, name);
	file = fopen(path, "re");
	if (!file || !fgets(line, LINE_LONGEST, file))
		line[0] = '\0';
	if (file)
		fclose(file);
}

/* Of one process, if it belongs to the child's terminal and is called as the child; else 0. */
static long long time_of(const char *process, const char *name)
{
	char line[LINE_LONGEST], wanted[64];
	char *next;

	read_line(process, "stat", line);
	snprintf(wanted, sizeof(wanted), "(%s) ", name);
	next = strstr(line, wanted);
	if (!next)
		return 0;
	next += strlen(wanted) + 1; /* the state; then parent, group and session */
	strtol(next, &next, 10);
	strtol(next, &next, 10);
	if (strtol(next, NULL, 10) != child)
		return 0;
	read_line(process, "schedstat", line);
	return strtoll(line, NULL, 10);
}

static long long processor_time(void)
{
	char path[64], name[32] = "";
	long long sum = 0;
	DIR *processes = opendir("/proc");
	const struct dirent *entry;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)child);
	file = fopen(path, "re");
	if (!file || !processes || !fgets(name, sizeof(name), file))
		fail("/proc");
	name[strcspn(name, "\n")] = '\0';
	fclose(file);
	while ((entry = readdir(processes)))
		sum += entry->d_name[0] >= '1' && entry->d_name[0] <= '9'
			? time_of(entry->d_name, name)
			: 0;
	closedir(processes);
	return sum;
}

/* Only the last bytes of what came before can belong to an END that comes in two parts. */
static void measure_read(int terminal, const char *end)
{
	static char bytes[1 << 16];
	size_t kept = 0, length = strlen(end);
	long long total = 0, begin = now();

	if (write(terminal, "g", 1) != 1)
		fail("typing");
	for (;;) {
		size_t count = take(terminal, bytes + kept, sizeof(bytes) - kept);

		total += (long long)count;
		count += kept;
		if (memmem(bytes, count, end, length))
			break;
		kept = count < length ? count : length;
		memmove(bytes, bytes + count - kept, kept);
	}
	printf("%lld %lld", total, now() - begin);
	printf(" %lld\n", processor_time());
}

int main(int argc, char **argv)
{
	struct termios raw = { .c_lflag = 0 };
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	int terminal;

	if (argc < 5)
		return 2;
	cfmakeraw(&raw);
	cfsetspeed(&raw, B38400);
	child = forkpty(&terminal, NULL, &raw, &size);
	if (child < 0)
		fail("forkpty");
	if (child == 0) {
		execvp(argv[4], argv + 4);
		perror(argv[4]);
		_exit(127);
	}
	wait_for(terminal, argv[3]);
	if (strcmp(argv[1], "echo") == 0)
		measure_echo(terminal, strtol(argv[2], NULL, 10));
	else
		measure_read(terminal, argv[2]);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return 0;
}
