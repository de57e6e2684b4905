#ifndef CONSOLE_LINK_H
#define CONSOLE_LINK_H

#include "console_protocol.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;

/*
 * A guest's one console as its vmm has it: the bounded ring of output that muxd has not
 * acknowledged, the input waiting for the guest, and the connection to muxd, remade for ever with
 * back-off. It outlives the machine, so that a guest's reboot is not seen on it. Created and
 * destroyed by the main thread, whose loop drives the connection.
 */
struct console_link;

struct console_link_options {
	const char *name; /* of the guest */
	const char *path; /* muxd's device.sock */
	char key;
	char color;
	uint8_t flags; /* enum console_flag */
	size_t ring_size; /* a power of two */
	size_t history_size; /* that muxd is to keep; 0: as it likes */
};

/* The device that gets the input. Called on the main thread. All must be set. */
struct console_consumer {
	void (*input_ready)(struct console_consumer *consumer); /* more for console_link_read() */
	void (*resized)(struct console_consumer *consumer, struct console_size size);
	void (*break_received)(struct console_consumer *consumer);
	void (*kicked)(struct console_consumer *consumer); /* interrupt the driver again */
};

/* NULL if memory is short. muxd need not be there. Strings are copied. */
struct console_link *console_link_create(struct event_base *base,
	const struct console_link_options *options);
void console_link_destroy(struct console_link *link);

/*
 * Called on the main thread when muxd refuses this console (another guest of the name, another
 * version), once for each new reason, instead of a line in the log. The link goes on trying; the
 * owner may decide to give up instead.
 */
void console_link_on_refused(struct console_link *link,
	void (*refused)(void *owner, const char *reason), void *owner);

/* Any thread, never blocks, takes everything: what the ring cannot hold pushes out the oldest. */
void console_link_write(struct console_link *link, const void *bytes, size_t length);

/*
 * Any thread: take up to length bytes of waiting input; the number taken. Input that no device
 * takes stays, bounded by the credit given to muxd.
 */
size_t console_link_read(struct console_link *link, void *bytes, size_t length);

/* Main thread. NULL detaches. The consumer is told at once of waiting input and of a known size. */
void console_link_set_consumer(struct console_link *link, struct console_consumer *consumer);

/* Main thread: the guest's state with a reason (or NULL), shown by muxd; resent after reconnects.
 */
void console_link_set_state(struct console_link *link, enum console_state state,
	const char *reason);

/*
 * Main thread: until muxd has everything, or for timeout_ms. A muxd that was there before may be
 * about to come back and is waited for; one that never was, is not.
 */
void console_link_drain(struct console_link *link, unsigned timeout_ms);

/* Any thread: the newest output, at most length bytes of it, for a crash's last words. */
size_t console_link_tail(struct console_link *link, char *text, size_t length);

struct console_link_status {
	bool connected;
	bool accepted; /* now or before: muxd has welcomed this console */
	uint64_t output; /* bytes written by the guest since the start */
	uint64_t lost; /* of them overwritten before muxd had them */
	uint64_t input; /* bytes given to the guest */
};
void console_link_status(struct console_link *link, struct console_link_status *status);

#endif
