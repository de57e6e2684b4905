/*
 * A guest without a kernel on a wire whose other end sends back each frame with its addresses
 * swapped: sends frames of all sizes and compares what comes back, byte for byte, in order.
 * usage: wire_echo SOCKET COUNT [DECLINED]      (feature bits, hexadecimal)
 */
#include "fake_frontend.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEAST 60
#define MOST 1514
#define UNDER_WAY 64 /* frames at a time */
#define TIMEOUT_MS 60000

static struct fake_card card;
static struct fake_frontend frontend;

static uint32_t make_frame(uint8_t *frame, unsigned number)
{
	uint32_t length = LEAST + number * 37 % (MOST - LEAST + 1);

	memset(frame, 0, 14);
	frame[0] = frame[6] = 2;
	frame[5] = 1;
	frame[11] = 2;
	frame[12] = 0x88;
	frame[13] = 0xb5;
	for (uint32_t i = 14; i < length; i++)
		frame[i] = (uint8_t)(i * 31 + number + (number >> 8) * 7);
	return length;
}

static void swap_addresses(uint8_t *frame)
{
	uint8_t address[6];

	memcpy(address, frame, 6);
	memcpy(frame, frame + 6, 6);
	memcpy(frame + 6, address, 6);
}

/* 1: it is back. 0: nothing is there. -1: something else came. */
static int receive(unsigned number)
{
	uint8_t wanted[MOST], frame[MOST];
	uint32_t length = make_frame(wanted, number);
	int result = fake_card_receive(&card, NULL, frame, sizeof(frame));

	if (result == -1)
		return 0;
	swap_addresses(wanted);
	if (result == (int)length && !memcmp(wanted, frame, length))
		return 1;
	/* Of the other end's own making, before it sends ours back: not of this protocol. */
	if (result >= 14 && (frame[12] != 0x88 || frame[13] != 0xb5))
		return 0;
	fprintf(stderr, "frame %u: not what was sent, %d bytes instead of %u\n", number, result,
		length);
	return -1;
}

static bool await_interrupt(void)
{
	struct pollfd wait[] = {
		{ card.queue[FAKE_CARD_RECEIVE].call_fd, POLLIN, 0 },
		{ frontend.fd, POLLIN, 0 },
	};

	if (poll(wait, 2, TIMEOUT_MS) <= 0 || wait[1].revents) {
		fprintf(stderr, "%s\n", wait[1].revents ? "closed" : "nothing comes back");
		return false;
	}
	fake_card_interrupted(&card, FAKE_CARD_RECEIVE);
	return true;
}

static bool exchange(unsigned count)
{
	unsigned sent = 0, received = 0;
	uint8_t frame[MOST];
	int result;

	while (received < count) {
		while (sent < count && sent - received < UNDER_WAY) {
			uint32_t length = make_frame(frame, sent);

			if (!fake_card_send(&card, NULL, frame, length))
				break;
			sent++;
		}
		fake_card_kick(&card, FAKE_CARD_TRANSMIT);
		result = receive(received);
		fake_card_kick(&card, FAKE_CARD_RECEIVE);
		if (result < 0 || (result == 0 && !await_interrupt())) {
			fprintf(stderr, "%u sent, %u received\n", sent, received);
			return false;
		}
		received += (unsigned)result;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct fake_frontend_options options = { 0 };
	int fd, error;

	if (argc < 3)
		return EXIT_FAILURE;
	if (argc > 3)
		options.declined = strtoull(argv[3], NULL, 16);
	fake_card_create(&card, &(struct fake_card_options){ 0 });
	fd = fake_frontend_connect(argv[1], "echo");
	if (fd < 0) {
		fprintf(stderr, "%s: %s\n", argv[1], strerror(-fd));
		return EXIT_FAILURE;
	}
	fake_frontend_init(&frontend, &card, fd, &options);
	error = fake_frontend_start(&frontend);
	if (error)
		fprintf(stderr, "%s\n", strerror(-error));
	if (error || !exchange((unsigned)strtoul(argv[2], NULL, 10)))
		return EXIT_FAILURE;
	printf("%s frames are back, features %llx\n", argv[2],
		(unsigned long long)frontend.features);
	fake_frontend_release(&frontend);
	fake_card_destroy(&card);
	return EXIT_SUCCESS;
}
