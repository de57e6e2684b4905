#ifndef RECORDER_H
#define RECORDER_H

#include <stdbool.h>
#include <stddef.h>

struct event_base;
struct recorder;

/*
 * Records what a channel prints from now on: follows it over an attach stream of its own, so that
 * nothing else a viewer does moves it, and that it goes on where it was when muxd was away. One
 * loop, one thread.
 */
struct recorder_options {
	struct event_base *base;
	const char *control_path;
	const char *channel;
	const char *file; /* created, it must not be there yet; "-": standard output */
	unsigned columns, rows; /* of the terminal; 0: not known */
	unsigned timeout_ms; /* 0: none */
	bool input; /* what recorder_typed() is told, too */
	/* The file was created. */
	void (*begun)(void *owner, struct recorder *recorder);
	/* Comes once, from the loop, and may destroy the recorder. why is NULL after the timeout.
	 */
	void (*ended)(void *owner, struct recorder *recorder, const char *why);
	void *owner;
};

/* NULL: no memory. Strings are copied, but for control_path. */
struct recorder *recorder_create(const struct recorder_options *options);
/* Ends the file. 0, or -errno if it is not whole. */
int recorder_destroy(struct recorder *recorder);

const char *recorder_channel(const struct recorder *recorder);
const char *recorder_file(const struct recorder *recorder);

/* This terminal typed to the channel; its window has changed. */
void recorder_typed(struct recorder *recorder, const void *bytes, size_t length);
void recorder_resized(struct recorder *recorder, unsigned columns, unsigned rows);

#endif
