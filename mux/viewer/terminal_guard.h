#ifndef TERMINAL_GUARD_H
#define TERMINAL_GUARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <termios.h>

/*
 * Gives the terminal back as it was, whatever happens.
 *
 * How it works. The process that was called stays as the guardian: it keeps the terminal's
 * attributes, does nothing else that could fail, and waits. A child of it does the work. When the
 * child ends or stops, by whatever signal, the guardian restores the terminal. When the
 * guardian is killed, the child gets SIGTERM from the kernel and restores the terminal itself.
 * Signals to the guardian go on to the child; when the child stops, the guardian stops too, so that
 * the shell takes over.
 */
struct terminal_guard {
	bool has_terminal; /* standard input is one */
	struct termios saved;
	struct termios raw; /* what the viewer makes of it */
	pid_t guardian;
	/* In memory of both: what undoes a guest's doings on the terminal (screen.h). */
	_Atomic uint32_t *modes;
};

/* Runs work in a child; returns its exit status, 1 if it was killed. Call with one thread. */
int terminal_guard_run(int (*work)(struct terminal_guard *guard, void *owner), void *owner);

/* In the child: raw, unless in the background. */
void terminal_guard_take(const struct terminal_guard *guard);

/* Both processes: as it was found, unless somebody else in the foreground has changed it. */
void terminal_guard_restore(const struct terminal_guard *guard);

/* In the child: false when this process is in the background and must not touch the terminal. */
bool terminal_guard_in_foreground(void);

/*
 * In the child: restore and stop until the operator continues us. Returns then, or at once where
 * nobody could continue us.
 */
void terminal_guard_suspend(const struct terminal_guard *guard);

/* In the child, when it was continued: the guardian too must be. */
void terminal_guard_continued(const struct terminal_guard *guard);

#endif
