#ifndef REQUEST_H
#define REQUEST_H

#include <stdbool.h>
#include <stddef.h>

struct bufferevent;
struct event_base;

/* A command that muxd carries out for a viewer: one call of the method Run (control.h). */
struct request {
	void (*output)(void *owner, const void *bytes, size_t length);
	/* Comes once, unless it was cancelled. message is empty where all went well. */
	void (*done)(void *owner, const char *message);
	void *owner;
	int status; /* when done: the exit status of the command */
	struct bufferevent *stream; /* owned; NULL: none is running */
	bool paused;
};

/* words: NULL-terminated, the command first. A failure to begin comes as done, perhaps at once. */
void request_start(struct request *request, struct event_base *base, const char *path,
	char *const *words);

/* While paused, no output comes. */
void request_pause(struct request *request, bool paused);

/* Forget it; muxd notices. */
void request_cancel(struct request *request);

#endif
