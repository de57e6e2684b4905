/* What the worker of a wire gives up before the first guest is plugged in. */

#include "worker_sandbox.h"

#include "compiler.h"
#include "log.h"

#include <cap-ng.h>
#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/if_tun.h>

/* Up to 256 ports, of each connection, two kicks, two calls, two errors and its memory. */
#define DESCRIPTORS_MOST 4096

/* Everything a worker does, by what for. Nothing here opens, connects or starts anything. */
static const int allowed[] = {
	/* The loop and its clock. */
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_pwait2),
	SCMP_SYS(timerfd_settime),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_getres),
	SCMP_SYS(gettimeofday), /* asked for where the host's clock cannot be read without a call */
	SCMP_SYS(time),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(restart_syscall),
	/* Messages and the descriptors that come along; kicks, calls, TAP and captures. */
	SCMP_SYS(read),
	SCMP_SYS(write),
	SCMP_SYS(readv),
	SCMP_SYS(writev),
	SCMP_SYS(recvmsg),
	SCMP_SYS(recvfrom),
	SCMP_SYS(sendmsg),
	SCMP_SYS(sendto),
	SCMP_SYS(shutdown),
	SCMP_SYS(close),
	SCMP_SYS(eventfd2),
	SCMP_SYS(io_setup),
	SCMP_SYS(io_submit),
	SCMP_SYS(io_getevents),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(fstatfs),
	SCMP_SYS(fcntl),
	SCMP_SYS(lseek),
	SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt),
	/* The memory of guests and our own. */
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(brk),
	SCMP_SYS(futex),
	SCMP_SYS(getrandom),
	/* Memory that goes away under us, and the end. */
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(tgkill),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

/* A TAP interface's descriptor comes from the main process; only these are asked of it. */
static const unsigned long tap_requests[] = {
	TUNGETIFF,
	TUNGETFEATURES,
	TUNSETOFFLOAD,
	TUNSETVNETHDRSZ,
	TUNSETVNETLE,
	TUNSETSNDBUF,
};

/* Not one of the calls above: a programming mistake, or somebody has taken the worker over. */
static void call_refused(int signal, siginfo_t *information, void *context)
{
	char *name =
		seccomp_syscall_resolve_num_arch(information->si_arch, information->si_syscall);

	(void)signal;
	(void)context;
	log_error("worker: it ends: system call %d (%s) is none of a wire's",
		information->si_syscall, name ? name : "unknown");
	_exit(1);
}

/* Memory for data, never for code. */
static int add_rules_of_memory(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp no_code = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	int error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, no_code);

	return error ? error
		     : seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, no_code);
}

static int add_rules(scmp_filter_ctx filter)
{
	int error = add_rules_of_memory(filter);

	for (size_t i = 0; i < ARRAY_SIZE(allowed) && !error; i++) {
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
		if (error == -EDOM || error == -EINVAL)
			error = 0; /* a call this architecture does not have */
	}
	for (size_t i = 0; i < ARRAY_SIZE(tap_requests) && !error; i++)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
			SCMP_A1(SCMP_CMP_EQ, tap_requests[i], 0));
	return error;
}

static int filter_calls(void)
{
	const struct sigaction action = {
		.sa_sigaction = call_refused,
		.sa_flags = SA_SIGINFO,
	};
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
	int error;

	if (!filter)
		return -ENOMEM;
	sigaction(SIGSYS, &action, NULL);
	error = add_rules(filter);
	if (!error)
		error = seccomp_load(filter);
	seccomp_release(filter);
	return error;
}

static int drop_capabilities(void)
{
	if (capng_have_capabilities(CAPNG_SELECT_BOTH) == CAPNG_NONE)
		return 0;
	capng_clear(CAPNG_SELECT_BOTH);
	return capng_apply(CAPNG_SELECT_BOTH) < 0 ? -EPERM : 0;
}

int worker_sandbox_begin(int last_fd)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max < DESCRIPTORS_MOST ? limit.rlim_max
								   : DESCRIPTORS_MOST;
		limit.rlim_max = limit.rlim_cur;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	return syscall(SYS_close_range, (unsigned)last_fd + 1, ~0U, 0) < 0 ? -errno : 0;
}

int worker_sandbox_seal(void)
{
	const bool filter = !SANITIZED; /* sanitizers do much that no worker does */
	int error = 0;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		error = -errno;
	if (!error)
		error = drop_capabilities();
	if (!error && filter)
		error = filter_calls();
	if (error)
		log_error("worker: rights cannot be given up: %s", strerror(-error));
	return error;
}
