/* The command replay, from a shell: plays on this terminal. */

#include "client_record.h"
#include "command.h"
#include "log.h"
#include "player.h"
#include "record_words.h"
#include "terminal.h"
#include "terminal_guard.h"

#include <event2/event.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct replay {
	const char *path;
	double speed, idle;
	struct event_base *base;
	struct terminal_guard *guard;
	struct terminal terminal;
	struct player player;
	int status;
	char message[512];
};

static void finish(struct replay *replay, int status)
{
	replay->status = status;
	event_base_loopbreak(replay->base);
}

static void ended(void *owner, const char *message)
{
	struct replay *replay = owner;

	snprintf(replay->message, sizeof(replay->message), "%s", message);
	finish(replay, *message ? 1 : 0);
}

static void typed(void *owner, const uint8_t *bytes, size_t length)
{
	struct replay *replay = owner;

	if (!length)
		finish(replay, 0);
	else
		player_typed(&replay->player, bytes, length);
}

static void drained(void *owner)
{
	struct replay *replay = owner;

	player_drained(&replay->player);
}

static void signal_came(evutil_socket_t number, short events, void *owner)
{
	struct replay *replay = owner;

	(void)events;
	if ((int)number == SIGTSTP) {
		terminal_guard_suspend(replay->guard);
	} else if ((int)number == SIGCONT) {
		terminal_guard_continued(replay->guard);
		terminal_take(&replay->terminal);
	} else {
		finish(replay, 128 + (int)number);
	}
}

static int play(struct replay *replay)
{
	if (terminal_open(&replay->terminal, replay->base, replay->guard)) {
		log_error("replay: the terminal cannot be opened");
		return 1;
	}
	replay->terminal.typed = typed;
	replay->terminal.drained = drained;
	replay->terminal.owner = replay;
	replay->player = (struct player){
		.base = replay->base,
		.terminal = &replay->terminal,
		.modes = replay->guard->modes,
		.ended = ended,
		.owner = replay,
	};
	if (player_open(&replay->player, replay->path, replay->speed, replay->idle)) {
		log_error("replay: %s", replay->player.reader.error);
		return 1;
	}
	terminal_take(&replay->terminal);
	terminal_listen(&replay->terminal, true);
	event_base_dispatch(replay->base);
	player_close(&replay->player);
	terminal_give_back(&replay->terminal);
	if (*replay->message)
		log_error("replay: %s", replay->message);
	return replay->status;
}

static int work(struct terminal_guard *guard, void *owner)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT };
	struct replay *replay = owner;
	struct event *signals[ARRAY_SIZE(numbers)] = { NULL };
	int status = 1;

	signal(SIGPIPE, SIG_IGN);
	replay->guard = guard;
	replay->base = event_base_new();
	for (size_t i = 0; replay->base && i < ARRAY_SIZE(numbers); i++) {
		signals[i] = evsignal_new(replay->base, numbers[i], signal_came, replay);
		if (signals[i])
			event_add(signals[i], NULL);
	}
	if (replay->base)
		status = play(replay);
	terminal_close(&replay->terminal);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (signals[i])
			event_free(signals[i]);
	if (replay->base)
		event_base_free(replay->base);
	return status;
}

int client_replay(const struct command_words *words)
{
	struct replay *replay;
	const char *problem = NULL;
	int status = 2;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		problem = "a recording is played on a terminal";
	replay = calloc(1, sizeof(*replay));
	if (!replay)
		problem = "no memory";
	else if (!problem)
		problem = replay_words(words, &replay->speed, &replay->idle);
	if (problem) {
		log_error("replay: %s", problem);
	} else {
		replay->path = words->plain[1];
		replay->terminal.input_fd = replay->terminal.output_fd = -1;
		status = terminal_guard_run(work, replay);
	}
	free(replay);
	return status;
}
