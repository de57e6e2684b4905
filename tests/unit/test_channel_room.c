/* Which channels make room for others. */

#include "channel.h"
#include "mux.h"

#include <check.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SIZE (64U << 10)

static struct mux_options options;
static char directory[] = "/tmp/test_room.XXXXXX";
static char channels[64];
static struct mux mux;

static void open_mux(void)
{
	ck_assert_int_eq(mux_open(&mux, mux.base, &options, channels), 0);
}

static void setup(void)
{
	memcpy(strrchr(directory, '.'), ".XXXXXX", sizeof(".XXXXXX"));
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(channels, sizeof(channels), "%s/channels", directory);
	options = (struct mux_options){ .prompt = "cons", .history_size = SIZE, .show_all = true };
	mux.base = event_base_new();
	open_mux();
}

static void teardown(void)
{
	struct event_base *base = mux.base;
	char command[128];

	mux_close(&mux);
	event_base_free(base);
	snprintf(command, sizeof(command), "rm -r %s", directory);
	ck_assert_int_eq(system(command), 0);
}

static struct channel *find(const char *name, unsigned number)
{
	char full[32];

	snprintf(full, sizeof(full), "%s%u", name, number);
	return channel_find(&mux, full);
}

/* A channel whose state changed so many seconds ago. */
static struct channel *create(const char *name, unsigned number, unsigned state, unsigned ago)
{
	struct channel *channel;
	char full[32];
	int error;

	snprintf(full, sizeof(full), "%s%u", name, number);
	channel = channel_create(&mux, full, &error);
	ck_assert_ptr_nonnull(channel);
	channel_set_state(channel, state, "", 0);
	channel->history.record.since = (uint64_t)time(NULL) - ago;
	history_commit(&channel->history);
	return channel;
}

/* A muxd ends, and the next one has these options. */
static void begin_again(void)
{
	struct event_base *base = mux.base;

	mux_close(&mux);
	mux = (struct mux){ .base = base };
	open_mux();
}

START_TEST(the_longest_dead_goes_first)
{
	for (unsigned i = 0; i <= CHANNELS_DEAD_MAX; i++)
		create("dead", i, CONSOLE_POWERED_OFF, i == 7 ? 2000 : 1000 - i);
	channel_limit(&mux);
	ck_assert_uint_eq(mux.channel_count, CHANNELS_DEAD_MAX);
	ck_assert_ptr_null(find("dead", 7));
}
END_TEST

START_TEST(who_has_just_gone_is_not_dead_yet)
{
	for (unsigned i = 0; i <= CHANNELS_DEAD_MAX; i++)
		create("gone", i, CHANNEL_GONE, 5);
	create("dead", 0, CONSOLE_CRASHED, 1);
	channel_limit(&mux);
	ck_assert_uint_eq(mux.channel_count, CHANNELS_DEAD_MAX + 2);
	for (unsigned i = 0; i <= CHANNELS_DEAD_MAX; i++)
		find("gone", i)->history.record.since -= 600;
	channel_limit(&mux);
	ck_assert_uint_eq(mux.channel_count, CHANNELS_DEAD_MAX);
	ck_assert_ptr_nonnull(find("dead", 0));
}
END_TEST

START_TEST(who_lived_when_muxd_ended_is_given_time_to_come_back)
{
	for (unsigned i = 0; i < CHANNELS_DEAD_MAX; i++)
		create("dead", i, CONSOLE_POWERED_OFF, 10);
	for (unsigned i = 0; i < 10; i++)
		create("alive", i, CONSOLE_RUNNING, 100000);
	begin_again();
	channel_limit(&mux);
	ck_assert_uint_eq(mux.channel_count, CHANNELS_DEAD_MAX + 10);
	create("dead", CHANNELS_DEAD_MAX, CONSOLE_POWERED_OFF, 0);
	channel_limit(&mux);
	for (unsigned i = 0; i < 10; i++)
		ck_assert_ptr_nonnull(find("alive", i));
}
END_TEST

START_TEST(a_clock_that_was_set_back_makes_nobody_immortal)
{
	create("gone", 0, CHANNEL_GONE, 0)->history.record.since += 100000;
	for (unsigned i = 0; i < CHANNELS_DEAD_MAX; i++)
		create("dead", i, CONSOLE_POWERED_OFF, 10);
	channel_limit(&mux);
	ck_assert_uint_eq(mux.channel_count, CHANNELS_DEAD_MAX);
}
END_TEST

START_TEST(dead_channels_to_be_kept_are_bounded_too)
{
	options.history_size = HISTORY_SIZE_LEAST;
	for (unsigned i = 0; i < CHANNELS_KEPT_MAX + 3; i++)
		create("kept", i, CONSOLE_POWERED_OFF, 10000 - i)->history.record.keep = 1;
	create("dead", 0, CONSOLE_POWERED_OFF, 50000);
	channel_limit(&mux);
	ck_assert_uint_eq(mux.channel_count, CHANNELS_KEPT_MAX + 1);
	ck_assert_ptr_null(find("kept", 2));
	ck_assert_ptr_nonnull(find("kept", 3));
	ck_assert_ptr_nonnull(find("dead", 0));
}
END_TEST

