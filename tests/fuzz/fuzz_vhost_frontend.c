/*
 * A hostile back-end: each answer to the front-end of a network device, and what it asks it, is as
 * the input says: right, or changed, with descriptors, in pieces, or the end of the connection.
 */

#include "compiler.h"
#include "fake_backend.h"
#include "fake_driver.h"
#include "log.h"
#include "virtio_net_card.h"

#include <assert.h>
#include <dirent.h>
#include <event2/thread.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>

#define TURNS 60
#define LIVES_MAX 3 /* of the driver */
#define PATIENCE_MS 10000

enum action {
	HONEST, /* most of the bytes there are */
	CHANGE_HEADER = 0xe0,
	CHANGE_SIZE,
	CHANGE_PAYLOAD,
	SEND_BYTES,
	SEND_DESCRIPTORS,
	ASK_PROPERLY,
	ASK_BYTES,
	ANSWER_TWICE,
	HANG_UP,
};

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static char directory[] = "/tmp/fuzz-vhost-frontend-XXXXXX";
static struct fake_backend backend;
static const uint8_t *bytes;
static size_t left;

/* Into something of that size, as far as there are bytes. */
static size_t take(void *place, size_t size)
{
	size_t taken = size < left ? size : left;

	memcpy(place, bytes, taken);
	bytes += taken;
	left -= taken;
	return taken;
}

static uint8_t take_byte(void)
{
	uint8_t byte = 0;

	take(&byte, 1);
	return byte;
}

static void send_bytes(int fd)
{
	uint8_t piece[32];
	size_t length = take(piece, take_byte() % sizeof(piece));

	send(fd, piece, length, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void send_descriptors(struct fake_backend *fake, const struct vhost_user_message *answer)
{
	int fds[VHOST_USER_FDS_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = fake->wake_fd;
	vhost_send(fake->fd, answer, fds, take_byte() % (ARRAY_SIZE(fds) + 1));
}

static void ask(struct fake_backend *fake)
{
	const struct vhost_user_message question = {
		.header = { VHOST_USER_BACKEND_CONFIG_CHANGED,
			VHOST_USER_VERSION | (take_byte() & VHOST_USER_NEED_REPLY), 0 },
	};

	fake->config[6] = take_byte();
	vhost_send(fake->channel_fd, &question, NULL, 0);
}

static bool is_about_features(const struct vhost_user_message *answer)
{
	return answer->header.request == VHOST_USER_GET_FEATURES ||
		answer->header.request == VHOST_USER_GET_PROTOCOL_FEATURES;
}

/* Nothing may be kept back: the front-end would wait for it, as long as it waits for anybody. */
static bool misbehave(struct fake_backend *fake, struct vhost_user_message *answer)
{
	uint8_t action = take_byte();

	if (is_about_features(answer) && (action == CHANGE_PAYLOAD || action == SEND_BYTES))
		fake->boasted = true;
	switch (action) {
	case CHANGE_HEADER:
		take(&answer->header, sizeof(answer->header) - sizeof(uint32_t));
		break;
	case CHANGE_SIZE:
		answer->header.size = (uint32_t)(take_byte() % (sizeof(answer->payload) + 1));
		break;
	case CHANGE_PAYLOAD:
		take(&answer->payload, answer->header.size);
		break;
	case SEND_BYTES:
		send_bytes(fake->fd);
		shutdown(fake->fd, SHUT_WR);
		return false;
	case SEND_DESCRIPTORS:
		send_descriptors(fake, answer);
		return false;
	case ASK_PROPERLY:
		ask(fake);
		break;
	case ASK_BYTES:
		send_bytes(fake->channel_fd);
		break;
	case ANSWER_TWICE:
		vhost_send(fake->fd, answer, NULL, 0);
		break;
	case HANG_UP:
		shutdown(fake->fd, SHUT_RDWR);
		return false;
	default:
		break;
	}
	return true;
}

static void clean_up(void)
{
	fake_backend_destroy(&backend);
	rmdir(directory);
}

static void start(void)
{
	char path[sizeof(directory) + 16];

	evthread_use_pthreads();
	log_init(LOG_ERROR);
	if (!mkdtemp(directory))
		abort();
	snprintf(path, sizeof(path), "%s/back-end", directory);
	fake_backend_create(&backend, path);
	fake_backend_start(&backend);
	atexit(clean_up);
}

/* Ours have no pipes among them; the fuzzer has, once it looked up the name of a function. */
static unsigned open_descriptors(void)
{
	DIR *descriptors = opendir("/proc/self/fd");
	const struct dirent *entry;
	struct stat status;
	unsigned count = 0;

	while ((entry = readdir(descriptors)))
		if (!fstatat(dirfd(descriptors), entry->d_name, &status, 0) &&
			!S_ISFIFO(status.st_mode))
			count++;
	closedir(descriptors);
	return count;
}

/* The driver comes, and goes at some moment of the handshake or after it. */
static void live(struct fake_driver *driver, uint8_t declined, unsigned turns)
{
	fake_driver_bring_up(driver, declined);
	for (unsigned i = 0; i < turns; i++) {
		event_base_loop(driver->base, EVLOOP_NONBLOCK);
		sched_yield();
	}
	assert(!fake_driver_needs_reset(driver));
	fake_driver_write(driver, VIRTIO_MMIO_STATUS, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	static struct fake_driver driver;
	static unsigned descriptors;
	struct net_options options = {
		.subject = "net0",
		.path = backend.path,
		.offloads = true,
		.introduction_ms = NET_INTRODUCTION_MS,
		.grace_ms = NET_GRACE_MS,
	};
	uint8_t head[2 + LIVES_MAX];

	if (!backend.wake_fd)
		start();
	fake_backend_lock(&backend);
	bytes = input;
	left = size;
	memset(head, 0, sizeof(head));
	take(head, sizeof(head));
	backend.spoil = misbehave;
	backend.protocol_features = head[0] & 1 ? UINT64_MAX : (uint64_t)head[1] << 2;
	options.mtu = head[0] & 2 ? 1500 : 0;
	fake_backend_unlock(&backend);

	fake_driver_create_with(&driver, "net", &options);
	for (unsigned i = 0; i < LIVES_MAX; i++)
		live(&driver, head[1], head[2 + i] % TURNS);
	fake_driver_stop(&driver);
	fake_backend_hang_up(&backend);
	if (backend.complaint)
		fprintf(stderr, "the back-end complains of %s\n", backend.complaint);
	assert(!backend.complaint);
	if (!descriptors)
		descriptors = open_descriptors();
	/* The last connection may have been made, and not yet been seen by the back-end's thread.
	 */
	for (unsigned i = 0; i < PATIENCE_MS && open_descriptors() > descriptors; i++) {
		poll(NULL, 0, 1);
		fake_backend_hang_up(&backend);
	}
	assert(open_descriptors() <= descriptors);
	return 0;
}
