/* Who hears of what happens to channels, and from where scripts look at what guests print. */

#include "channel.h"
#include "channel_watch.h"
#include "compiler.h"
#include "mux.h"

#include <check.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct mux_options options = {
	.prompt = "cons",
	.history_size = HISTORY_SIZE_LEAST,
	.show_all = true,
};
static char directory[] = "/tmp/test_watch.XXXXXX";
static struct mux mux;
static struct channel *one, *two;

struct watcher {
	struct channel_watch watch;
	char log[64]; /* what was heard, a letter each */
	bool once;
};
static struct watcher first, second, all;

static void happened(struct channel_watch *watch, struct channel *channel, enum channel_event event)
{
	struct watcher *watcher = CONTAINER_OF(watch, struct watcher, watch);
	char letter = "COSD"[event];

	(void)channel;
	strncat(watcher->log, &letter, 1);
	if (watcher->once)
		channel_unwatch(watch);
}

static struct channel *create(const char *name)
{
	int error;
	struct channel *channel = channel_create(&mux, name, &error);

	ck_assert_ptr_nonnull(channel);
	return channel;
}

static void say(struct channel *channel, const char *text)
{
	channel_output(channel, (const uint8_t *)text, strlen(text));
}

static void setup(void)
{
	char channels[64];

	memcpy(strrchr(directory, '.'), ".XXXXXX", sizeof(".XXXXXX"));
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(channels, sizeof(channels), "%s/channels", directory);
	ck_assert_int_eq(mux_open(&mux, event_base_new(), &options, channels), 0);
	one = create("one");
	two = create("two");
	first = second = all = (struct watcher){ .watch.happened = happened };
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

START_TEST(only_what_happens_to_that_channel_is_heard)
{
	channel_watch(one, &first.watch);

	say(two, "x");
	channel_set_state(two, CONSOLE_PAUSED, "", 0);
	ck_assert_str_eq(first.log, "");
	say(one, "x");
	ck_assert_str_eq(first.log, "O");
	channel_changed(one);
	ck_assert_str_eq(first.log, "OS");
}

START_TEST(who_watches_all_hears_of_new_ones_too)
{
	channel_watch_all(&mux, &all.watch);

	say(one, "x");
	say(two, "x");
	create("three");
	channel_drop(two);

	ck_assert_str_eq(all.log, "OOCD");
}

START_TEST(a_channel_that_is_dropped_is_not_watched_any_more)
{
	channel_watch(one, &first.watch);
	channel_watch(one, &second.watch);

	channel_drop(one);

	ck_assert_str_eq(first.log, "D");
	ck_assert_str_eq(second.log, "D");
	ck_assert(!first.watch.watching && !second.watch.watching);
	channel_unwatch(&first.watch);
}

START_TEST(who_hears_of_it_may_stop_watching)
{
	first.once = true;
	channel_watch(one, &second.watch);
	channel_watch(one, &first.watch);

	say(one, "x");
	say(one, "x");

	ck_assert_str_eq(first.log, "O");
	ck_assert_str_eq(second.log, "OO");
}

START_TEST(who_watches_another_channel_leaves_the_first)
{
	channel_watch(one, &first.watch);
	channel_watch(two, &first.watch);

	say(one, "x");
	ck_assert_str_eq(first.log, "");
	say(two, "x");
	ck_assert_str_eq(first.log, "O");
}

START_TEST(scripts_look_from_where_they_were)
{
	say(one, "12345");
	ck_assert_uint_eq(channel_seen(one), 0);
	channel_saw(one, 3);
	ck_assert_uint_eq(channel_seen(one), 3);
}

START_TEST(scripts_do_not_look_at_a_life_they_had_nothing_to_do_with)
{
	one->history.record.boots = 1;
	two->history.record.boots = 1;
	channel_saw(two, 2);
	say(one, "12345");
	say(two, "12345");
	channel_set_state(one, CONSOLE_POWERED_OFF, "", 0);
	channel_set_state(two, CONSOLE_CRASHED, "", 0);

	ck_assert_uint_eq(channel_seen(one), 5);
	ck_assert_uint_eq(channel_seen(two), 2);
}

int main(void)
{
	Suite *suite = suite_create("channel_watch");
	TCase *tcase = tcase_create("watches");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, only_what_happens_to_that_channel_is_heard);
	tcase_add_test(tcase, who_watches_all_hears_of_new_ones_too);
	tcase_add_test(tcase, a_channel_that_is_dropped_is_not_watched_any_more);
	tcase_add_test(tcase, who_hears_of_it_may_stop_watching);
	tcase_add_test(tcase, who_watches_another_channel_leaves_the_first);
	tcase_add_test(tcase, scripts_look_from_where_they_were);
	tcase_add_test(tcase, scripts_do_not_look_at_a_life_they_had_nothing_to_do_with);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
