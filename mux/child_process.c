/* Processes of muxd's own: muxd itself, executed once more. */

#include "child_process.h"

#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* What it begins with: its end of the sockets, our stderr, no other descriptor. */
static int arrange(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes, int theirs)
{
	sigset_t mask;
	int error = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDWR, 0);

	if (!error)
		error = posix_spawn_file_actions_adddup2(actions, STDIN_FILENO, STDOUT_FILENO);
	if (!error)
		error = posix_spawn_file_actions_adddup2(actions, theirs, CHILD_PROCESS_FD);
	if (!error)
		error = posix_spawn_file_actions_addclosefrom_np(actions, CHILD_PROCESS_FD + 1);
	sigemptyset(&mask);
	posix_spawnattr_setsigmask(attributes, &mask);
	posix_spawnattr_setpgroup(attributes, 0); /* signals of the terminal are for muxd */
	posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
	return error;
}

/*
 * We sleep until the new program runs, so that no copy of us outlives us with our sockets. 0 or
 * -errno.
 */
static int spawn(const char *title, const char *word, int theirs, pid_t *id)
{
	char *words[] = { (char *)(uintptr_t)title, (char *)(uintptr_t)word, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int error;

	if (posix_spawn_file_actions_init(&actions))
		return -ENOMEM;
	posix_spawnattr_init(&attributes);
	error = arrange(&actions, &attributes, theirs);
	if (!error)
		error = posix_spawn(id, "/proc/self/exe", &actions, &attributes, words, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return -error;
}

int child_process_start(const char *title, const char *word, int socket_type, int *ours, pid_t *id)
{
	AUTO_CLOSE int kept = -1;
	AUTO_CLOSE int theirs = -1;
	int pair[2], life;

	if (socketpair(AF_UNIX, socket_type | SOCK_CLOEXEC, 0, pair))
		return -errno;
	kept = pair[0];
	theirs = pair[1];
	life = spawn(title, word, theirs, id);
	if (life)
		return life;
	life = pidfd_open(*id, 0);
	if (life < 0) {
		life = -errno;
		kill(*id, SIGKILL);
		waitpid(*id, NULL, 0);
		return life;
	}
	*ours = take_fd(&kept);
	return life;
}

const char *child_process_reap(pid_t id, char *how, size_t size)
{
	int status = 0;

	if (!id || waitpid(id, &status, 0) != id)
		snprintf(how, size, "it ended");
	else if (WIFSIGNALED(status))
		snprintf(how, size, "signal %d (%s)", WTERMSIG(status),
			strsignal(WTERMSIG(status)));
	else
		snprintf(how, size, "exit status %d", WEXITSTATUS(status));
	return how;
}
