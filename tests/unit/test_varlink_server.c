/* Varlink, the service's side: a real loop, real sockets, callers that behave and that do not. */

#include "fake_caller.h"
#include "unix_socket.h"

#include <check.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char directory[] = "/tmp/test_varlink.XXXXXX";
static char path[64];
static struct event_base *base;
static struct varlink_service *service;
static struct fake_caller caller;
static int owner_mark;

static struct varlink_call *held;
static unsigned gone_count;
static struct bufferevent *upgraded;

static void echo(struct varlink_call *call, json_t *parameters)
{
	ck_assert_ptr_eq(varlink_owner(call), &owner_mark);
	varlink_reply(call, json_incref(parameters));
}

static void gone(void *owner)
{
	ck_assert_ptr_eq(owner, &gone_count);
	gone_count++;
	held = NULL;
}

static void hold(struct varlink_call *call, json_t *parameters)
{
	(void)parameters;
	held = call;
	varlink_on_gone(call, gone, &gone_count);
}

static void count_to_three(struct varlink_call *call, json_t *parameters)
{
	(void)parameters;
	if (!varlink_wants_more(call)) {
		varlink_fail(call, "test.NeedsMore", NULL);
		return;
	}
	varlink_continue(call, json_pack("{s:i}", "n", 1));
	varlink_continue(call, json_pack("{s:i}", "n", 2));
	varlink_reply(call, json_pack("{s:i}", "n", 3));
}

static void upgrade(struct varlink_call *call, json_t *parameters)
{
	(void)parameters;
	upgraded = varlink_upgrade(call, json_pack("{s:s}", "now", "raw"));
}

static const struct varlink_method methods[] = {
	{ "Echo", echo },
	{ "Hold", hold },
	{ "CountToThree", count_to_three },
	{ "Upgrade", upgrade },
};

static const struct varlink_interface interface = {
	.name = "org.example.test",
	.description = "interface org.example.test\nmethod Echo() -> ()\n",
	.methods = methods,
	.count = sizeof(methods) / sizeof(methods[0]),
};

static void start(void)
{
	signal(SIGPIPE, SIG_IGN);
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/socket", directory);
	base = event_base_new();
	service = varlink_service_create(base, unix_listen(path, 0600), &interface, &owner_mark);
	ck_assert_ptr_nonnull(service);
	caller = (struct fake_caller){ base, unix_connect(path) };
	ck_assert_int_ge(caller.fd, 0);
}

static void stop(void)
{
	close(caller.fd);
	varlink_service_destroy(service);
	if (upgraded)
		bufferevent_free(upgraded);
	event_base_free(base);
	unlink(path);
	rmdir(directory);
}

static void post(const char *request)
{
	fake_caller_post(&caller, request);
}

static json_t *take(void)
{
	return fake_caller_take(&caller);
}

static void turns(void)
{
	fake_caller_turns(&caller);
}

static void expect(const char *expected)
{
	json_t *reply = take();
	json_t *wanted = json_loads(expected, 0, NULL);
	char *text = json_dumps(reply, 0);

	ck_assert_ptr_nonnull(wanted);
	ck_assert_msg(json_equal(reply, wanted), "%s instead of %s", text, expected);
	free(text);
	json_decref(reply);
	json_decref(wanted);
}

START_TEST(answers_with_what_the_method_replied)
{
	post("{\"method\":\"org.example.test.Echo\",\"parameters\":{\"a\":[1,{}]}}");
	expect("{\"parameters\":{\"a\":[1,{}]}}");

	post("{\"method\":\"org.example.test.Echo\"}");
	expect("{\"parameters\":{}}");
}

START_TEST(says_who_it_is)
{
	json_t *reply, *interfaces;

	post("{\"method\":\"org.varlink.service.GetInfo\"}");

	reply = take();
	interfaces = json_object_get(json_object_get(reply, "parameters"), "interfaces");
	ck_assert_str_eq(json_string_value(json_array_get(interfaces, 0)), "org.varlink.service");
	ck_assert_str_eq(json_string_value(json_array_get(interfaces, 1)), "org.example.test");
	json_decref(reply);
}

