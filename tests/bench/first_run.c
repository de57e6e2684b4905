/*
 * How long a program takes from its start to its first KVM_RUN. Preloaded into it, this library
 * takes the place of ioctl(): at the first KVM_RUN it prints on standard output the time since its
 * start and the processor time used, in nanoseconds, and ends the process. start-at notes when the
 * program began.
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/kvm.h>

static long long since(clockid_t clock, const char *name)
{
	const char *begin = getenv(name);
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec - (begin ? strtoll(begin, NULL, 10) : 0);
}

/* The process ends here, from whichever thread: what follows is not to be measured. */
static void report(void)
{
	long long elapsed = since(CLOCK_MONOTONIC, "START_AT_NS");
	long long used = since(CLOCK_PROCESS_CPUTIME_ID, "START_AT_CPU_NS");
	char line[64];
	int length = snprintf(line, sizeof(line), "%lld %lld\n", elapsed, used);

	_exit(length > 0 && write(STDOUT_FILENO, line, (size_t)length) == length ? 0 : 1);
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list arguments;
	void *argument;

	va_start(arguments, request);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	if (request == KVM_RUN)
		report();
	return (int)syscall(SYS_ioctl, fd, request, argument);
}
