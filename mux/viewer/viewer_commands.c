/* The commands of the prompt: its own, and those that muxd carries out. */

#include "fd.h"
#include "monotonic.h"
#include "viewer_parts.h"

#include <errno.h>
#include <event2/buffer.h>
#include <histedit.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 64

/* What the viewer carries out itself; the table says how many words there are. */
static void connect_command(struct viewer *viewer, char *const *words)
{
	struct viewer_channel *channel = viewer_find(viewer, words[1]);

	if (channel && channel->present) {
		viewer_connect(viewer, channel);
	} else {
		viewer_message(viewer, "connect: no channel named \"%s\"", words[1]);
	}
}

static void broadcast_command(struct viewer *viewer, char *const *words)
{
	viewer_broadcast_begin(viewer, words + 1);
}

static void detach_command(struct viewer *viewer, char *const *words)
{
	(void)words;
	viewer_detach(viewer);
}

static void quit_command(struct viewer *viewer, char *const *words)
{
	(void)words;
	viewer_end(viewer, 0);
}

static void clear_command(struct viewer *viewer, char *const *words)
{
	(void)words;
	view_forget(&viewer->view);
	if (viewer->terminal.moves)
		evbuffer_add_printf(viewer->terminal.out, "\033[H\033[2J");
}

static const struct {
	const char *name;
	void (*run)(struct viewer *viewer, char *const *words);
} local_commands[] = {
	{ "connect", connect_command },
	{ "broadcast", broadcast_command },
	{ "quit", quit_command },
	{ "detach", detach_command },
	{ "clear", clear_command },
	{ "record", viewer_record },
	{ "replay", viewer_play },
};

static void run_local(struct viewer *viewer, const struct command *command, char *const *words)
{
	for (size_t i = 0; i < ARRAY_SIZE(local_commands); i++)
		if (!strcmp(local_commands[i].name, command->name))
			local_commands[i].run(viewer, words);
}

static void answer_came(void *owner, const void *bytes, size_t length)
{
	struct viewer *viewer = owner;

	view_feed(&viewer->answer, bytes, length, monotonic_ms());
	viewer_show(viewer);
	if (terminal_full(&viewer->terminal))
		request_pause(&viewer->request, true);
}

static void finish(struct viewer *viewer)
{
	viewer->running = false;
	view_channel_end(&viewer->answer);
	viewer_show(viewer);
}

static void answer_ended(void *owner, const char *message)
{
	struct viewer *viewer = owner;
	void (*next)(struct viewer *) = viewer->next;

	finish(viewer);
	if (*message)
		viewer_message(viewer, "%s", message);
	viewer_show(viewer);
	viewer->next = NULL;
	if (next)
		next(viewer);
}

void viewer_run(struct viewer *viewer, char *const *words)
{
	view_forget(&viewer->view);
	view_channel_init(&viewer->view, &viewer->answer, "", 0);
	viewer->answer.plain = true;
	viewer->running = true;
	request_start(&viewer->request, viewer->base, viewer->options->control_path, words);
}

void viewer_cancel(struct viewer *viewer)
{
	if (!viewer->running)
		return;
	request_cancel(&viewer->request);
	viewer->next = NULL;
	finish(viewer);
}

static void run_words(struct viewer *viewer, char *const *words)
{
	const struct command *command;
	char message[512];

	if (!command_check(words, &command, message, sizeof(message)))
		viewer_message(viewer, "%s", message);
	else if (command->flags & COMMAND_SHELL)
		viewer_message(viewer, "%s is for a shell: muxd %s %s", command->name,
			command->name, command->arguments);
	else if (command->flags & (COMMAND_LOCAL | COMMAND_OWN))
		run_local(viewer, command, words);
	else if (!strcmp(command->name, "help") && !words[1])
		viewer_help(viewer);
	else
		viewer_run(viewer, words);
}

