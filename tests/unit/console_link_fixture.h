/* What the tests of the console link's vmm end share: a link, its device, and a fake muxd. */
#ifndef CONSOLE_LINK_FIXTURE_H
#define CONSOLE_LINK_FIXTURE_H

#include "compiler.h"
#include "console_link.h"
#include "fake_muxd.h"
#include "log.h"

#include <check.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RING 65536
#define TURNS 60000 /* each at most a tick */

static struct event_base *base;
static struct event *tick;
static struct console_link *console;
static struct fake_muxd muxd;
static char directory[] = "/tmp/console-link-XXXXXX";
static char path[128];
static uint8_t taken[1 << 20];
static size_t taken_count;
static bool takes_input;
static struct console_size seen_size;
static unsigned breaks, kicks;

static inline void input_ready(struct console_consumer *consumer)
{
	(void)consumer;
	if (takes_input)
		taken_count += console_link_read(console, taken + taken_count,
			sizeof(taken) - taken_count);
}

static inline void resized(struct console_consumer *consumer, struct console_size size)
{
	(void)consumer;
	seen_size = size;
}

static inline void kicked(struct console_consumer *consumer)
{
	(void)consumer;
	kicks++;
}

static inline void break_received(struct console_consumer *consumer)
{
	(void)consumer;
	breaks++;
}

static inline void ticked(evutil_socket_t fd, short what, void *owner)
{
	(void)fd;
	(void)what;
	(void)owner;
}

static inline void start_with_ring(size_t ring_size)
{
	const struct timeval every = { .tv_usec = 1000 };
	struct console_link_options options = {
		.name = "guest1",
		.path = path,
		.key = '1',
		.color = 'g',
		.flags = CONSOLE_KEEP,
		.ring_size = ring_size,
	};

	signal(SIGPIPE, SIG_IGN);
	log_init(LOG_ERROR);
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/device.sock", directory);
	base = event_base_new();
	tick = event_new(base, -1, EV_PERSIST, ticked, NULL);
	event_add(tick, &every);
	console = console_link_create(base, &options);
	ck_assert_ptr_nonnull(console);
	takes_input = true;
}

static inline void start(void)
{
	start_with_ring(RING);
	ck_assert(fake_muxd_start(&muxd, path));
}

static inline void stop(void)
{
	console_link_destroy(console);
	event_free(tick);
	event_base_free(base);
	fake_muxd_destroy(&muxd);
	rmdir(directory);
}

static inline void turn(void)
{
	event_base_loop(base, EVLOOP_ONCE);
	fake_muxd_turn(&muxd, 65536);
	ck_assert_msg(!muxd.complaint, "%s", muxd.complaint);
}

#define TURN_UNTIL(condition) \
	for (unsigned turns = 0; !(condition); turns++) { \
		ck_assert_msg(turns < TURNS, "never: %s", #condition); \
		turn(); \
	}

static inline bool all_acknowledged(void)
{
	struct console_link_status status;

	console_link_status(console, &status);
	return status.connected && muxd.have == status.output;
}

/* Every byte of the output tells where it belongs. */
static inline uint8_t byte_at(uint64_t offset)
{
	return (uint8_t)((offset * 2654435761U) >> 13);
}

static inline bool is_as_written(uint64_t offset, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] != byte_at(offset + i))
			return false;
	}
	return true;
}

static uint64_t written;

static inline void write_pattern(size_t length)
{
	uint8_t bytes[8000];

	for (size_t i = 0; i < length; i++)
		bytes[i] = byte_at(written + i);
	console_link_write(console, bytes, length);
	written += length;
}

#endif
