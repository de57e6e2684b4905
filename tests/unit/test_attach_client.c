/* The other end of an attach stream: each byte once and in order. */

#include "attach_client.h"
#include "compiler.h"
#include "message.h"

#include <check.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct event_base *base;
static struct bufferevent *muxd;
static struct attach_client client;
static struct attach_client_channel *channel;
static char shown[256];
static uint64_t lost;
static unsigned ends;

static void announced(void *owner, struct attach_client_channel *of, const json_t *about)
{
	(void)owner;
	(void)about;
	channel = of;
}

static void gone(void *owner, struct attach_client_channel *of)
{
	(void)owner;
	ck_assert_ptr_eq(of, channel);
	channel = NULL;
}

static void output_came(void *owner, struct attach_client_channel *of,
	const struct attach_client_piece *piece)
{
	(void)owner;
	ck_assert_ptr_eq(of, channel);
	strncat(shown, (const char *)piece->bytes, piece->length);
}

static void bytes_lost(void *owner, struct attach_client_channel *of, uint64_t count)
{
	(void)owner;
	(void)of;
	lost += count;
}

static void turn_ended(void *owner)
{
	(void)owner;
}

static void stream_ended(void *owner)
{
	(void)owner;
	ends++;
}

static const struct attach_client_events events = {
	.announced = announced,
	.gone = gone,
	.output = output_came,
	.lost = bytes_lost,
	.turn_ended = turn_ended,
	.ended = stream_ended,
};

static void turn(void)
{
	event_base_loop(base, EVLOOP_NONBLOCK);
}

static void say(enum attach_message type, const void *body, size_t length, const char *text)
{
	struct iovec parts[] = {
		{ (void *)(uintptr_t)body, length },
		{ (void *)(uintptr_t)text, strlen(text) },
	};

	ck_assert_int_eq(message_send(bufferevent_get_output(muxd), (uint16_t)type, parts,
				 ARRAY_SIZE(parts)),
		0);
}

static void say_output(uint64_t position, const char *text)
{
	struct attach_output output = { .id = 7, .position = position };

	say(ATTACH_OUTPUT, &output, sizeof(output), text);
}

static void say_lost(uint64_t count, uint64_t position)
{
	struct attach_lost message = { .id = 7, .count = count, .position = position };

	say(ATTACH_LOST, &message, sizeof(message), "");
}

static void say_writer(uint32_t state)
{
	struct attach_writer writer = { .id = 7, .state = state };

	say(ATTACH_WRITER, &writer, sizeof(writer), "who");
}

static void start(void)
{
	static const uint32_t id = 7;
	struct bufferevent *pair[2];

	base = event_base_new();
	ck_assert_int_eq(bufferevent_pair_new(base, 0, pair), 0);
	muxd = pair[0];
	client = (struct attach_client){ .events = &events };
	shown[0] = '\0';
	lost = ends = 0;
	attach_client_begin(&client, pair[1]);
	bufferevent_enable(muxd, EV_READ | EV_WRITE);
	say(ATTACH_CHANNEL, &id, sizeof(id), "{\"name\": \"guest1\", \"begin\": 10, \"end\": 99}");
	turn();
	ck_assert(channel != NULL);
}

static void stop(void)
{
	attach_client_end(&client);
	bufferevent_free(muxd);
	turn();
	event_base_free(base);
}

START_TEST(a_channel_is_known_as_announced)
{
	ck_assert_str_eq(channel->name, "guest1");
	ck_assert_uint_eq(channel->begin, 10);
	ck_assert_uint_eq(channel->end, 99);
}

START_TEST(output_that_is_not_followed_is_not_shown)
{
	say_output(10, "no");
	turn();

	ck_assert_str_eq(shown, "");
}

START_TEST(each_byte_is_shown_once_when_a_follow_begins_anew)
{
	attach_client_follow(&client, channel, 10, 0);
	say_output(10, "abc");
	turn();
	attach_client_unfollow(&client, channel);
	say_output(13, "def");
	turn();
	attach_client_follow(&client, channel, 13, 0);
	say_output(16, "ghi");
	say_output(13, "def");
	say_output(14, "efgh");
	say_output(13, "de");
	turn();

	ck_assert_str_eq(shown, "abcdefgh");
	ck_assert_uint_eq(channel->position, 18);
}

START_TEST(bytes_that_are_lost_are_counted_once)
{
	attach_client_follow(&client, channel, 10, 0);
	say_lost(5, 15);
	say_lost(5, 15);
	say_lost(5, 30);
	say_output(12, "no,yes");
	say_output(15, "4");
	turn();

	ck_assert_str_eq(shown, "yes");
	ck_assert_uint_eq(lost, 5);
}

START_TEST(input_is_the_writers_and_keeps_within_the_credit)
{
	struct attach_credit credit = { .id = 7, .total = 100 };

	say(ATTACH_CREDIT, &credit, sizeof(credit), "");
	turn();
	ck_assert_uint_eq(attach_client_room(channel), 0);

	attach_client_follow(&client, channel, 10, FOLLOW_INPUT);
	say_writer(WRITER_OTHER);
	turn();
	ck_assert_uint_eq(attach_client_room(channel), 0);
	say_writer(WRITER_MINE);
	turn();
	ck_assert_uint_eq(attach_client_room(channel), 100);
	attach_client_type(&client, channel, "ls\r", 3);
	ck_assert_uint_eq(attach_client_room(channel), 97);
}

START_TEST(a_channel_that_is_gone_is_forgotten)
{
	static const uint32_t id = 7;

	say(ATTACH_GONE, &id, sizeof(id), "");
	turn();

	ck_assert(channel == NULL);
	ck_assert(LIST_EMPTY(&client.channels));
}

START_TEST(what_makes_no_sense_ends_the_stream)
{
	say(ATTACH_FOLLOW, "1234", 4, "");
	turn();

	ck_assert_uint_eq(ends, 1);
	ck_assert(client.stream == NULL);
	attach_client_follow(&client, channel, 10, 0);
}

int main(void)
{
	Suite *suite = suite_create("attach_client");
	TCase *tests = tcase_create("attach_client");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(tests, start, stop);
	tcase_add_test(tests, a_channel_is_known_as_announced);
	tcase_add_test(tests, output_that_is_not_followed_is_not_shown);
	tcase_add_test(tests, each_byte_is_shown_once_when_a_follow_begins_anew);
	tcase_add_test(tests, bytes_that_are_lost_are_counted_once);
	tcase_add_test(tests, input_is_the_writers_and_keeps_within_the_credit);
	tcase_add_test(tests, a_channel_that_is_gone_is_forgotten);
	tcase_add_test(tests, what_makes_no_sense_ends_the_stream);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
