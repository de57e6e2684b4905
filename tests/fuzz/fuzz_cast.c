/* A recording that somebody else made, played: nothing but what draws reaches the terminal. */

#include "player.h"
#include "terminal.h"

#include <assert.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void ended(void *owner, const char *message)
{
	(void)message;
	event_base_loopbreak(owner);
}

static void typed(void *owner, const uint8_t *bytes, size_t length)
{
	(void)owner;
	(void)bytes;
	(void)length;
}

/* What the parser calls a control sequence must not ask, print or speak to programs. */
static void check(int fd)
{
	struct vt_parser parser = { 0 };
	off_t length = lseek(fd, 0, SEEK_END);
	uint8_t *text = malloc((size_t)length + 1);

	assert(text && pread(fd, text, (size_t)length, 0) == length);
	for (off_t i = 0; i < length; i++) {
		enum vt_event event = vt_parse(&parser, text[i]);

		assert(event != VT_STRING);
		assert(event != VT_CONTROL || strchr("\a\b\t\n\v\f\r\016\017", text[i]));
		assert(event != VT_PRINT || text[i] != 0xc2 || i + 1 == length ||
			text[i + 1] >= 0xa0);
		assert(event != VT_CSI || !strchr("cgintpqxyz{|}~", text[i]));
	}
	assert(vt_at_rest(&parser));
	free(text);
}

static int file_of(const uint8_t *bytes, size_t size)
{
	int fd = memfd_create("recording", MFD_CLOEXEC);

	assert(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static _Atomic uint32_t modes;
	struct terminal terminal = {
		.input_fd = -1,
		.output_fd = memfd_create("terminal", MFD_CLOEXEC),
		.synchronous = true,
		.moves = size % 8 != 0,
		.out = evbuffer_new(),
		.typed = typed,
	};
	struct player player = {
		.base = event_base_new(),
		.terminal = &terminal,
		.modes = &modes,
		.ended = ended,
	};
	int file = file_of(bytes, size);
	char path[64];

	assert(setlocale(LC_CTYPE, "C.UTF-8") && terminal.out && player.base);
	player.owner = player.base;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	if (!player_open(&player, path, 1e6, 0.01))
		event_base_dispatch(player.base);
	player_close(&player);
	assert(modes == 0);
	terminal_flush(&terminal);
	check(terminal.output_fd);
	terminal_close(&terminal);
	event_base_free(player.base);
	close(file);
	return 0;
}
