/* Gives the terminal back as it was, whatever happens to the viewer. */

#include "terminal_guard.h"

#include "compiler.h"
#include "log.h"
#include "screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const int forwarded[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGTSTP, SIGUSR1 };

/* SIGTTOU would stop a process of the background that sets attributes. */
static void set_attributes(const struct termios *attributes)
{
	sigset_t blocked, before;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTTOU);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	tcsetattr(STDIN_FILENO, TCSANOW, attributes);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

/* Only as far as the terminal takes it: one that nobody reads must not hold us. */
static void undo_modes(uint32_t modes)
{
	struct pollfd poll_fd = { .fd = STDOUT_FILENO, .events = POLLOUT };
	char text[256] = "";
	const char *undo;

	for (unsigned i = 0; (undo = screen_undo(modes, i)); i++)
		strncat(text, undo, sizeof(text) - strlen(text) - 1);
	strncat(text, "\r\n", sizeof(text) - strlen(text) - 1);
	if (poll(&poll_fd, 1, 0) == 1 && poll_fd.revents & POLLOUT && isatty(STDOUT_FILENO) &&
		write(STDOUT_FILENO, text, strlen(text)) < 0)
		log_debug("terminal: %s", strerror(errno));
}

bool terminal_guard_in_foreground(void)
{
	pid_t foreground = tcgetpgrp(STDIN_FILENO);

	return foreground < 0 || foreground == getpgrp();
}

/* A shell that has the terminal by now may have changed it: then it is not ours to restore. */
static bool is_ours(const struct terminal_guard *guard)
{
	struct termios now;

	return terminal_guard_in_foreground() ||
		(!tcgetattr(STDIN_FILENO, &now) && now.c_lflag == guard->raw.c_lflag &&
			now.c_iflag == guard->raw.c_iflag && now.c_oflag == guard->raw.c_oflag);
}

void terminal_guard_take(const struct terminal_guard *guard)
{
	if (guard->has_terminal && terminal_guard_in_foreground())
		set_attributes(&guard->raw);
}

void terminal_guard_restore(const struct terminal_guard *guard)
{
	uint32_t modes;

	if (!guard->has_terminal || !is_ours(guard))
		return;
	modes = atomic_exchange(guard->modes, 0);
	if (modes)
		undo_modes(modes);
	set_attributes(&guard->saved);
}

/*
 * With the default action; does nothing in an orphaned process group. Who was continued meanwhile
 * must not stop: nobody would continue him again.
 */
static void stop_here(void)
{
	struct sigaction action = { .sa_handler = SIG_DFL }, before;
	sigset_t stop, mask, pending;

	sigemptyset(&pending);
	sigpending(&pending);
	if (sigismember(&pending, SIGCONT))
		return;
	sigemptyset(&stop);
	sigaddset(&stop, SIGTSTP);
	sigaction(SIGTSTP, &action, &before);
	raise(SIGTSTP);
	// cppcheck-suppress unreachableCode ; raise() of a stop signal returns
	sigprocmask(SIG_UNBLOCK, &stop, &mask);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	sigaction(SIGTSTP, &before, NULL);
}

void terminal_guard_suspend(const struct terminal_guard *guard)
{
	terminal_guard_restore(guard);
	stop_here();
}

void terminal_guard_continued(const struct terminal_guard *guard)
{
	if (getppid() == guard->guardian)
		kill(guard->guardian, SIGCONT);
}

static void report(int status)
{
	const char *name = sigabbrev_np(WTERMSIG(status));

	log_error("viewer: killed by SIG%s", name ? name : "?");
}

/* True when the child is no more; then *result is the exit status. */
static bool child_changed(const struct terminal_guard *guard, pid_t child, bool *stopped,
	int *result)
{
	int status;

	while (waitpid(child, &status, WNOHANG | WUNTRACED | WCONTINUED) == child) {
		if (WIFCONTINUED(status)) {
			*stopped = false;
			continue;
		}
		if (WIFSTOPPED(status)) {
			*stopped = true;
			terminal_guard_restore(guard);
			stop_here();
			continue;
		}
		terminal_guard_restore(guard);
		*result = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
		if (WIFSIGNALED(status))
			report(status);
		return true;
	}
	return false;
}

static int watch(const struct terminal_guard *guard, pid_t child, const sigset_t *signals)
{
	bool stopped = false;
	int result;

	for (;;) {
		int number = sigwaitinfo(signals, NULL);

		if (child_changed(guard, child, &stopped, &result))
			return result;
		if (number == SIGCONT && stopped)
			kill(child, SIGCONT);
		else if (number > 0 && number != SIGCHLD && number != SIGCONT)
			kill(child, number);
	}
}

static int run_child(struct terminal_guard *guard, const sigset_t *mask,
	int (*work)(struct terminal_guard *guard, void *owner), void *owner)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	sigprocmask(SIG_SETMASK, mask, NULL);
	if (getppid() != guard->guardian) {
		terminal_guard_restore(guard);
		return EXIT_FAILURE;
	}
	return work(guard, owner);
}

int terminal_guard_run(int (*work)(struct terminal_guard *guard, void *owner), void *owner)
{
	struct terminal_guard guard = { .guardian = getpid() };
	sigset_t signals, before;
	pid_t child;
	int result;

	guard.modes = mmap(NULL, sizeof(*guard.modes), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (guard.modes == MAP_FAILED) {
		log_error("viewer: no memory: %s", strerror(errno));
		return EXIT_FAILURE;
	}
	guard.has_terminal = !tcgetattr(STDIN_FILENO, &guard.saved);
	guard.raw = guard.saved;
	cfmakeraw(&guard.raw);
	guard.raw.c_cc[VMIN] = 1;
	guard.raw.c_cc[VTIME] = 0;
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGCONT);
	for (size_t i = 0; i < ARRAY_SIZE(forwarded); i++)
		sigaddset(&signals, forwarded[i]);
	sigprocmask(SIG_BLOCK, &signals, &before);
	fflush(NULL);
	child = fork();
	if (!child)
		exit(run_child(&guard, &before, work, owner));
	if (child < 0) {
		log_error("viewer: %s", strerror(errno));
		result = EXIT_FAILURE;
	} else {
		result = watch(&guard, child, &signals);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	munmap(guard.modes, sizeof(*guard.modes));
	return result;
}
