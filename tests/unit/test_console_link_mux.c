/* Both ends of the console link together: the vmm's, and muxd's with its channels. */

#include "channel.h"
#include "console_link.h"
#include "device.h"
#include "log.h"
#include "mux.h"
#include "unix_socket.h"

#include <check.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TURNS 60000 /* each at most a tick */

static const struct mux_options options = {
	.prompt = "cons",
	.history_size = 1 << 20,
	.show_all = true,
};
static char directory[] = "/tmp/link-mux-XXXXXX";
static char channels[64];
static char device_path[64];
static struct event_base *base;
static struct event *tick;
static struct mux mux;
static struct console_link *guest;
static char taken[1 << 17];
static size_t taken_count;

static void ticked(evutil_socket_t fd, short what, void *owner)
{
	(void)fd;
	(void)what;
	(void)owner;
}

static void open_mux(void)
{
	ck_assert_int_eq(mux_open(&mux, base, &options, channels), 0);
	mux.listener = device_listener_create(&mux, unix_listen(device_path, 0600));
	ck_assert_ptr_nonnull(mux.listener);
}

static void close_mux(void)
{
	mux_close(&mux);
	unlink(device_path);
}

static struct console_link *create_guest(size_t ring_size)
{
	struct console_link_options link_options = {
		.name = "guest1",
		.path = device_path,
		.key = '1',
		.ring_size = ring_size,
	};

	return console_link_create(base, &link_options);
}

static void start(void)
{
	const struct timeval every = { .tv_usec = 1000 };

	signal(SIGPIPE, SIG_IGN);
	log_init(LOG_ERROR);
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(channels, sizeof(channels), "%s/channels", directory);
	snprintf(device_path, sizeof(device_path), "%s/device.sock", directory);
	base = event_base_new();
	tick = event_new(base, -1, EV_PERSIST, ticked, NULL);
	event_add(tick, &every);
	open_mux();
	guest = create_guest(65536);
}

static void stop(void)
{
	char path[96];

	console_link_destroy(guest);
	close_mux();
	snprintf(path, sizeof(path), "%s/guest1", channels);
	unlink(path);
	rmdir(channels);
	rmdir(directory);
	event_free(tick);
	event_base_free(base);
}

