/* Varlink, the service's side: a real loop, real sockets, callers that behave and that do not. */

#include "unix_socket.h"
#include "varlink.h"

#include <check.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 64
#define PATIENCE 20000 /* turns of the loop, a millisecond each when nothing happens */

static char directory[] = "/tmp/test_varlink.XXXXXX";
static char path[64];
static struct event_base *base;
static struct varlink_service *service;
static int client;
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
	client = unix_connect(path);
	ck_assert_int_ge(client, 0);
}

static void stop(void)
{
	close(client);
	varlink_service_destroy(service);
	if (upgraded)
		bufferevent_free(upgraded);
	event_base_free(base);
	unlink(path);
	rmdir(directory);
}

static void turn(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	event_base_loop(base, EVLOOP_NONBLOCK);
	poll(&poll_fd, 1, 1);
}

static void turns(void)
{
	for (int i = 0; i < 50; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
}

/* The socket's buffers may be smaller than what is sent. */
static void post_bytes(int fd, const char *bytes, size_t length)
{
	for (int i = 0; length && i < PATIENCE; i++) {
		ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);

		if (sent > 0) {
			bytes += sent;
			length -= (size_t)sent;
		} else if (errno == EAGAIN) {
			turn(fd);
		} else {
			return; /* closed: the test looks for itself */
		}
	}
}

static void post(const char *request)
{
	post_bytes(client, request, strlen(request) + 1);
}

/* The next reply; NULL when the connection was closed instead. */
static json_t *take_from(int fd)
{
	static char text[2 * VARLINK_MESSAGE_MAX];
	size_t length = 0;

	for (int i = 0; i < PATIENCE && length < sizeof(text);) {
		ssize_t got = recv(fd, text + length, 1, 0);

		if (got == 0 || (got < 0 && errno == ECONNRESET))
			return NULL;
		if (got < 0) {
			turn(fd);
			i++;
			continue;
		}
		if (!text[length++]) {
			json_t *reply = json_loads(text, 0, NULL);

			ck_assert_ptr_nonnull(reply);
			return reply;
		}
	}
	ck_abort_msg("no reply");
	return NULL;
}