START_TEST(describes_its_interfaces)
{
	static const char *const names[] = { "org.example.test", "org.varlink.service" };
	char request[200], beginning[100];

	for (int i = 0; i < 2; i++) {
		json_t *reply;
		const char *text;

		snprintf(request, sizeof(request),
			"{\"method\":\"org.varlink.service.GetInterfaceDescription\","
			"\"parameters\":{\"interface\":\"%s\"}}",
			names[i]);
		snprintf(beginning, sizeof(beginning), "interface %s\n", names[i]);
		post(request);
		reply = take();
		text = json_string_value(
			json_object_get(json_object_get(reply, "parameters"), "description"));
		ck_assert_ptr_nonnull(text);
		ck_assert_ptr_nonnull(strstr(text, beginning));
		json_decref(reply);
	}
}

static const struct {
	const char *request;
	const char *error;
	const char *parameter;
	const char *value;
} failing[] = {
	{ "{\"method\":\"org.example.test.Nothing\"}", "MethodNotFound", "method",
		"org.example.test.Nothing" },
	{ "{\"method\":\"org.varlink.service.Nothing\"}", "MethodNotFound", "method",
		"org.varlink.service.Nothing" },
	{ "{\"method\":\"org.example.other.Echo\"}", "InterfaceNotFound", "interface",
		"org.example.other" },
	{ "{\"method\":\"org.example.test.Echo.Echo\"}", "InterfaceNotFound", "interface",
		"org.example.test.Echo" },
	{ "{\"method\":\"Echo\"}", "InterfaceNotFound", "interface", "Echo" },
	{ "{\"method\":\"\"}", "InterfaceNotFound", "interface", "" },
	{ "{\"method\":\"org.example.test.Echo\",\"parameters\":[]}", "InvalidParameter",
		"parameter", "parameters" },
	{ "{\"method\":\"org.example.test.Echo\",\"more\":1}", "InvalidParameter", "parameter",
		"more" },
	{ "{\"method\":\"org.example.test.Upgrade\"}", "InvalidParameter", "parameter", "upgrade" },
	{ "{\"method\":\"org.varlink.service.GetInterfaceDescription\"}", "InvalidParameter",
		"parameter", "interface" },
	{ "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
	  "\"parameters\":{\"interface\":\"no.such\"}}",
		"InterfaceNotFound", "interface", "no.such" },
};

START_TEST(names_what_was_wrong_and_goes_on)
{
	char expected[300];

	snprintf(expected, sizeof(expected),
		"{\"error\":\"org.varlink.service.%s\",\"parameters\":{\"%s\":\"%s\"}}",
		failing[_i].error, failing[_i].parameter, failing[_i].value);

	post(failing[_i].request);

	expect(expected);
	post("{\"method\":\"org.example.test.Echo\"}");
	expect("{\"parameters\":{}}");
}

START_TEST(answers_in_order_what_was_sent_at_once)
{
	post("{\"method\":\"org.example.test.Hold\"}");
	post("{\"method\":\"org.example.test.Echo\",\"parameters\":{\"n\":1}}");
	post("{\"method\":\"org.example.test.Echo\",\"parameters\":{\"n\":2}}");
	turns();
	ck_assert_ptr_nonnull(held);
	ck_assert_int_eq(recv(caller.fd, &(char){ 0 }, 1, 0), -1);

	varlink_reply(held, json_pack("{s:i}", "n", 0));

	expect("{\"parameters\":{\"n\":0}}");
	expect("{\"parameters\":{\"n\":1}}");
	expect("{\"parameters\":{\"n\":2}}");
}

START_TEST(a_slow_call_holds_up_nobody_else)
{
	struct fake_caller other = { base, unix_connect(path) };
	static const char request[] = "{\"method\":\"org.example.test.Echo\"}";
	json_t *reply;

	post("{\"method\":\"org.example.test.Hold\"}");
	turns();
	fake_caller_post(&other, request);

	reply = fake_caller_take(&other);
	ck_assert_ptr_nonnull(reply);
	json_decref(reply);
	close(other.fd);
}

