/* An operator who types anything: each byte reaches the guest it is meant for, and no key does. */

#include "fake_viewer_mux.h"
#include "terminal_guard.h"
#include "viewer_parts.h"

#include <fcntl.h>
#include <pthread.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define ESCAPE 5
#define CTRL_C 3
#define PASTE 6000
#define STEPS_MAX 200
#define LEAVES_MAX 3 /* each takes the time of a pause */
#define NONE FAKE_GUESTS

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum place {
	PROMPT,
	GUEST,
	COMMAND, /* the prompt, with a guest behind it */
	BROADCAST,
};

/* What should happen, without any of the viewer's own code. */
struct model {
	enum place place;
	unsigned guest; /* GUEST and COMMAND */
	unsigned last; /* NONE: nobody was left yet */
	struct evbuffer *expected[FAKE_GUESTS];
};

struct scene {
	struct fake_viewer_mux mux;
	struct model model;
	const uint8_t *input;
	size_t left;
	unsigned leaves, barriers;
	_Atomic bool ended; /* the viewer */
	bool hostile; /* guests print control sequences */
	bool may_run; /* a command of a line over a guest: Ctrl-C would end it */
};

static uint8_t next(struct scene *scene)
{
	if (!scene->left)
		return 0;
	scene->left--;
	return *scene->input++;
}

static void reaches(struct model *model, const void *bytes, size_t length)
{
	for (unsigned i = 0; i < FAKE_GUESTS; i++)
		if (model->place == BROADCAST || (model->place == GUEST && model->guest == i))
			evbuffer_add(model->expected[i], bytes, length);
}

static void leave(struct model *model)
{
	if (model->place == GUEST || model->place == COMMAND)
		model->last = model->guest;
	model->place = PROMPT;
}

static void go(struct model *model, unsigned guest)
{
	bool is_there = (model->place == GUEST || model->place == COMMAND) && model->guest == guest;

	if (is_there)
		return;
	leave(model);
	model->place = GUEST;
	model->guest = guest;
}

static unsigned here(const struct model *model)
{
	return model->place == GUEST || model->place == COMMAND ? model->guest : model->last;
}

static void type(struct scene *scene, const void *bytes, size_t length)
{
	fake_viewer_mux_type(&scene->mux, bytes, length);
}

/* Any byte, but the escape key. */
static uint8_t plain(const struct scene *scene, uint8_t byte)
{
	return byte == ESCAPE || (byte == CTRL_C && scene->may_run) ? '_' : byte;
}

static bool at_prompt(const struct scene *scene)
{
	return scene->model.place == PROMPT || scene->model.place == COMMAND;
}

/* Text: at the prompt only what can be no command. */
static void step_text(struct scene *scene)
{
	uint8_t text[64];
	size_t length = next(scene) % sizeof(text);

	for (size_t i = 0; i < length; i++) {
		text[i] = plain(scene, next(scene));
		if (at_prompt(scene))
			text[i] = (uint8_t)('x' + text[i] % 3);
	}
	reaches(&scene->model, text, length);
	type(scene, text, length);
}

static void step_paste(struct scene *scene)
{
	uint8_t text[PASTE], first = next(scene);

	if (at_prompt(scene))
		return;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = plain(scene, (uint8_t)(first + i * 7));
	reaches(&scene->model, text, sizeof(text));
	type(scene, text, sizeof(text));
}

static void step_send(struct scene *scene)
{
	static const char keys[] = "ecq";
	static const char sent[] = { ESCAPE, 3, 27 };
	size_t which = next(scene) % sizeof(sent);
	char typed[] = { ESCAPE, keys[which] };

	if (at_prompt(scene))
		return;
	reaches(&scene->model, &sent[which], 1);
	type(scene, typed, sizeof(typed));
}

/* Keys behind which something is typed at once, for the place that is reached. */
static void step_switch(struct scene *scene)
{
	static const char keys[] = "123np\t";
	struct model *model = &scene->model;
	size_t which = next(scene) % (sizeof(keys) - 1);
	char typed[] = { ESCAPE, keys[which], 'w' };
	unsigned from = here(model);
	bool was_there = model->place == GUEST || model->place == COMMAND;
	unsigned before = model->guest;

	if (which < FAKE_GUESTS)
		go(model, (unsigned)which);
	else if (keys[which] == 'n')
		go(model, from == NONE || from == FAKE_GUESTS - 1 ? 0 : from + 1);
	else if (keys[which] == 'p')
		go(model, from == NONE || from == 0 ? FAKE_GUESTS - 1 : from - 1);
	else if (model->last != NONE)
		go(model, model->last);
	if (model->place == GUEST && !(was_there && model->guest == before))
		scene->may_run = false; /* going elsewhere has ended it */
	reaches(model, typed + 2, 1);
	type(scene, typed, sizeof(typed));
}

