#ifndef FAKE_LINK_H
#define FAKE_LINK_H

#include "console_link.h"

#include <pthread.h>

#define FAKE_LINK_SIZE 65536

/*
 * The console link of include/console_link.h without a muxd: output is kept to be looked at, input
 * is what the test typed. A program that refers to it gets it instead of the real one.
 */
struct console_link {
	pthread_mutex_t lock;
	uint8_t output[FAKE_LINK_SIZE]; /* the oldest; the rest is only counted */
	uint64_t written;
	uint8_t input[FAKE_LINK_SIZE];
	size_t input_begin;
	size_t input_end;
	struct console_consumer *consumer;
};

void fake_link_init(struct console_link *link);
void fake_link_release(struct console_link *link);

/* The operator types, resizes the window, sends a BREAK. */
void fake_link_type(struct console_link *link, const void *bytes, size_t length);
void fake_link_resize(struct console_link *link, uint16_t columns, uint16_t rows);
void fake_link_break(struct console_link *link);
void fake_link_kick(struct console_link *link);

#endif
