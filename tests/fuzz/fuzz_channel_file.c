/* Damaged histories: a whole file of any bytes, or changes to a good one (offset, byte). */

#include "history.h"
#include "log.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SIZE 8192
#define CHANGE 3
#define MARKS_FROM 8192 /* offsets from here on are moved to where they reach the marks */

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static char directory[] = "/tmp/fuzz-history-XXXXXX";
static char path[64];

static void remove_directory(void)
{
	unlink(path);
	rmdir(directory);
}

static void start(void)
{
	log_init(LOG_ERROR);
	if (!mkdtemp(directory))
		abort();
	snprintf(path, sizeof(path), "%s/guest", directory);
	atexit(remove_directory);
}

static void make_good(void)
{
	struct history history = { 0 };
	bool fresh;

	if (history_open(&history, path, "guest", SIZE, &fresh))
		abort();
	for (unsigned i = 0; i < 1000; i++) {
		history_append(&history, "line\r\n", 6, i + 1);
		history_commit(&history);
	}
	history_close(&history);
}

static void damage(int fd, const uint8_t *changes, size_t size)
{
	for (; size >= CHANGE; size -= CHANGE, changes += CHANGE) {
		off_t offset = changes[0] |
			(off_t)changes[1] << 8; /* marks are the last of the file */

		if (offset >= MARKS_FROM)
			offset += HISTORY_PIECE;

		if (pwrite(fd, changes + 2, 1, offset) != 1)
			abort();
	}
}

/* Whatever the marks say, times go on up to the end. */
static void look_at_times(const struct history *history)
{
	uint64_t position = history_begin(history);

	assert(history_since(history, 500) >= position);
	while (position < history->committed) {
		uint64_t next = history_next_time(history, position);

		assert(next > position && next <= history->committed);
		assert(history_time(history, next - 1) == history_time(history, position));
		position = next;
	}
}

static void use(void)
{
	static const char piece[HISTORY_PIECE];
	struct history history = { 0 };
	struct iovec pieces[2];
	uint64_t begin;
	bool fresh;

	if (history_open(&history, path, "guest", SIZE, &fresh))
		abort();
	begin = history_begin(&history);
	assert(begin <= history.committed);
	assert(history_look(&history, begin, SIZE_MAX, pieces) == history.committed - begin);
	look_at_times(&history);
	history_append(&history, piece, sizeof(piece), 5000);
	history_commit(&history);
	assert(history_time(&history, history.committed - 1) == 5000);
	look_at_times(&history);
	history_close(&history);
	if (history_open(&history, path, "guest", SIZE, &fresh) || fresh)
		abort();
	history_close(&history);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	int fd;

	if (!size)
		return 0;
	if (!*path)
		start();
	unlink(path);
	if (input[0] % 2)
		make_good();
	fd = open(path, O_RDWR | O_CREAT, 0600);
	if (input[0] % 2)
		damage(fd, input + 1, size - 1);
	else if (write(fd, input + 1, size - 1) < 0)
		abort();
	close(fd);
	use();
	return 0;
}
