/*
 * Guests without kernels on one wire, named guest1 and so on. Does what lines on standard input
 * say:
 *
 *	send GUEST BYTES	a frame, in hexadecimal digits
 *	look [GUEST]		print what has arrived since: lines "GUEST BYTES", and "." at the
 *end; but this guest takes nothing
 */
#include "fake_frontend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GUESTS_MOST 16
#define FRAME_MOST 1518
#define LINE_MOST (2 * FRAME_MOST + 64)

struct guest {
	struct fake_card card;
	struct fake_frontend frontend;
	unsigned under_way; /* frames the worker still has */
};

static struct guest guest[GUESTS_MOST];
static unsigned guests;

static void fail(const char *what)
{
	fprintf(stderr, "switch_guests: %s\n", what);
	exit(1);
}

static void ask(struct guest *of)
{
	uint64_t ignored;

	if (fake_frontend_ask(&of->frontend, VHOST_USER_GET_FEATURES, &ignored) < 0)
		fail("the back-end does not answer");
}

static void plug(unsigned number, const char *path)
{
	struct guest *of = &guest[number];
	const struct fake_card_options card = { 0 };
	const struct fake_frontend_options options = { 0 };
	char name[16];
	int fd;

	snprintf(name, sizeof(name), "guest%u", number + 1);
	fd = fake_frontend_connect(path, name);
	if (fd < 0)
		fail(strerror(-fd));
	fake_card_create(&of->card, &card);
	fake_frontend_init(&of->frontend, &of->card, fd, &options);
	if (fake_frontend_start(&of->frontend) < 0)
		fail("the back-end does not take a guest");
	ask(of);
}

static struct guest *find(const char *word)
{
	unsigned long number = strtoul(word, NULL, 10);

	if (number < 1 || number > guests)
		fail("no such guest");
	return &guest[number - 1];
}

static void send(struct guest *from, const char *digits)
{
	uint8_t frame[FRAME_MOST];
	uint32_t length = 0;

	for (; digits[0] && digits[1] && length < sizeof(frame); digits += 2) {
		char byte[3] = { digits[0], digits[1], 0 };

		frame[length++] = (uint8_t)strtoul(byte, NULL, 16);
	}
	from->under_way -= fake_card_reap(&from->card);
	if (!fake_card_send(&from->card, NULL, frame, length))
		fail("a frame cannot be sent");
	fake_card_kick(&from->card, FAKE_CARD_TRANSMIT);
	from->under_way++;
}

static void take(unsigned number)
{
	struct fake_card *card = &guest[number].card;
	uint8_t frame[FRAME_MOST];
	int length;

	while ((length = fake_card_receive(card, NULL, frame, sizeof(frame))) >= 0) {
		printf("%u ", number + 1);
		for (int at = 0; at < length; at++)
			printf("%02x", frame[at]);
		printf("\n");
	}
	if (length != -1)
		fail("a ring that makes no sense");
	fake_card_kick(card, FAKE_CARD_RECEIVE);
}

/*
 * Until the worker has returned what was sent, and has answered once more: it has one thread, so
 * the turn in which it did that is over then.
 */
static void await_worker(void)
{
	for (unsigned i = 0; i < guests; i++) {
		while (guest[i].under_way) {
			ask(&guest[i]);
			guest[i].under_way -= fake_card_reap(&guest[i].card);
		}
	}
	ask(&guest[0]);
}

static void look(const struct guest *stopped)
{
	await_worker();
	for (unsigned i = 0; i < guests; i++) {
		if (&guest[i] != stopped)
			take(i);
	}
	printf(".\n");
}

int main(int count, char **word)
{
	static char line[LINE_MOST];

	guests = count == 3 ? (unsigned)strtoul(word[2], NULL, 10) : 0;
	if (guests < 1 || guests > GUESTS_MOST) {
		fprintf(stderr, "usage: %s SOCKET GUESTS\n", word[0]);
		return 2;
	}
	for (unsigned i = 0; i < guests; i++)
		plug(i, word[1]);
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		const char *verb = strtok(line, " \n");
		const char *number = strtok(NULL, " \n");
		const char *digits = strtok(NULL, " \n");

		if (verb && strcmp(verb, "look") == 0)
			look(number ? find(number) : NULL);
		else if (verb && strcmp(verb, "send") == 0 && number && digits)
			send(find(number), digits);
		else
			fail("what?");
		fflush(stdout);
	}
	return 0;
}