START_TEST(says_nothing_to_a_one_way_call)
{
	post("{\"method\":\"org.example.test.Echo\",\"parameters\":{\"n\":1},\"oneway\":true}");
	post("{\"method\":\"org.example.test.Nothing\",\"oneway\":true}");
	post("{\"method\":\"org.example.test.Upgrade\",\"oneway\":true,\"upgrade\":true}");
	post("{\"method\":\"org.example.test.Echo\",\"parameters\":{\"n\":2}}");

	expect("{\"parameters\":{\"n\":2}}");
}

START_TEST(marks_replies_that_more_will_follow)
{
	post("{\"method\":\"org.example.test.CountToThree\",\"more\":true}");

	expect("{\"parameters\":{\"n\":1},\"continues\":true}");
	expect("{\"parameters\":{\"n\":2},\"continues\":true}");
	expect("{\"parameters\":{\"n\":3}}");

	post("{\"method\":\"org.example.test.CountToThree\"}");
	expect("{\"error\":\"test.NeedsMore\",\"parameters\":{}}");
}

START_TEST(tells_the_method_that_its_caller_went_away)
{
	post("{\"method\":\"org.example.test.Hold\"}");
	turns();
	ck_assert_ptr_nonnull(held);

	close(caller.fd);
	turns();

	ck_assert_uint_eq(gone_count, 1);
	caller.fd = -1;
}

START_TEST(tells_the_method_that_the_service_ends)
{
	post("{\"method\":\"org.example.test.Hold\"}");
	turns();

	varlink_service_destroy(service);
	service = NULL;

	ck_assert_uint_eq(gone_count, 1);
	ck_assert_ptr_null(take());
}

START_TEST(an_upgraded_stream_has_what_was_sent_behind_the_request)
{
	struct evbuffer *input;
	char bytes[6] = "";

	post("{\"method\":\"org.example.test.Upgrade\",\"upgrade\":true}");
	fake_caller_post_bytes(&caller, "early", 5);
	expect("{\"parameters\":{\"now\":\"raw\"}}");
	ck_assert_ptr_nonnull(upgraded);

	input = bufferevent_get_input(upgraded);
	for (int i = 0; evbuffer_get_length(input) < 5 && i < FAKE_CALLER_PATIENCE; i++)
		turns();
	evbuffer_remove(input, bytes, 5);
	ck_assert_str_eq(bytes, "early");

	varlink_service_destroy(service); /* has nothing to do with it any more */
	service = NULL;
	bufferevent_write(upgraded, "late", 4);
	ck_assert(fake_caller_wait(&caller));
	ck_assert_int_eq(recv(caller.fd, bytes, 4, 0), 4);
	ck_assert_mem_eq(bytes, "late", 4);
}

START_TEST(answers_a_caller_that_closed_only_its_sending_side)
{
	post("{\"method\":\"org.example.test.Echo\",\"parameters\":{\"n\":1}}");
	post("{\"method\":\"org.example.test.Echo\",\"parameters\":{\"n\":2}}");
	shutdown(caller.fd, SHUT_WR);

	expect("{\"parameters\":{\"n\":1}}");
	expect("{\"parameters\":{\"n\":2}}");
	ck_assert_ptr_null(take());
}

int main(void)
{
	Suite *suite = suite_create("varlink_server");
	TCase *tcase = tcase_create("varlink_server");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, answers_with_what_the_method_replied);
	tcase_add_test(tcase, says_who_it_is);
	tcase_add_test(tcase, describes_its_interfaces);
	tcase_add_loop_test(tcase, names_what_was_wrong_and_goes_on, 0,
		sizeof(failing) / sizeof(failing[0]));
	tcase_add_test(tcase, answers_in_order_what_was_sent_at_once);
	tcase_add_test(tcase, a_slow_call_holds_up_nobody_else);
	tcase_add_test(tcase, says_nothing_to_a_one_way_call);
	tcase_add_test(tcase, marks_replies_that_more_will_follow);
	tcase_add_test(tcase, tells_the_method_that_its_caller_went_away);
	tcase_add_test(tcase, tells_the_method_that_the_service_ends);
	tcase_add_test(tcase, an_upgraded_stream_has_what_was_sent_behind_the_request);
	tcase_add_test(tcase, answers_a_caller_that_closed_only_its_sending_side);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