/* Keys that do not change where bytes go. */
static void step_other_key(struct scene *scene)
{
	static const char keys[] = "lhsxty9\005";
	char typed[] = { ESCAPE, keys[next(scene) % (sizeof(keys) - 1)], 'o' };

	scene->may_run |= at_prompt(scene);
	reaches(&scene->model, typed + 2, 1);
	type(scene, typed, sizeof(typed));
}

static void step_help(struct scene *scene)
{
	static const char typed[] = { ESCAPE, '?' };

	if (!scene->hostile) /* on a screen that is taken it leads to the prompt */
		type(scene, typed, sizeof(typed));
}

static bool all_arrived(const struct scene *scene)
{
	for (unsigned i = 0; i < FAKE_GUESTS; i++)
		if (evbuffer_get_length(scene->mux.guests[i].typed) <
			evbuffer_get_length(scene->model.expected[i]))
			return false;
	return true;
}

/* What never comes is a hang, and found as one: no time is measured here. */
static void await_all(struct scene *scene)
{
	while (!all_arrived(scene))
		fake_viewer_mux_serve(&scene->mux, 100);
}

/* Until everything typed so far was taken, and had its effect. */
static void barrier(struct scene *scene)
{
	char line[32];

	if (at_prompt(scene)) {
		scene->mux.awaited_came = false;
		snprintf(scene->mux.awaited, sizeof(scene->mux.awaited), "b%u.", ++scene->barriers);
		snprintf(line, sizeof(line), "\025list %s\r", scene->mux.awaited);
		type(scene, line, strlen(line));
		if (scene->model.place == COMMAND)
			scene->model.place = GUEST;
		while (!scene->mux.awaited_came)
			fake_viewer_mux_serve(&scene->mux, 100);
	}
	if (!at_prompt(scene)) {
		reaches(&scene->model, "B", 1);
		type(scene, "B", 1);
	}
	await_all(scene);
	scene->may_run = false;
}

/* What is pasted behind leaving reaches nobody. */
static void step_leave(struct scene *scene)
{
	static const char typed[] = "\005.list\rconnect vm1\rnobody gets this";

	if (scene->model.place == PROMPT || scene->hostile || scene->leaves++ >= LEAVES_MAX)
		return;
	barrier(scene);
	leave(&scene->model);
	fake_viewer_mux_settle(&scene->mux); /* a prompt behind it is the one that is waited for */
	type(scene, typed, sizeof(typed) - 1);
	fake_viewer_mux_wait(&scene->mux, "cons> ");
}

static void step_command(struct scene *scene)
{
	static const char typed[] = { ESCAPE, ':' };

	if (scene->model.place == GUEST)
		scene->model.place = COMMAND;
	type(scene, typed, sizeof(typed));
}

static void step_line(struct scene *scene)
{
	static const char *const lines[] = { "\025list\r", "\025\r", "\025connect vm1\r",
		"\025connect vm2\r", "\025c vm3\r", "\025broadcast\r", "\025nonsense\r",
		"\025list 'x\r" };
	struct model *model = &scene->model;
	unsigned which = next(scene) % ARRAY_SIZE(lines);

	if (!at_prompt(scene))
		return;
	scene->may_run = true;
	type(scene, lines[which], strlen(lines[which]));
	if (which >= 2 && which <= 4)
		go(model, which - 2);
	else if (which == 5)
		leave(model);
	if (which == 5)
		model->place = BROADCAST;
	else if (model->place == COMMAND)
		model->place = GUEST;
	reaches(model, "l", 1);
	type(scene, at_prompt(scene) ? "x" : "l", 1);
}

static void step_output(struct scene *scene)
{
	uint8_t text[64];
	unsigned guest = next(scene) % FAKE_GUESTS;
	size_t length = next(scene) % sizeof(text);

	for (size_t i = 0; i < length; i++) {
		text[i] = next(scene);
		if (!scene->hostile)
			text[i] = text[i] % 8 ? (uint8_t)('A' + text[i] % 26) : '\n';
	}
	for (size_t i = 0; i < length; i++)
		if (text[i] == '>')
			text[i] = '<'; /* the prompt is the viewer's */
	fake_viewer_mux_print(&scene->mux, guest, text, length);
}

static void step_resize(struct scene *scene)
{
	struct winsize size = {
		.ws_row = (unsigned short)(10 + next(scene) % 50),
		.ws_col = (unsigned short)(80 + next(scene) % 170),
	};

	ioctl(scene->mux.master, TIOCSWINSZ, &size);
	kill(getpid(), SIGWINCH);
}

