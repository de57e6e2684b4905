#ifndef FAKE_VIEWER_MUX_H
#define FAKE_VIEWER_MUX_H

#include <event2/buffer.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A muxd for one viewer in the same process, driven by a thread of its own: three guests, a control
 * socket, and the operator's end of the terminal. Anything that fails aborts, and what should come
 * is waited for without end: it is the fuzzer's, which finds both.
 */
#define FAKE_GUESTS 3
#define FAKE_CALLS 8

struct fake_viewer_guest {
	uint32_t id; /* vm1 is 1 */
	struct evbuffer *history; /* owned; from position 0 */
	struct evbuffer *typed; /* owned; what came from the viewer */
	bool streaming, input;
	uint64_t position;
	uint64_t received, granted;
};

struct fake_viewer_mux {
	int listener, stream, master;
	int calls[FAKE_CALLS]; /* -1: none */
	bool upgraded;
	unsigned marks;
	char awaited[16]; /* in the words of a command */
	bool awaited_came;
	struct evbuffer *in, *out; /* owned; of the stream */
	struct evbuffer *screen; /* owned; what the viewer wrote and nobody has looked at */
	struct fake_viewer_guest guests[FAKE_GUESTS];
};

void fake_viewer_mux_open(struct fake_viewer_mux *mux, const char *path, int master);
void fake_viewer_mux_close(struct fake_viewer_mux *mux);

/* Whatever can be done now, or comes within the time. */
void fake_viewer_mux_serve(struct fake_viewer_mux *mux, int timeout_ms);

/* Until the viewer has written the text; everything up to it is forgotten. */
void fake_viewer_mux_wait(struct fake_viewer_mux *mux, const char *text);
/* Until the viewer has done what it was sent so far: it shows a line that says so. */
void fake_viewer_mux_settle(struct fake_viewer_mux *mux);

void fake_viewer_mux_type(struct fake_viewer_mux *mux, const void *bytes, size_t length);
void fake_viewer_mux_print(struct fake_viewer_mux *mux, unsigned guest, const void *bytes,
	size_t length);
/* The stream ends; what the viewer had sent is taken. It comes back by itself. */
void fake_viewer_mux_lose(struct fake_viewer_mux *mux);

#endif
