/* The lines entered at the prompt, in a file. */

#include "prompt_history.h"

#include "fd.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

void prompt_history_find(struct prompt_history *history)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	int length = 0;

	if (state && *state == '/')
		length = snprintf(history->path, sizeof(history->path), "%s/muxd/history", state);
	else if (home && *home == '/')
		length = snprintf(history->path, sizeof(history->path),
			"%s/.local/state/muxd/history", home);
	if (length <= 0 || (size_t)length >= sizeof(history->path) - sizeof(".XXXXXX"))
		history->path[0] = '\0';
}

/* Text that can be shown and typed again. */
static bool is_good(const char *line)
{
	mbstate_t state = { 0 };
	const char *next = line;

	for (const char *byte = line; *byte; byte++)
		if ((unsigned char)*byte < 0x20 || *byte == 0x7f)
			return false;
	return *line && strlen(line) <= PROMPT_HISTORY_LINE_MAX &&
		mbsrtowcs(NULL, &next, 0, &state) != (size_t)-1;
}

/* The end of the file, from the first whole line on: to be freed, "" if there is none. */
static char *read_end(const struct prompt_history *history)
{
	AUTO_CLOSE int fd = -1;
	struct stat status;
	char *text = calloc(1, PROMPT_HISTORY_BYTES + 1), *first;
	ssize_t length = 0;
	off_t start;

	if (!text || !*history->path)
		return text;
	fd = open(history->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) || !S_ISREG(status.st_mode) || status.st_uid != geteuid())
		return text;
	start = status.st_size > PROMPT_HISTORY_BYTES ? status.st_size - PROMPT_HISTORY_BYTES : 0;
	length = pread(fd, text, PROMPT_HISTORY_BYTES, start);
	text[length > 0 ? length : 0] = '\0';
	for (ssize_t i = 0; i < length; i++)
		if (!text[i])
			text[i] = 0x7f; /* no line with it is good */
	first = start ? strchr(text, '\n') : NULL;
	if (first)
		memmove(text, first + 1, strlen(first + 1) + 1);
	return text;
}

void prompt_history_load(const struct prompt_history *history,
	void (*line)(void *owner, const char *text), void *owner)
{
	AUTO_FREE char *text = read_end(history);
	char *next = text, *found;

	while ((found = strsep(&next, "\n")))
		if (is_good(found))
			line(owner, found);
}

/* Directories of the state are the operator's alone. */
static void make_directories(const char *path)
{
	char directory[PATH_MAX];

	snprintf(directory, sizeof(directory), "%s", path);
	for (char *slash = directory + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(directory, 0700);
		*slash = '/';
	}
}

/* So many that with one more there are not too many. */
static const char *newest(const char *text)
{
	const char *start = text + strlen(text);
	size_t lines = 0;

	while (start > text) {
		if (start[-1] == '\n' && ++lines == PROMPT_HISTORY_LINES)
			break;
		start--;
	}
	return start;
}

static bool is_ours(const char *path)
{
	struct stat status;

	return lstat(path, &status) || (S_ISREG(status.st_mode) && status.st_uid == geteuid());
}

void prompt_history_add(const struct prompt_history *history, const char *line)
{
	AUTO_FREE char *text = NULL;
	AUTO_CLOSE int fd = -1;
	AUTO_FREE char *path = NULL;
	const char *kept;
	bool written;

	if (!*history->path || *line == ' ' || !is_good(line) || !is_ours(history->path))
		return;
	text = read_end(history);
	if (!text)
		return;
	make_directories(history->path);
	if (asprintf(&path, "%s.XXXXXX", history->path) < 0)
		return;
	fd = mkostemp(path, O_CLOEXEC); /* mode 0600 */
	if (fd < 0)
		return;
	kept = newest(text);
	written = dprintf(fd, "%s%s%s\n", kept, *kept && kept[strlen(kept) - 1] != '\n' ? "\n" : "",
			  line) > 0;
	if (!written || rename(path, history->path))
		unlink(path);
}