START_TEST(the_budget_lets_dead_ones_go_and_kept_ones_last)
{
	options.history_total = 4 * history_file_size(SIZE);
	create("kept", 0, CONSOLE_POWERED_OFF, 9000)->history.record.keep = 1;
	create("dead", 0, CONSOLE_POWERED_OFF, 10);
	create("dead", 1, CONSOLE_POWERED_OFF, 20);
	create("alive", 0, CONSOLE_RUNNING, 0);
	find("alive", 0)->is_log = true; /* so that it does not count as dead */
	ck_assert(channel_make_room(&mux));
	ck_assert_ptr_null(find("dead", 1));
	ck_assert_uint_eq(mux.channel_count, 3);
	create("alive", 1, CONSOLE_RUNNING, 0)->is_log = true;
	ck_assert(channel_make_room(&mux));
	ck_assert_ptr_null(find("dead", 0));
	create("alive", 2, CONSOLE_RUNNING, 0)->is_log = true;
	ck_assert(channel_make_room(&mux));
	ck_assert_ptr_null(find("kept", 0));
	ck_assert_uint_eq(mux.channel_count, 3);
}
END_TEST

START_TEST(beyond_the_budget_a_guest_has_a_smaller_history)
{
	struct channel_budget budget;
	struct channel *small;

	options.history_total = 2 * history_file_size(SIZE) + history_file_size(SIZE / 2);
	create("gone", 0, CHANNEL_GONE, 0);
	create("gone", 1, CHANNEL_GONE, 0);
	ck_assert(channel_make_room(&mux));
	small = create("gone", 2, CHANNEL_GONE, 0);
	ck_assert_uint_eq(small->history.file_size, history_file_size(SIZE / 2));
	channel_budget(&mux, &budget);
	ck_assert_uint_eq(budget.used, budget.total);
	ck_assert_uint_eq(budget.channels, 3);
	ck_assert(channel_make_room(&mux));
	small = create("gone", 3, CHANNEL_GONE, 0);
	ck_assert_uint_eq(small->history.file_size, history_file_size(CHANNEL_HISTORY_LEAST));
}
END_TEST

START_TEST(histories_that_are_small_anyway_stay_as_they_are)
{
	options.history_size = HISTORY_SIZE_LEAST;
	options.history_total = 1;
	ck_assert_uint_eq(channel_history_size(&mux, 0), HISTORY_SIZE_LEAST);
}
END_TEST

START_TEST(a_smaller_budget_is_kept_from_the_start)
{
	struct channel_budget budget;

	for (unsigned i = 0; i < 10; i++)
		create("dead", i, CONSOLE_POWERED_OFF, 1000 + i);
	options.history_total = 5 * history_file_size(SIZE);
	begin_again();
	channel_budget(&mux, &budget);
	ck_assert_uint_le(budget.used, budget.total);
	ck_assert_uint_eq(mux.channel_count, 5);
	ck_assert_ptr_nonnull(find("dead", 0));
}
END_TEST

START_TEST(a_full_house_lets_in_who_lives)
{
	options.history_size = HISTORY_SIZE_LEAST;
	for (unsigned i = 0; i < CHANNELS_MAX; i++)
		create("gone", i, CHANNEL_GONE, i == 500 ? 30 : 1);
	ck_assert(channel_make_room(&mux));
	ck_assert_uint_eq(mux.channel_count, CHANNELS_MAX - 1);
	ck_assert_ptr_null(find("gone", 500));
}
END_TEST

START_TEST(a_channel_belongs_to_its_user)
{
	struct channel *channel = create("one", 0, CHANNEL_GONE, 0);

	ck_assert(channel_may_be_of(channel, geteuid() + 1));
	channel_own(channel, geteuid() + 1);
	ck_assert(channel_may_be_of(channel, geteuid() + 1));
	ck_assert(!channel_may_be_of(channel, geteuid() + 2));
	ck_assert(channel_may_be_of(channel, geteuid()));
	ck_assert(channel_may_be_of(channel, 0));
	history_commit(&channel->history);
	begin_again();
	ck_assert(!channel_may_be_of(find("one", 0), geteuid() + 2));
}
END_TEST

START_TEST(a_user_makes_room_among_its_own)
{
	uid_t uid = geteuid() + 1;

	options.history_size = HISTORY_SIZE_LEAST;
	create("other", 0, CONSOLE_POWERED_OFF, 1000);
	for (unsigned i = 0; i < CHANNELS_OF_USER_MAX; i++) {
		ck_assert(channel_make_room_of_user(&mux, uid));
		channel_own(create("own", i, CHANNEL_GONE, i == 5 ? 10 : 0), uid);
	}
	ck_assert(channel_make_room_of_user(&mux, uid));
	ck_assert_ptr_null(find("own", 5));
	ck_assert_ptr_nonnull(find("other", 0));
	channel_own(create("own", 5, CHANNEL_GONE, 0), uid);
	for (unsigned i = 0; i < CHANNELS_OF_USER_MAX; i++)
		find("own", i)->history.record.state = CONSOLE_RUNNING;
	ck_assert(!channel_make_room_of_user(&mux, uid));
	ck_assert(channel_make_room_of_user(&mux, geteuid()));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("channel_room");
	TCase *tests = tcase_create("channel_room");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tests, 120);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, the_longest_dead_goes_first);
	tcase_add_test(tests, who_has_just_gone_is_not_dead_yet);
	tcase_add_test(tests, who_lived_when_muxd_ended_is_given_time_to_come_back);
	tcase_add_test(tests, a_clock_that_was_set_back_makes_nobody_immortal);
	tcase_add_test(tests, dead_channels_to_be_kept_are_bounded_too);
	tcase_add_test(tests, the_budget_lets_dead_ones_go_and_kept_ones_last);
	tcase_add_test(tests, beyond_the_budget_a_guest_has_a_smaller_history);
	tcase_add_test(tests, histories_that_are_small_anyway_stay_as_they_are);
	tcase_add_test(tests, a_smaller_budget_is_kept_from_the_start);
	tcase_add_test(tests, a_full_house_lets_in_who_lives);
	tcase_add_test(tests, a_channel_belongs_to_its_user);
	tcase_add_test(tests, a_user_makes_room_among_its_own);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