static json_t *take(void)
{
	return take_from(client);
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

static const char *const nonsense[] = {
	"",
	"hello",
	"[]",
	"{}",
	"{\"method\":1}",
	"{\"method\":\"org.example.test.Echo\",\"method\":\"org.example.test.Echo\"}",
	"{\"method\":\"org.example.test.Echo\"} x",
	"{\"method\":\"org.example.test.\xff\"}",
	"{\"method\":\"a\\u0000b\"}",
};

START_TEST(closes_who_does_not_speak_varlink)
{
	post(nonsense[_i]);

	ck_assert_ptr_null(take());
}

START_TEST(closes_who_nests_too_deep)
{
	static char text[VARLINK_MESSAGE_MAX];

	memset(text, '[', sizeof(text) - 1);

	post(text);

	ck_assert_ptr_null(take());
}

/* A request of exactly length bytes before its NUL. */
static char *request_of(size_t length)
{
	static const char head[] = "{\"method\":\"org.example.test.Echo\",\"parameters\":{\"a\":\"";
	char *text = malloc(length + 1);

	memset(text, 'x', length);
	memcpy(text, head, strlen(head));
	strcpy(text + length - 3, "\"}}");
	return text;
}

START_TEST(takes_the_longest_message)
{
	char *text = request_of(VARLINK_MESSAGE_MAX);
	json_t *reply;

	post(text);

	reply = take();
	ck_assert_ptr_nonnull(reply);
	json_decref(reply);
	free(text);
}

START_TEST(closes_who_sends_a_longer_one)
{
	char *text = request_of(VARLINK_MESSAGE_MAX + 1);

	post(text);

	ck_assert_ptr_null(take());
	free(text);
}

START_TEST(closes_who_never_ends_a_message)
{
	static char text[2 * VARLINK_MESSAGE_MAX];

	memset(text, ' ', sizeof(text));

	post_bytes(client, text, sizeof(text));

	ck_assert_ptr_null(take());
}

START_TEST(answers_in_order_what_was_sent_at_once)
{
	post("{\"method\":\"org.example.test.Hold\"}");
	post("{\"method\":\"org.example.test.Echo\",\"parameters\":{\"n\":1}}");
	post("{\"method\":\"org.example.test.Echo\",\"parameters\":{\"n\":2}}");
	turns();
	ck_assert_ptr_nonnull(held);
	ck_assert_int_eq(recv(client, &(char){ 0 }, 1, 0), -1);

	varlink_reply(held, json_pack("{s:i}", "n", 0));

	expect("{\"parameters\":{\"n\":0}}");
	expect("{\"parameters\":{\"n\":1}}");
	expect("{\"parameters\":{\"n\":2}}");
}

START_TEST(a_slow_call_holds_up_nobody_else)
{
	int other = unix_connect(path);
	static const char request[] = "{\"method\":\"org.example.test.Echo\"}";
	json_t *reply;

	post("{\"method\":\"org.example.test.Hold\"}");
	turns();
	post_bytes(other, request, sizeof(request));

	reply = take_from(other);
	ck_assert_ptr_nonnull(reply);
	json_decref(reply);
	close(other);
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

	close(client);
	turns();

	ck_assert_uint_eq(gone_count, 1);
	client = -1;
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
	post_bytes(client, "early", 5);
	expect("{\"parameters\":{\"now\":\"raw\"}}");
	ck_assert_ptr_nonnull(upgraded);

	input = bufferevent_get_input(upgraded);
	for (int i = 0; evbuffer_get_length(input) < 5 && i < PATIENCE; i++)
		turn(client);
	evbuffer_remove(input, bytes, 5);
	ck_assert_str_eq(bytes, "early");

	varlink_service_destroy(service); /* has nothing to do with it any more */
	service = NULL;
	bufferevent_write(upgraded, "late", 4);
	for (int i = 0; recv(client, bytes, 4, MSG_PEEK) < 4 && i < PATIENCE; i++)
		turn(client);
	ck_assert_int_eq(recv(client, bytes, 4, 0), 4);
	ck_assert_mem_eq(bytes, "late", 4);
}

START_TEST(answers_a_caller_that_closed_only_its_sending_side)
{
	post("{\"method\":\"org.example.test.Echo\",\"parameters\":{\"n\":1}}");
	post("{\"method\":\"org.example.test.Echo\",\"parameters\":{\"n\":2}}");
	shutdown(client, SHUT_WR);

	expect("{\"parameters\":{\"n\":1}}");
	expect("{\"parameters\":{\"n\":2}}");
	ck_assert_ptr_null(take());
}

START_TEST(closes_who_does_not_read_a_stream_of_replies)
{
	char *text = calloc(1, 65536);

	memset(text, 'x', 65535);
	post("{\"method\":\"org.example.test.Hold\",\"more\":true}");
	turns();
	ck_assert_ptr_nonnull(held);

	for (unsigned i = 0; i < 1000 && held; i++) {
		varlink_continue(held, json_pack("{s:s}", "text", text));
		turns();
	}

	ck_assert_uint_eq(gone_count, 1);
	free(text);
}

START_TEST(reads_no_more_from_who_does_not_read)
{
	char *text = request_of(65536);
	size_t taken = 0;
	unsigned refused = 0;

	for (unsigned i = 0; i < 10000 && refused < 100; i++) {
		ssize_t sent =
			send(client, text + taken % 65537, 65537 - taken % 65537, MSG_NOSIGNAL);

		turns();
		refused = sent < 0 ? refused + 1 : 0;
		taken += sent < 0 ? 0 : (size_t)sent;
	}

	ck_assert_uint_eq(refused, 100);
	ck_assert_uint_lt(taken, 16 * VARLINK_MESSAGE_MAX);
	free(text);
}

START_TEST(serves_a_limited_number_of_callers)
{
	int other[CONNECTIONS_MAX];
	json_t *reply;

	turns();
	for (int i = 0; i < CONNECTIONS_MAX; i++) {
		other[i] = unix_connect(path);
		ck_assert_int_ge(other[i], 0);
		turns();
	}
	ck_assert_ptr_null(take_from(other[CONNECTIONS_MAX - 1]));

	close(other[0]);
	turns();
	other[0] = unix_connect(path);
	post_bytes(other[0], "{\"method\":\"org.varlink.service.GetInfo\"}", 41);
	reply = take_from(other[0]);
	ck_assert_ptr_nonnull(reply);
	json_decref(reply);
	for (int i = 0; i < CONNECTIONS_MAX; i++)
		close(other[i]);
}

START_TEST(pauses_when_it_cannot_accept)
{
	struct rlimit limit, low;
	FILE *errors = tmpfile();
	unsigned lines = 0;
	int next = dup(client);

	close(next);
	dup2(fileno(errors), STDERR_FILENO);
	getrlimit(RLIMIT_NOFILE, &limit);
	low = limit;
	low.rlim_cur = (rlim_t)next;

	setrlimit(RLIMIT_NOFILE, &low);
	turns();
	turns();
	setrlimit(RLIMIT_NOFILE, &limit);

	rewind(errors);
	for (int byte; (byte = fgetc(errors)) != EOF;)
		lines += byte == '\n';
	ck_assert_uint_eq(lines, 1);
	post("{\"method\":\"org.example.test.Echo\"}");
	expect("{\"parameters\":{}}");
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
	tcase_add_loop_test(tcase, closes_who_does_not_speak_varlink, 0,
		sizeof(nonsense) / sizeof(nonsense[0]));
	tcase_add_test(tcase, closes_who_nests_too_deep);
	tcase_add_test(tcase, takes_the_longest_message);
	tcase_add_test(tcase, closes_who_sends_a_longer_one);
	tcase_add_test(tcase, closes_who_never_ends_a_message);
	tcase_add_test(tcase, answers_in_order_what_was_sent_at_once);
	tcase_add_test(tcase, a_slow_call_holds_up_nobody_else);
	tcase_add_test(tcase, says_nothing_to_a_one_way_call);
	tcase_add_test(tcase, marks_replies_that_more_will_follow);
	tcase_add_test(tcase, tells_the_method_that_its_caller_went_away);
	tcase_add_test(tcase, tells_the_method_that_the_service_ends);
	tcase_add_test(tcase, an_upgraded_stream_has_what_was_sent_behind_the_request);
	tcase_add_test(tcase, answers_a_caller_that_closed_only_its_sending_side);
	tcase_add_test(tcase, closes_who_does_not_read_a_stream_of_replies);
	tcase_add_test(tcase, reads_no_more_from_who_does_not_read);
	tcase_add_test(tcase, serves_a_limited_number_of_callers);
	tcase_add_test(tcase, pauses_when_it_cannot_accept);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
