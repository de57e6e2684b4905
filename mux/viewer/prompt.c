/* The prompt: libedit inside the event loop. */

#include "prompt.h"

#include "fd.h"
#include "prompt_history.h"
#include "prompt_words.h"
#include "terminal.h"
#include "text_filter.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <fcntl.h>
#include <histedit.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <wchar.h>

#define LINE_MAX_TYPED 65536 /* bytes typed ahead; more are dropped */
#define CTRL_C 3
#define WORD_BREAKS " \t"
#define WORD_LONGEST 256 /* bytes of a word to complete, with its end */

struct prompt {
	struct event_base *base;
	struct terminal *terminal;
	const struct prompt_words *words;
	EditLine *edit;
	History *history;
	struct prompt_history file;
	FILE *output, *errors;
	int pty, tty;
	struct evbuffer *typed;
	char *unfinished; /* of a line that was left */
	bool shown; /* prompt and line stand on the terminal */
	bool reading;
	bool left, cleared;
	bool mute; /* what libedit writes is not for the terminal */
	bool asks; /* there is nothing typed that could be taken */
	char text[64];
};

/* libedit believes in a terminal that makes CR LF of LF. */
static ssize_t write_output(void *cookie, const char *bytes, size_t length)
{
	const struct prompt *prompt = cookie;
	struct evbuffer *out = prompt->terminal->out;

	if (prompt->mute)
		return (ssize_t)length;
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] == '\n')
			evbuffer_add(out, "\r", 1);
		evbuffer_add(out, bytes + i, 1);
	}
	return (ssize_t)length;
}

static unsigned length_of(uint8_t first)
{
	return first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
}

/* The next character typed, 0 if none is whole. Broken ones are left out. */
static wchar_t take_typed(struct prompt *prompt)
{
	uint8_t bytes[4];
	char text[5] = "";
	wchar_t character;

	while (evbuffer_copyout(prompt->typed, bytes, 1) == 1) {
		unsigned length = length_of(bytes[0]);

		if (evbuffer_copyout(prompt->typed, bytes, length) < (int)length)
			return 0;
		evbuffer_drain(prompt->typed, length);
		memcpy(text, bytes, length);
		if (length == 1 && bytes[0] < 0x80 && bytes[0])
			return bytes[0];
		if (length > 1 && mbtowc(&character, text, length) == (int)length)
			return character;
	}
	return 0;
}

/* libedit's way to a character: here the loop runs. */
static int next_character(EditLine *edit, wchar_t *character)
{
	struct prompt *prompt = NULL;

	el_get(edit, EL_CLIENTDATA, &prompt);
	fflush(prompt->output);
	terminal_flush(prompt->terminal);
	prompt->shown = true;
	while (!prompt->left) {
		*character = take_typed(prompt);
		if (*character == CTRL_C) {
			prompt->cleared = true;
			break;
		}
		if (*character)
			return 1;
		prompt->asks = true;
		prompt->words->asks(prompt->words->owner);
		if (prompt->asks && !prompt->left)
			event_base_loop(prompt->base, EVLOOP_ONCE);
		prompt->asks = false;
	}
	return 0;
}

static char *prompt_text(EditLine *edit)
{
	struct prompt *prompt = NULL;

	el_get(edit, EL_CLIENTDATA, &prompt);
	return prompt->text;
}

/* The line up to the cursor; to be freed. */
static char *before_cursor(const struct prompt *prompt)
{
	const LineInfo *line = el_line(prompt->edit);

	return strndup(line->buffer, (size_t)(line->cursor - line->buffer));
}

static unsigned terminal_columns(const struct prompt *prompt)
{
	uint16_t columns, rows;

	terminal_size(prompt->terminal, &columns, &rows);
	return columns ? columns : 80;
}

void prompt_erase(struct prompt *prompt)
{
	AUTO_FREE char *line = NULL;
	unsigned columns, rows;

	if (!prompt->shown)
		return;
	prompt->shown = false;
	line = before_cursor(prompt);
	columns = text_columns(prompt->text) + (line ? text_columns(line) : 0);
	rows = columns / terminal_columns(prompt);
	if (!prompt->terminal->moves) {
		evbuffer_add(prompt->terminal->out, "\r\n", 2);
		return;
	}
	evbuffer_add(prompt->terminal->out, "\r", 1);
	if (rows)
		evbuffer_add_printf(prompt->terminal->out, "\033[%uA", rows);
	evbuffer_add_printf(prompt->terminal->out, "\033[J");
}

void prompt_draw(struct prompt *prompt)
{
	if (!prompt->reading || prompt->left || prompt->shown)
		return;
	prompt->shown = true;
	el_set(prompt->edit, EL_REFRESH);
	fflush(prompt->output);
}

