/* The program that a trigger runs. */

#include "trigger_command.h"

#include "child_process.h"
#include "compiler.h"
#include "log.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#define LONGEST_S 60

/* Its whole process group: what it started goes, too. */
static void reap(struct trigger_command *command, const char *why)
{
	char how[96];

	kill(-command->id, SIGKILL);
	child_process_reap(command->id, how, sizeof(how));
	if (why)
		log_warning("%s: %s: %s", command->name, command->words[0], why);
	else if (strcmp(how, "exit status 0") != 0)
		log_warning("%s: %s: %s", command->name, command->words[0], how);
	event_del(&command->ended);
	event_del(&command->overdue);
	close(command->life);
	command->id = 0;
}

static void command_ended(evutil_socket_t fd, short what, void *owner)
{
	(void)fd;
	(void)what;
	reap(owner, NULL);
}

static void command_overdue(evutil_socket_t fd, short what, void *owner)
{
	(void)fd;
	(void)what;
	reap(owner, "killed, it took too long");
}

void trigger_command_init(struct trigger_command *command, struct event_base *base)
{
	event_assign(&command->ended, base, -1, 0, command_ended, command);
	event_assign(&command->overdue, base, -1, 0, command_overdue, command);
}

/* The child: whatever its parent ignored means something to programs. */
static void be_command(const struct trigger_command *command, const struct trigger_reason *reason)
{
	static const int signals[] = { SIGINT, SIGQUIT, SIGPIPE, SIGTSTP, SIGTTOU, SIGXFSZ, SIGHUP,
		SIGTERM };
	int nothing = open("/dev/null", O_RDONLY);

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		signal(signals[i], SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, 0);
	if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 ||
		dup2(STDERR_FILENO, STDOUT_FILENO) < 0 || setenv("GUEST", reason->guest, 1) ||
		setenv("LINE", reason->line, 1) || setenv("TIME", reason->time, 1))
		_exit(127);
	close(nothing);
	execv(command->words[0], command->words);
	log_error("%s: %s: %s", command->name, command->words[0], strerror(errno));
	_exit(127);
}

int trigger_command_run(struct trigger_command *command, const struct trigger_reason *reason)
{
	const struct timeval longest = { .tv_sec = LONGEST_S };
	pid_t id;

	if (command->id)
		return -EBUSY;
	id = fork();
	if (id < 0)
		return -errno;
	if (!id)
		be_command(command, reason);
	setpgid(id, id); /* whoever of us two comes first */
	command->id = id;
	command->life = pidfd_open(id, 0);
	if (command->life < 0) {
		int error = errno;

		reap(command, "killed, it cannot be watched");
		return -error;
	}
	event_assign(&command->ended, event_get_base(&command->ended), command->life, EV_READ,
		command_ended, command);
	event_add(&command->ended, NULL);
	event_add(&command->overdue, &longest);
	return 0;
}

void trigger_command_end(struct trigger_command *command)
{
	if (command->id)
		reap(command, "killed, its trigger ends");
}
