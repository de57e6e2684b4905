/*
 * Two guests without kernels on one wire: the first sends a packet of every kind, the second looks
 * at what arrives. Prints what it was, and ends with status 1 at the first packet that is wrong.
 */
#include "fake_frontend.h"
#include "fake_packet.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/virtio_config.h>

#define BUFFER 65664

struct guest {
	struct fake_card card;
	struct fake_frontend frontend;
};

static struct guest guest[2];
static struct fake_packet packet;
static uint8_t bytes[FAKE_PACKET_MAX];

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "packet_guests: %s: %s\n", what, why);
	exit(1);
}

/* Until the worker of the wire has answered: then all before has been done. */
static void plug(struct guest *of, const char *path, const char *name, uint64_t declined)
{
	const struct fake_card_options card = { .receive_size = BUFFER,
		.transmit_size = BUFFER,
		.piece = 4096 };
	const struct fake_frontend_options options = { .declined = declined };
	int fd = fake_frontend_connect(path, name);
	uint64_t ignored;

	if (fd < 0)
		fail(path, strerror(-fd));
	fake_card_create(&of->card, &card);
	fake_frontend_init(&of->frontend, &of->card, fd, &options);
	if (fake_frontend_start(&of->frontend) < 0 ||
		fake_frontend_ask(&of->frontend, VHOST_USER_GET_FEATURES, &ignored) < 0)
		fail(name, "the back-end does not take it");
}

/* A switch may have others: hosts that look for routers. */
static bool is_of_flow(int length)
{
	return length < 14 || memcmp(bytes + 6, packet.bytes + 6, 6) == 0;
}

/* The next frame of the flow. False: it is another's. */
static bool receive(struct fake_flow *flow)
{
	struct fake_card *card = &guest[1].card;
	struct pollfd interrupt = { card->queue[FAKE_CARD_RECEIVE].call_fd, POLLIN, 0 };
	struct virtio_net_hdr_v1 header;
	const char *wrong;
	int length;

	while ((length = fake_card_receive(card, &header, bytes, sizeof(bytes))) == -1) {
		if (poll(&interrupt, 1, FAKE_FRONTEND_TIMEOUT_MS) <= 0)
			fail(packet.form.name, "it does not arrive");
		fake_card_interrupted(card, FAKE_CARD_RECEIVE);
	}
	if (length < 0)
		fail(packet.form.name, "a ring that makes no sense");
	fake_card_kick(card, FAKE_CARD_RECEIVE);
	if (!is_of_flow(length))
		return false;
	wrong = fake_flow_receive(flow, &header, bytes, (uint32_t)length);
	if (wrong)
		fail(packet.form.name, wrong);
	return true;
}

/* How many frames it became, as it was sent whole. */
static unsigned pass(const struct fake_packet_form *form)
{
	struct fake_flow flow = {
		.packet = &packet,
		.accepted = guest[1].frontend.features,
	};
	unsigned frames = 0;

	fake_packet_build(&packet, form);
	if (!fake_card_send(&guest[0].card, &packet.header, packet.bytes, packet.length))
		fail(form->name, "it cannot be sent");
	fake_card_kick(&guest[0].card, FAKE_CARD_TRANSMIT);
	while (!fake_flow_complete(&flow))
		frames += receive(&flow);
	return frames;
}

int main(int count, char **word)
{
	uint64_t declined = count == 3 ? strtoull(word[2], NULL, 16) : 0;

	if (count < 2 || count > 3) {
		fprintf(stderr, "usage: %s SOCKET [FEATURES-DECLINED]\n", word[0]);
		return 2;
	}
	plug(&guest[1], word[1], "guest2", declined);
	plug(&guest[0], word[1], "guest1", 0);
	for (unsigned i = 0; i < FAKE_PACKET_FORMS; i++) {
		const struct fake_packet_form *form = &fake_packet_forms[i];

		printf("%u\t%u\t%s\n", i, pass(form), form->name);
	}
	return 0;
}