static void list_words(struct prompt *prompt, char *const *words)
{
	struct evbuffer *out = prompt->terminal->out;
	unsigned width = terminal_columns(prompt), column = 0;
	const char *word;

	prompt_erase(prompt);
	for (unsigned i = 0; (word = prompt->words->word(prompt->words->owner, words, i)); i++) {
		unsigned columns = text_columns(word);

		if (column && column + columns + 2 > width) {
			evbuffer_add(out, "\r\n", 2);
			column = 0;
		}
		evbuffer_add_printf(out, "%s%s", column ? "  " : "", word);
		column += columns + 2;
	}
	evbuffer_add(out, "\r\n", 2);
	prompt_draw(prompt);
}

/* What all words have in common that can stand where the last one does; returns their number. */
static unsigned common_part(const struct prompt *prompt, char *const *words,
	char common[WORD_LONGEST])
{
	unsigned count = 0;
	size_t same = 0;
	const char *word;

	for (unsigned i = 0; (word = prompt->words->word(prompt->words->owner, words, i)); i++) {
		if (!count++)
			snprintf(common, WORD_LONGEST, "%s", word);
		for (same = 0; common[same] && common[same] == word[same]; same++)
			;
		while (same && (common[same] & 0xc0) == 0x80)
			same--; /* whole characters */
		common[same] = '\0';
	}
	return count;
}

/* The last word, instead of what was typed of it. */
static void replace(EditLine *edit, const char *typed, const char *word, bool only_one)
{
	char quoted[2 * WORD_LONGEST + 2];
	size_t length = strlen(word), characters = mbstowcs(NULL, typed, 0);
	bool ends = only_one && length && !strchr("/=", word[length - 1]);

	if (characters == (size_t)-1)
		return;
	prompt_quote(word, quoted, sizeof(quoted) - 1);
	if (ends)
		strcat(quoted, " ");
	if (characters)
		el_deletestr(edit, (int)characters);
	el_insertstr(edit, quoted);
}

/* In place of the last word, what all that can stand there have in common; or show them. */
static unsigned char complete_last(struct prompt *prompt, const char *line,
	const struct prompt_split *split)
{
	char common[WORD_LONGEST] = "";
	unsigned count, last = 0;

	while (split->words[last + 1])
		last++;
	count = common_part(prompt, split->words, common);
	if (!count)
		return CC_ERROR;
	if (count > 1 && strlen(common) <= strlen(split->words[last])) {
		list_words(prompt, split->words);
		return CC_NORM;
	}
	replace(prompt->edit, line + split->start, common, count == 1);
	return CC_REFRESH;
}

static unsigned char complete(EditLine *edit, int character)
{
	struct prompt *prompt = NULL;
	AUTO_FREE char *line = NULL;
	struct prompt_split split;
	unsigned char result = CC_ERROR;

	(void)character;
	el_get(edit, EL_CLIENTDATA, &prompt);
	line = before_cursor(prompt);
	if (!line)
		return CC_ERROR;
	if (prompt_split(&split, line))
		result = complete_last(prompt, line, &split);
	free(split.text);
	return result;
}

/* Without a pseudo-terminal libedit gets the operator's own. */
static void open_pty(struct prompt *prompt)
{
	if (openpty(&prompt->pty, &prompt->tty, NULL, NULL, NULL) == 0)
		return;
	prompt->pty = -1;
	prompt->tty = fcntl(prompt->terminal->input_fd, F_DUPFD_CLOEXEC, 3);
}

static void line_loaded(void *owner, const char *text)
{
	const struct prompt *prompt = owner;
	HistEvent event;

	history(prompt->history, &event, H_ENTER, text);
}

static void remember(struct prompt *prompt, const char *line)
{
	AUTO_FREE char *text = strndup(line, strcspn(line, "\n"));
	HistEvent event;

	if (!text || !text[strspn(text, WORD_BREAKS)])
		return;
	history(prompt->history, &event, H_ENTER, text);
	prompt_history_add(&prompt->file, text);
}