/* Words as in a shell: blanks, quotes, backslashes. */
static void run_line(struct viewer *viewer, const char *line)
{
	Tokenizer *tokenizer = tok_init(NULL);
	char *words[WORDS_MAX + 1];
	const char **parts;
	int count, result;

	if (!tokenizer)
		return;
	result = tok_str(tokenizer, line, &count, &parts);
	if (result)
		viewer_message(viewer, "a quote is not closed");
	else if (count > WORDS_MAX)
		viewer_message(viewer, "too many words");
	for (int i = 0; !result && i <= count && count <= WORDS_MAX; i++)
		words[i] = (char *)(uintptr_t)parts[i];
	if (!result && count && count <= WORDS_MAX)
		run_words(viewer, words);
	tok_end(tokenizer);
}

void viewer_prompt(struct viewer *viewer)
{
	const char *line;

	view_close(&viewer->view);
	viewer_show(viewer);
	switch (prompt_read(viewer->prompt, &line)) {
	case PROMPT_LINE:
		viewer->commanded = true;
		view_forget(&viewer->view);
		run_line(viewer, line);
		break;
	case PROMPT_CLEARED:
		viewer->commanded = true;
		view_forget(&viewer->view);
		break;
	case PROMPT_LEFT:
		break;
	case PROMPT_END:
		evbuffer_add_printf(viewer->terminal.out, "\r\n");
		viewer->commanded = true;
		if (!viewer->commanding)
			viewer_end(viewer, 0);
		break;
	}
	viewer_show(viewer);
}

/* The names of files that begin as the word does that is being completed. */
static const char *file_for(struct viewer *viewer, unsigned index)
{
	char pattern[PATH_MAX];
	size_t length = 0;

	if (!index) {
		globfree(&viewer->files);
		memset(&viewer->files, 0, sizeof(viewer->files));
		for (const char *byte = viewer->completing; *byte; byte++) {
			if (length + 4 > sizeof(pattern))
				return NULL;
			if (strchr("*?[\\", *byte))
				pattern[length++] = '\\';
			pattern[length++] = *byte;
		}
		strcpy(pattern + length, "*");
		if (glob(pattern, GLOB_MARK, NULL, &viewer->files))
			return NULL;
	}
	return index < viewer->files.gl_pathc ? viewer->files.gl_pathv[index] : NULL;
}

/* A wire has a channel of its name once it has said something; a port has its guest's name. */
static const char *name_for(void *owner, const char *kind, unsigned index)
{
	struct viewer *viewer = owner;
	bool wires = !strcmp(kind, "WIRE"), ports = !strcmp(kind, "PORT");
	const struct viewer_channel *channel = viewer->channels;

	if (!strcmp(kind, "FILE"))
		return file_for(viewer, index);
	if (!wires && !ports && strcmp(kind, "CHANNEL") != 0)
		return NULL;
	for (; channel; channel = channel->next) {
		bool is_log = viewer_is_log(channel);

		if (channel->present && !(wires && !is_log) && !(ports && is_log) && !index--)
			return channel->name;
	}
	return NULL;
}

static const char *word_for(void *owner, char *const *words, unsigned index)
{
	struct viewer *viewer = owner;
	unsigned last = 0;

	while (words[last + 1])
		last++;
	viewer->completing = words[last];
	return command_complete(&viewer->names, words, index);
}

static void asks(void *owner)
{
	viewer_process(owner);
}

int viewer_commands_open(struct viewer *viewer)
{
	viewer->request = (struct request){
		.output = answer_came,
		.done = answer_ended,
		.owner = viewer,
	};
	viewer->names = (struct command_names){
		.without = COMMAND_SHELL,
		.name = name_for,
		.owner = viewer,
	};
	viewer->words = (struct prompt_words){ .word = word_for, .asks = asks, .owner = viewer };
	if (!viewer->terminal.interactive)
		return 0;
	viewer->prompt = prompt_create(viewer->base, &viewer->terminal, &viewer->words);
	if (!viewer->prompt)
		return -ENOMEM;
	viewer_name_prompt(viewer, viewer->options->prompt ? viewer->options->prompt : "cons");
	return 0;
}

void viewer_commands_close(struct viewer *viewer)
{
	request_cancel(&viewer->request);
	prompt_destroy(viewer->prompt);
	globfree(&viewer->files);
}