static void step_lose(struct scene *scene)
{
	if (scene->hostile) /* on a screen that is taken no mark can be shown */
		return;
	barrier(scene);
	fake_viewer_mux_lose(&scene->mux);
	fake_viewer_mux_settle(&scene->mux);
}

static void check(struct scene *scene)
{
	for (unsigned i = 0; i < FAKE_GUESTS; i++) {
		struct evbuffer *typed = scene->mux.guests[i].typed;
		struct evbuffer *expected = scene->model.expected[i];
		size_t length = evbuffer_get_length(expected);

		if (evbuffer_get_length(typed) == length &&
			(!length ||
				!memcmp(evbuffer_pullup(typed, -1), evbuffer_pullup(expected, -1),
					length)))
			continue;
		fprintf(stderr, "vm%u: %zu bytes instead of %zu; the terminal:\n%.*s\n", i + 1,
			evbuffer_get_length(typed), length,
			(int)evbuffer_get_length(scene->mux.screen),
			(const char *)evbuffer_pullup(scene->mux.screen, -1));
		abort();
	}
}

static void *operate(void *owner)
{
	static void (*const steps[])(struct scene *) = { step_text, step_text, step_paste,
		step_send, step_switch, step_switch, step_other_key, step_help, step_leave,
		step_command, step_command, step_line, step_line, step_output, step_resize,
		step_lose };
	static const char detach[] = { ESCAPE, 'd' };
	struct scene *scene = owner;
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGALRM); /* by which the fuzzer looks after the viewer's thread */
	sigaddset(&signals, SIGWINCH);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	fake_viewer_mux_settle(&scene->mux);
	for (unsigned i = 0; i < STEPS_MAX && scene->left; i++)
		steps[next(scene) % ARRAY_SIZE(steps)](scene);
	await_all(scene);
	type(scene, detach, sizeof(detach));
	while (!atomic_load(&scene->ended))
		fake_viewer_mux_serve(&scene->mux, 10);
	fake_viewer_mux_lose(&scene->mux); /* what is still under way came too much */
	check(scene);
	return NULL;
}

/* The viewer's end of it is standard input and output. */
static int run_viewer(const struct viewer_options *options, struct terminal_guard *guard)
{
	_Atomic uint32_t modes = 0;
	struct termios after;
	int status;

	guard->has_terminal = !tcgetattr(STDIN_FILENO, &guard->saved);
	guard->guardian = getpid();
	guard->raw = guard->saved;
	cfmakeraw(&guard->raw);
	guard->modes = &modes;
	status = viewer_work(guard, (void *)(uintptr_t)options);
	if (!guard->has_terminal || tcgetattr(STDIN_FILENO, &after) ||
		after.c_lflag != guard->saved.c_lflag || after.c_iflag != guard->saved.c_iflag ||
		after.c_oflag != guard->saved.c_oflag || atomic_load(&modes))
		abort(); /* the terminal is not what it was */
	return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct winsize window = { .ws_row = 24, .ws_col = 80 };
	struct scene scene = { .input = bytes, .left = size, .model.last = NONE };
	struct terminal_guard guard = { 0 };
	struct viewer_options options = { .what = "console" };
	int status, master, slave, saved[2] = { dup(0), dup(1) };
	char path[64];
	pthread_t thread;

	scene.hostile = next(&scene) & 1;
	setenv("XDG_STATE_HOME", "/dev/null", 1);
	setenv("TERM", next(&scene) % 4 ? "xterm" : "dumb", 1);
	snprintf(path, sizeof(path), "/tmp/fuzz-viewer-%d", (int)getpid());
	options.control_path = path;
	if (openpty(&master, &slave, NULL, NULL, &window))
		abort();
	fcntl(master, F_SETFL, O_NONBLOCK);
	fflush(stdout);
	dup2(slave, 0);
	dup2(slave, 1);
	fake_viewer_mux_open(&scene.mux, path, master);
	for (unsigned i = 0; i < FAKE_GUESTS; i++)
		scene.model.expected[i] = evbuffer_new();
	if (pthread_create(&thread, NULL, operate, &scene))
		abort();
	status = run_viewer(&options, &guard);
	atomic_store(&scene.ended, true);
	pthread_join(thread, NULL);
	if (status)
		abort();
	for (unsigned i = 0; i < FAKE_GUESTS; i++)
		evbuffer_free(scene.model.expected[i]);
	fake_viewer_mux_close(&scene.mux);
	unlink(path);
	dup2(saved[0], 0);
	dup2(saved[1], 1);
	for (size_t i = 0; i < 2; i++)
		close(saved[i]);
	close(master);
	close(slave);
	return 0;
}