#define TURN_UNTIL(condition) \
	for (unsigned turns = 0; !(condition); turns++) { \
		ck_assert_msg(turns < TURNS, "never: %s", #condition); \
		event_base_loop(base, EVLOOP_ONCE); \
	}

static struct channel *channel(void)
{
	return channel_find(&mux, "guest1");
}

static bool all_there(void)
{
	struct console_link_status status;

	console_link_status(guest, &status);
	return status.connected && channel() &&
		channel()->history.record.link_offset == status.output;
}

static const char *history_text(void)
{
	static char text[1 << 18];
	struct iovec pieces[2];

	history_look(&channel()->history, 0, sizeof(text) - 1, pieces);
	memcpy(text, pieces[0].iov_base, pieces[0].iov_len);
	memcpy(text + pieces[0].iov_len, pieces[1].iov_base, pieces[1].iov_len);
	text[pieces[0].iov_len + pieces[1].iov_len] = '\0';
	return text;
}

static void print(const char *text)
{
	console_link_write(guest, text, strlen(text));
}

static void input_ready(struct console_consumer *consumer)
{
	(void)consumer;
	taken_count += console_link_read(guest, taken + taken_count, sizeof(taken) - taken_count);
}

static void resized(struct console_consumer *consumer, struct console_size size)
{
	(void)consumer;
	(void)size;
}

static void kicked(struct console_consumer *consumer)
{
	(void)consumer;
}

static void break_received(struct console_consumer *consumer)
{
	(void)consumer;
}

START_TEST(output_and_changes_of_state_keep_their_order)
{
	print("one\r\n");
	console_link_set_state(guest, CONSOLE_REBOOTING, NULL);
	print("two");
	console_link_set_state(guest, CONSOLE_CRASHED, "a\treason");
	TURN_UNTIL(all_there() && channel()->history.record.link_changes == 2);

	ck_assert_str_eq(history_text(),
		"one\r\n--- guest1: rebooted ---\r\ntwo\r\n"
		"--- guest1: crashed: a?reason ---\r\n");
	ck_assert_str_eq(channel_state_name(channel()), "crashed");
}

START_TEST(lines_arrive_once_however_often_muxd_ends)
{
	static char expected[1 << 17];
	size_t length = 0;
	unsigned seed = 1;

	for (unsigned i = 0; i < 2000; i++) {
		char line[32];

		snprintf(line, sizeof(line), "line %u\r\n", i);
		print(line);
		length +=
			(size_t)snprintf(expected + length, sizeof(expected) - length, "%s", line);
		for (int turn = rand_r(&seed) % 3; turn > 0; turn--)
			event_base_loop(base, EVLOOP_NONBLOCK);
		if (i % 200 == 199) {
			close_mux();
			open_mux();
		}
	}
	TURN_UNTIL(all_there());

	ck_assert_str_eq(history_text(), expected);
}

START_TEST(both_ends_count_the_same_loss)
{
	static const char expected[] = "first\r\n--- guest1: 34464 bytes of output lost ---\r\nxxx";
	static char bytes[100000];
	struct console_link_status status;

	memset(bytes, 'x', sizeof(bytes));
	print("first\r\n");
	TURN_UNTIL(all_there());
	close_mux();
	console_link_write(guest, bytes, sizeof(bytes));
	open_mux();
	TURN_UNTIL(all_there());

	console_link_status(guest, &status);
	ck_assert_uint_eq(status.lost, sizeof(bytes) - 65536);
	ck_assert_uint_eq(channel()->history.record.lost, status.lost);
	ck_assert(!strncmp(history_text(), expected, strlen(expected)));
}

START_TEST(input_of_any_length_is_paced_by_the_guest)
{
	struct console_consumer consumer = { input_ready, resized, break_received, kicked };
	static uint8_t paste[100000];

	for (size_t i = 0; i < sizeof(paste); i++)
		paste[i] = (uint8_t)(i * 31 >> 3);
	TURN_UNTIL(all_there());
	channel_type(channel(), paste, sizeof(paste));
	for (unsigned i = 0; i < 50; i++)
		event_base_loop(base, EVLOOP_ONCE);
	ck_assert_uint_eq(taken_count, 0);

	console_link_set_consumer(guest, &consumer);
	TURN_UNTIL(taken_count == sizeof(paste));

	ck_assert_mem_eq(taken, paste, sizeof(paste));
}

START_TEST(a_new_process_gets_the_channel_of_the_name)
{
	print("old");
	TURN_UNTIL(all_there());
	console_link_destroy(guest);
	guest = create_guest(65536);
	print("new");
	TURN_UNTIL(channel()->history.record.boots == 2 && all_there());

	ck_assert_str_eq(history_text(), "old\r\n--- guest1: started again ---\r\nnew");
	ck_assert_uint_eq(mux.channel_count, 1);
}

static bool refused;

static void was_refused(void *owner, const char *reason)
{
	(void)owner;
	refused = true;
	ck_assert_str_eq(reason, "a guest called guest1 is running already");
}

START_TEST(a_second_guest_of_the_name_is_refused_until_the_first_ends)
{
	struct console_link *first = guest;

	TURN_UNTIL(all_there());
	guest = create_guest(65536);
	console_link_on_refused(guest, was_refused, NULL);
	TURN_UNTIL(refused);
	ck_assert(channel()->device);

	console_link_destroy(first);
	print("second");
	TURN_UNTIL(channel()->history.record.boots == 2 && all_there());
}

int main(void)
{
	Suite *suite = suite_create("console_link_mux");
	TCase *tcase = tcase_create("both ends");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, start, stop);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, output_and_changes_of_state_keep_their_order);
	tcase_add_test(tcase, lines_arrive_once_however_often_muxd_ends);
	tcase_add_test(tcase, both_ends_count_the_same_loss);
	tcase_add_test(tcase, input_of_any_length_is_paced_by_the_guest);
	tcase_add_test(tcase, a_new_process_gets_the_channel_of_the_name);
	tcase_add_test(tcase, a_second_guest_of_the_name_is_refused_until_the_first_ends);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
