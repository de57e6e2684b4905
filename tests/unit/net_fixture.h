/* What the tests of the network device share: a device, its driver, and a back-end. */
#ifndef NET_FIXTURE_H
#define NET_FIXTURE_H

#include "compiler.h"
#include "fake_backend.h"
#include "fake_driver.h"
#include "virtio_net_bits.h"
#include "virtio_net_card.h"

#include <check.h>
#include <dirent.h>
#include <event2/thread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>

#define FOR_EVER_MS 600000 /* longer than any test takes */
#define DIRECTORY "/tmp/test-net-XXXXXX"
#define BIT(number) (1ULL << (number))
#define RECEIVE 0
#define TRANSMIT 1
#define STATUS_OFFSET offsetof(struct virtio_net_config, status)

/* A field of the back-end, whose thread may be changing it. */
#define BACKEND(field) \
	__extension__({ \
		fake_backend_lock(&backend); \
		__auto_type value = backend.field; \
		fake_backend_unlock(&backend); \
		value; \
	})
#define SET_BACKEND(field, wanted) \
	do { \
		fake_backend_lock(&backend); \
		backend.field = (wanted); \
		fake_backend_unlock(&backend); \
	} while (0)

static char directory[] = DIRECTORY;
static char path[sizeof(directory) + 16];
static struct fake_backend backend;
static struct fake_driver driver;
static struct net_options options;

static inline void start(void)
{
	evthread_use_pthreads();
	memcpy(directory, DIRECTORY, sizeof(DIRECTORY));
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/back-end", directory);
	fake_backend_create(&backend, path);
	options = (struct net_options){
		.subject = "net0",
		.path = path,
		.name = "guest1",
		.mac = { 0x52, 0x54, 0, 0, 0, 1 },
		.offloads = true,
		.introduction_ms = FOR_EVER_MS,
		.grace_ms = FOR_EVER_MS,
	};
}

static inline void stop(void)
{
	ck_assert_msg(!BACKEND(complaint), "the front-end: %s", BACKEND(complaint));
	fake_backend_destroy(&backend);
	rmdir(directory);
}

/* With the back-end there from the start. */
static inline void bring_up(uint64_t declined)
{
	fake_backend_start(&backend);
	fake_driver_create_with(&driver, "net", &options);
	fake_driver_bring_up(&driver, declined);
}

static inline bool carrier(void)
{
	return virtio_mmio_read(&driver.mmio, VIRTIO_MMIO_CONFIG + STATUS_OFFSET, 2) &
		VIRTIO_NET_S_LINK_UP;
}

static inline bool no_carrier(void)
{
	return !carrier();
}

/* The main loop turns until it is so; a test's time limit is the runner's. */
static inline void wait_for(bool (*condition)(void))
{
	while (!condition())
		event_base_loop(driver.base, EVLOOP_ONCE);
}

static unsigned awaited_connections;

static inline bool connected_again(void)
{
	bool so;

	fake_backend_lock(&backend);
	so = backend.connections >= awaited_connections;
	fake_backend_unlock(&backend);
	return so;
}

static inline bool heard(uint32_t request)
{
	bool so;

	fake_backend_lock(&backend);
	so = fake_backend_heard(&backend, request);
	fake_backend_unlock(&backend);
	return so;
}

static inline void reset_device(void)
{
	fake_driver_write(&driver, VIRTIO_MMIO_STATUS, 0);
}

/* A frame of one byte that says which goes round; true if it comes back. */
static inline void send_frame(uint8_t tag)
{
	uint8_t *out = driver.guest.ram + FAKE_BUFFERS, *in = out + 64;

	out[0] = tag;
	in[0] = 0;
	fake_ring_post(&driver.ring[RECEIVE], fake_guest_address(&driver.guest, in), 64,
		VRING_DESC_F_WRITE);
	fake_ring_post(&driver.ring[TRANSMIT], fake_guest_address(&driver.guest, out), 64, 0);
	fake_driver_kick(&driver, RECEIVE);
	fake_driver_kick(&driver, TRANSMIT);
}

static inline void wait_for_frame(uint8_t tag)
{
	const uint8_t *in = driver.guest.ram + FAKE_BUFFERS + 64;
	int64_t length;

	for (length = -1; length < 0; length = fake_ring_reap(&driver.ring[RECEIVE]))
		event_base_loop(driver.base, EVLOOP_NONBLOCK);
	ck_assert_int_eq(length, 64);
	ck_assert_uint_eq(in[0], tag);
	while (fake_ring_reap(&driver.ring[TRANSMIT]) < 0)
		;
}

static inline unsigned open_descriptors(void)
{
	DIR *descriptors = opendir("/proc/self/fd");
	unsigned count = 0;

	while (readdir(descriptors))
		count++;
	closedir(descriptors);
	return count;
}

#endif
