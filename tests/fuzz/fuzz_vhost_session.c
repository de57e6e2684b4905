/*
 * A vhost-user front-end that says and writes whatever it likes, beside one that behaves, on one
 * cable. Input: actions, each a byte and what follows it.
 */
#include "compiler.h"
#include "fake_frontend.h"
#include "fake_worker.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#define RING 16
#define ACTIONS_MOST 256
#define PAYLOAD_MOST 64
#define OTHER_SIZE 16384
#define IN_CARD \
	0xa5U /* the top byte of a number that stands for an address in the card's memory \
	       */
#define IN_OTHER 0xa6U /* or in the other file's, which has no mapping here */

struct input {
	const uint8_t *bytes;
	size_t left;
};

struct play {
	struct fake_worker worker;
	struct fake_card card[2];
	struct fake_frontend frontend[2];
	int other_fd; /* memory that may be truncated */
	int pipe[2];
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void take(struct input *input, void *to, size_t size)
{
	size_t count = size < input->left ? size : input->left;

	memset(to, 0, size);
	memcpy(to, input->bytes, count);
	input->bytes += count;
	input->left -= count;
}

static uint8_t take_byte(struct input *input)
{
	uint8_t byte;

	take(input, &byte, 1);
	return byte;
}

static int choose_fd(const struct play *play, unsigned kind)
{
	const int fds[] = {
		play->card[0].queue[0].kick_fd,
		play->card[0].queue[1].call_fd,
		play->card[0].memory_fd,
		play->other_fd,
		play->pipe[1],
		play->frontend[0].fd,
		STDERR_FILENO,
		play->card[0].memory_fd,
	};

	return fds[kind % ARRAY_SIZE(fds)];
}

static uint64_t resolve(const struct play *play, uint64_t number)
{
	if (number >> 56 == IN_CARD)
		return (uintptr_t)play->card[0].ram + (number & 0xffffff);
	if (number >> 56 == IN_OTHER)
		return 0x700000000000 + (number & 0xffffff);
	return number;
}

/* Request, flags, size, descriptors: how many and which; then the payload. */
static void say(struct play *play, struct input *input)
{
	struct {
		uint8_t request, flags, size, fds, fd_kinds[2];
	} action;
	struct {
		struct vhost_user_header header;
		uint8_t payload[PAYLOAD_MOST];
	} message;
	struct iovec iov = { &message, 0 };
	int fd[8];

	take(input, &action, sizeof(action));
	message.header = (struct vhost_user_header){
		.request = action.request,
		.flags = VHOST_USER_VERSION ^ action.flags,
		.size = action.size,
	};
	if (action.size > PAYLOAD_MOST)
		action.size = PAYLOAD_MOST;
	take(input, message.payload, action.size);
	for (size_t i = 0; i + 8 <= action.size; i += 8) {
		uint64_t number;

		memcpy(&number, message.payload + i, sizeof(number));
		number = resolve(play, number);
		memcpy(message.payload + i, &number, sizeof(number));
	}
	for (unsigned i = 0; i < 8; i++)
		fd[i] = choose_fd(play, (unsigned)action.fd_kinds[i & 1] >> (i & 6));
	iov.iov_len = sizeof(message.header) + action.size;
	fake_frontend_say_raw(&play->frontend[0], &iov, fd, action.fds % 9);
}

/* Offset in the card's memory, how many bytes, which. */
static void scribble(struct play *play, struct input *input)
{
	uint16_t offset;
	uint8_t count = 0;

	take(input, &offset, sizeof(offset));
	count = take_byte(input) % 32;
	take(input, play->card[0].ram + offset % (play->card[0].ram_size - count), count);
}

/* Without a look at what the ring says: it may have been scribbled on. */
static void send_frame(struct play *play, struct input *input)
{
	struct fake_card *card = &play->card[0];
	struct fake_card_queue *queue = &card->queue[FAKE_CARD_TRANSMIT];
	uint16_t head = take_byte(input) % RING;
	uint8_t *buffer = queue->buffers + (size_t)head * queue->buffer_size;

	take(input, buffer, sizeof(struct virtio_net_hdr_v1) + 60);
	queue->ring.desc[head] = (struct vring_desc){
		.addr = fake_card_address(card, buffer),
		.len = 60U + take_byte(input),
	};
	fake_card_post_head(queue, head);
}

static void send_good_frame(struct play *play)
{
	static const uint8_t frame[60] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2 };

	fake_card_send(&play->card[1], NULL, frame, sizeof(frame));
	fake_card_kick(&play->card[1], FAKE_CARD_TRANSMIT);
}

static void act(struct play *play, struct input *input)
{
	static const uint64_t one = 1;
	uint8_t action = take_byte(input);

	switch (action % 8) {
	case 0:
	case 1:
		say(play, input);
		break;
	case 2:
		scribble(play, input);
		break;
	case 3:
		send_frame(play, input);
		break;
	case 4:
		send_good_frame(play);
		break;
	case 5:
		if (write(play->card[0].queue[action >> 3 & 1].kick_fd, &one, sizeof(one)) < 0)
			abort();
		break;
	case 6:
		if (ftruncate(play->other_fd, action & 8 ? 0 : OTHER_SIZE))
			abort();
		break;
	default:
		break;
	}
	fake_worker_turn(&play->worker);
	if (fake_card_receive(&play->card[1], NULL, NULL, 0) < -1)
		abort(); /* the good one's card was written to where it must not */
}

static void open_frontend(struct play *play, unsigned i, const struct fake_card_options *options)
{
	const struct fake_frontend_options frontend = {
		.turn = fake_worker_turn,
		.context = &play->worker,
	};

	fake_card_create(&play->card[i], options);
	fake_frontend_init(&play->frontend[i], &play->card[i],
		fake_worker_connect(&play->worker, i), &frontend);
}

static void close_frontend(struct play *play, unsigned i)
{
	fake_frontend_release(&play->frontend[i]);
	fake_card_destroy(&play->card[i]);
}

static void begin(struct play *play)
{
	fake_worker_create(&play->worker, &wire_cable);
	play->other_fd = memfd_create("other", MFD_CLOEXEC);
	if (play->other_fd < 0 || ftruncate(play->other_fd, OTHER_SIZE) ||
		pipe2(play->pipe, O_CLOEXEC | O_NONBLOCK))
		abort();
	for (unsigned i = 0; i < 2; i++)
		open_frontend(play, i,
			&(struct fake_card_options){
				.ring_size = RING,
				.receive_size = 512,
				.transmit_size = 512,
			});
	if (fake_frontend_start(&play->frontend[1]))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct input input = { bytes, size };
	struct play play;
	int before = dup(STDERR_FILENO), after;

	close(before);
	begin(&play);
	if (take_byte(&input) & 1 && fake_frontend_start(&play.frontend[0]))
		abort();
	for (unsigned i = 0; i < ACTIONS_MOST && input.left; i++)
		act(&play, &input);
	if (!play.worker.plug[1].session)
		abort(); /* closed, for what another one did */
	close_frontend(&play, 0);
	fake_worker_turn(&play.worker);
	close_frontend(&play, 1);
	fake_worker_destroy(&play.worker);
	close(play.other_fd);
	close(play.pipe[0]);
	close(play.pipe[1]);
	after = dup(STDERR_FILENO);
	close(after);
	if (after != before)
		abort(); /* a descriptor was left open */
	return 0;
}