static bool open_edit(struct prompt *prompt)
{
	static const cookie_io_functions_t functions = { .write = write_output };
	HistEvent event;

	prompt->typed = evbuffer_new();
	prompt->output = fopencookie(prompt, "w", functions);
	prompt->errors = fopen("/dev/null", "we");
	prompt->history = history_init();
	if (!prompt->typed || !prompt->output || !prompt->errors || !prompt->history)
		return false;
	prompt_resize(prompt);
	prompt->edit = el_init_fd("muxd", stdin, prompt->output, prompt->errors, prompt->tty,
		prompt->tty, prompt->tty);
	if (!prompt->edit)
		return false;
	history(prompt->history, &event, H_SETSIZE, PROMPT_HISTORY_LINES);
	history(prompt->history, &event, H_SETUNIQUE, 1);
	prompt_history_find(&prompt->file);
	prompt_history_load(&prompt->file, line_loaded, prompt);
	el_set(prompt->edit, EL_CLIENTDATA, prompt);
	el_set(prompt->edit, EL_GETCFN, next_character);
	el_set(prompt->edit, EL_PROMPT, prompt_text);
	el_set(prompt->edit, EL_EDITOR, "emacs");
	el_set(prompt->edit, EL_HIST, history, prompt->history);
	el_wset(prompt->edit, EL_ADDFN, L"complete-word", L"complete a word", complete);
	el_set(prompt->edit, EL_BIND, "^I", "complete-word", NULL);
	el_set(prompt->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
	el_set(prompt->edit, EL_BIND, "\033[3~", "ed-delete-next-char", NULL);
	el_set(prompt->edit, EL_BIND, "\033[1;5C", "em-next-word", NULL);
	el_set(prompt->edit, EL_BIND, "\033[1;5D", "ed-prev-word", NULL);
	return true;
}

struct prompt *prompt_create(struct event_base *base, struct terminal *terminal,
	const struct prompt_words *words)
{
	struct prompt *prompt = calloc(1, sizeof(*prompt));

	if (!prompt)
		return NULL;
	prompt->base = base;
	prompt->terminal = terminal;
	prompt->words = words;
	open_pty(prompt);
	if (open_edit(prompt))
		return prompt;
	prompt_destroy(prompt);
	return NULL;
}

void prompt_destroy(struct prompt *prompt)
{
	if (!prompt)
		return;
	if (prompt->edit)
		el_end(prompt->edit);
	if (prompt->history)
		history_end(prompt->history);
	if (prompt->output)
		fclose(prompt->output);
	if (prompt->errors)
		fclose(prompt->errors);
	if (prompt->typed)
		evbuffer_free(prompt->typed);
	close_fd(&prompt->pty);
	close_fd(&prompt->tty);
	free(prompt->unfinished);
	free(prompt);
}

void prompt_name(struct prompt *prompt, const char *name)
{
	char harmless[sizeof(prompt->text) - 2];

	text_harmless(name, harmless, sizeof(harmless));
	snprintf(prompt->text, sizeof(prompt->text), "%s> ", harmless);
}

static void keep_unfinished(struct prompt *prompt)
{
	const LineInfo *line = el_line(prompt->edit);

	free(prompt->unfinished);
	prompt->unfinished = strndup(line->buffer, (size_t)(line->lastchar - line->buffer));
}

enum prompt_result prompt_read(struct prompt *prompt, const char **line)
{
	int count = 0;

	prompt->left = false;
	prompt->cleared = false;
	if (prompt->unfinished)
		el_push(prompt->edit, prompt->unfinished);
	prompt->reading = true;
	*line = el_gets(prompt->edit, &count);
	fflush(prompt->output);
	prompt->reading = false;
	if (!prompt->left) {
		prompt->shown = false;
		free(prompt->unfinished);
		prompt->unfinished = NULL;
	}
	if (prompt->left)
		return PROMPT_LEFT;
	if (prompt->cleared) {
		evbuffer_add_printf(prompt->terminal->out, "^C\r\n");
		return PROMPT_CLEARED;
	}
	if (!*line || !count)
		return PROMPT_END;
	remember(prompt, *line);
	return PROMPT_LINE;
}

void prompt_feed(struct prompt *prompt, const uint8_t *bytes, size_t length)
{
	if (evbuffer_get_length(prompt->typed) + length <= LINE_MAX_TYPED)
		evbuffer_add(prompt->typed, bytes, length);
	prompt->asks = false;
}

bool prompt_asks(const struct prompt *prompt)
{
	return prompt->asks && !prompt->left;
}

void prompt_leave(struct prompt *prompt)
{
	if (!prompt->reading || prompt->left)
		return;
	keep_unfinished(prompt);
	prompt_erase(prompt);
	prompt->left = true;
}

bool prompt_is_empty(const struct prompt *prompt)
{
	const LineInfo *line = el_line(prompt->edit);

	if (evbuffer_get_length(prompt->typed))
		return false;
	if (prompt->reading && !prompt->left)
		return line->lastchar == line->buffer;
	return !prompt->unfinished || !*prompt->unfinished;
}

void prompt_drop(struct prompt *prompt)
{
	evbuffer_drain(prompt->typed, evbuffer_get_length(prompt->typed));
}

void prompt_resize(struct prompt *prompt)
{
	struct winsize size = { 0 };

	terminal_size(prompt->terminal, &size.ws_col, &size.ws_row);
	ioctl(prompt->pty, TIOCSWINSZ, &size);
	if (!prompt->edit)
		return;
	prompt->mute = !prompt->reading || prompt->left; /* it would show a prompt */
	el_resize(prompt->edit);
	fflush(prompt->output);
	prompt->mute = false;
}
