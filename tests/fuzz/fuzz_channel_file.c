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
	for (unsigned i = 0; i < 1000; i++)
		history_append(&history, "line\r\n", 6);
	history_commit(&history);
	history_commit(&history);
	history_close(&history);
}

static void damage(int fd, const uint8_t *changes, size_t size)
{
	for (; size >= CHANGE; size -= CHANGE, changes += CHANGE) {
		off_t offset = changes[0] | (off_t)changes[1] << 8;

		if (pwrite(fd, changes + 2, 1, offset) != 1)
			abort();
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
	history_append(&history, piece, sizeof(piece));
	history_commit(&history);
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
