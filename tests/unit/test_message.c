/* Framing of the project's own stream protocols. */

#include "message.h"

#include <check.h>
#include <errno.h>
#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

#define MOST 1000

static const struct message_rule rules[] = {
	{ 1, "empty", 0, 0 },
	{ 2, "number", 8, 8 },
	{ 7, "text", 1, MOST },
};

static struct evbuffer *buffer;
static struct message message;

static void start(void)
{
	buffer = evbuffer_new();
}

static void stop(void)
{
	evbuffer_free(buffer);
}

static int next(void)
{
	return message_next(buffer, rules, sizeof(rules) / sizeof(rules[0]), &message);
}

static void send_text(const char *text)
{
	struct iovec part = { (void *)(uintptr_t)text, strlen(text) };

	ck_assert_int_eq(message_send(buffer, 7, &part, 1), 0);
}

START_TEST(what_is_sent_arrives_in_order)
{
	uint64_t number = 0x0102030405060708, arrived;

	ck_assert_int_eq(message_send(buffer, 1, NULL, 0), 0);
	ck_assert_int_eq(message_send(buffer, 2, &(struct iovec){ &number, sizeof(number) }, 1), 0);
	send_text("hello");

	ck_assert_int_eq(next(), 1);
	ck_assert_str_eq(message.rule->name, "empty");
	ck_assert_uint_eq(message.length, 0);
	message_done(buffer, &message);
	ck_assert_int_eq(next(), 1);
	ck_assert_str_eq(message.rule->name, "number");
	memcpy(&arrived, message.body, sizeof(arrived));
	ck_assert_uint_eq(arrived, number);
	message_done(buffer, &message);
	ck_assert_int_eq(next(), 1);
	ck_assert_uint_eq(message.length, 5);
	ck_assert_mem_eq(message.body, "hello", 5);
	message_done(buffer, &message);
	ck_assert_int_eq(next(), 0);
}

START_TEST(a_body_is_its_parts_one_after_the_other)
{
	char one[] = "ab", two[] = "", three[] = "cde";
	struct iovec parts[] = { { one, 2 }, { two, 0 }, { three, 3 } };

	ck_assert_int_eq(message_send(buffer, 7, parts, 3), 0);

	ck_assert_int_eq(next(), 1);
	ck_assert_uint_eq(message.length, 5);
	ck_assert_mem_eq(message.body, "abcde", 5);
}

START_TEST(waits_for_the_last_byte_however_they_come)
{
	struct evbuffer *whole = buffer;
	char bytes[sizeof(struct message_header) + 5];

	send_text("hello");
	ck_assert_int_eq(evbuffer_remove(whole, bytes, sizeof(bytes)), sizeof(bytes));
	buffer = evbuffer_new();
	for (size_t i = 0; i < sizeof(bytes); i++) {
		ck_assert_int_eq(next(), 0);
		evbuffer_add_reference(buffer, &bytes[i], 1, NULL,
			NULL); /* each in its own chain */
	}

	ck_assert_int_eq(next(), 1);
	ck_assert_mem_eq(message.body, "hello", 5);
	evbuffer_free(whole);
}

START_TEST(the_same_message_stays_until_it_is_done)
{
	send_text("a");
	send_text("b");

	ck_assert_int_eq(next(), 1);
	ck_assert_int_eq(next(), 1);
	ck_assert_int_eq(message.body[0], 'a');
	message_done(buffer, &message);
	ck_assert_int_eq(next(), 1);
	ck_assert_int_eq(message.body[0], 'b');
}

/* A header alone is enough to refuse: nobody waits for the body of a wrong message. */
static const struct message_header wrong[] = {
	{ .type = 0, .length = 0 },
	{ .type = 3, .length = 0 },
	{ .type = UINT16_MAX, .length = 0 },
	{ .type = 1, .length = 1 },
	{ .type = 1, .reserved = 1, .length = 0 },
	{ .type = 2, .length = 7 },
	{ .type = 2, .length = 9 },
	{ .type = 7, .length = 0 },
	{ .type = 7, .length = MOST + 1 },
	{ .type = 7, .length = UINT32_MAX },
	{ .type = 7, .length = UINT32_MAX - 7 },
};

START_TEST(refuses_what_no_rule_allows)
{
	evbuffer_add(buffer, &wrong[_i], sizeof(wrong[_i]));

	ck_assert_int_eq(next(), -EPROTO);
}

START_TEST(the_longest_and_the_shortest_are_allowed)
{
	char text[MOST + 1];

	memset(text, 'x', MOST);
	text[MOST] = '\0';
	send_text(text);
	send_text("y");

	ck_assert_int_eq(next(), 1);
	ck_assert_uint_eq(message.length, MOST);
	message_done(buffer, &message);
	ck_assert_int_eq(next(), 1);
	ck_assert_uint_eq(message.length, 1);
}

START_TEST(gathers_no_more_than_the_message)
{
	static const char rest[1 << 20];
	size_t before;

	send_text("hello");
	before = evbuffer_get_contiguous_space(buffer);
	evbuffer_add_reference(buffer, rest, sizeof(rest), NULL, NULL);

	ck_assert_int_eq(next(), 1);

	ck_assert_uint_eq(evbuffer_get_contiguous_space(buffer), before);
}

int main(void)
{
	Suite *suite = suite_create("message");
	TCase *tcase = tcase_create("message");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, what_is_sent_arrives_in_order);
	tcase_add_test(tcase, a_body_is_its_parts_one_after_the_other);
	tcase_add_test(tcase, waits_for_the_last_byte_however_they_come);
	tcase_add_test(tcase, the_same_message_stays_until_it_is_done);
	tcase_add_loop_test(tcase, refuses_what_no_rule_allows, 0,
		sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_test(tcase, the_longest_and_the_shortest_are_allowed);
	tcase_add_test(tcase, gathers_no_more_than_the_message);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
