/* Varlink, the caller's side: against replies made by hand, and against the service's side. */

#include "unix_socket.h"
#include "varlink.h"

#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int fd; /* the caller's */
static int peer;
static json_t *reply;

static void start(void)
{
	int pair[2];

	ck_assert(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	fd = pair[0];
	peer = pair[1];
}

static void stop(void)
{
	json_decref(reply);
	close(fd);
	close(peer);
}

static void answer(const char *text)
{
	ck_assert_int_eq(send(peer, text, strlen(text) + 1, 0), (ssize_t)strlen(text) + 1);
}

static const char *asked(void)
{
	static char text[1000];
	ssize_t length = recv(peer, text, sizeof(text), 0);

	ck_assert_int_gt(length, 0);
	ck_assert_int_eq(text[length - 1], 0);
	ck_assert_uint_eq(strlen(text), (size_t)length - 1);
	return text;
}

START_TEST(sends_what_was_asked)
{
	ck_assert_int_eq(varlink_request(fd, "a.B", json_pack("{s:i}", "n", 1), 0), 0);
	ck_assert_str_eq(asked(), "{\"method\":\"a.B\",\"parameters\":{\"n\":1}}");

	ck_assert_int_eq(varlink_request(fd, "a.B", NULL, VARLINK_MORE), 0);
	ck_assert_str_eq(asked(), "{\"method\":\"a.B\",\"more\":true}");

	ck_assert_int_eq(varlink_request(fd, "a.B", NULL, VARLINK_UPGRADE), 0);
	ck_assert_str_eq(asked(), "{\"method\":\"a.B\",\"upgrade\":true}");
}

START_TEST(returns_the_parameters_of_the_reply)
{
	answer("{\"parameters\":{\"n\":5}}");

	ck_assert_int_eq(varlink_call(fd, "a.B", NULL, &reply), 0);

	ck_assert_int_eq(json_integer_value(json_object_get(reply, "n")), 5);
}

START_TEST(returns_an_empty_object_where_there_are_none)
{
	answer("{}");

	ck_assert_int_eq(varlink_call(fd, "a.B", NULL, &reply), 0);

	ck_assert(json_is_object(reply));
	ck_assert_uint_eq(json_object_size(reply), 0);
}

START_TEST(returns_an_error_with_its_name)
{
	json_t *expected = json_pack("{s:s, s:{s:s}}", "error", "a.Wrong", "parameters", "n", "x");

	answer("{\"error\":\"a.Wrong\",\"parameters\":{\"n\":\"x\"}}");

	ck_assert_int_eq(varlink_call(fd, "a.B", NULL, &reply), -EREMOTEIO);

	ck_assert(json_equal(reply, expected));
	json_decref(expected);
}

START_TEST(says_whether_more_follows)
{
	bool continues;

	answer("{\"continues\":true}");
	answer("{\"parameters\":{\"last\":1}}");

	ck_assert_int_eq(varlink_response(fd, &reply, &continues), 0);
	ck_assert(continues);
	json_decref(reply);
	ck_assert_int_eq(varlink_response(fd, &reply, &continues), 0);
	ck_assert(!continues);
	ck_assert_ptr_nonnull(json_object_get(reply, "last"));
}

START_TEST(takes_no_byte_behind_the_reply)
{
	char byte;

	answer("{\"parameters\":{}}");
	ck_assert_int_eq(send(peer, "x", 1, 0), 1);

	ck_assert_int_eq(varlink_response(fd, &reply, NULL), 0);

	ck_assert_int_eq(recv(fd, &byte, 1, 0), 1);
	ck_assert_int_eq(byte, 'x');
}

static const char *const nonsense[] = {
	"",
	"hello",
	"[]",
	"{\"parameters\":[]}",
	"{\"error\":1}",
	"{\"error\":\"a\",\"parameters\":1}",
};

START_TEST(refuses_what_is_no_reply)
{
	answer(nonsense[_i]);

	ck_assert_int_eq(varlink_response(fd, &reply, NULL), -EPROTO);
	ck_assert_ptr_null(reply);
}

START_TEST(says_when_the_service_is_gone)
{
	ck_assert_int_eq(send(peer, "{\"half", 6, 0), 6);
	close(peer);
	peer = -1;

	ck_assert_int_eq(varlink_response(fd, &reply, NULL), -ECONNRESET);
	ck_assert_int_eq(varlink_call(fd, "a.B", NULL, &reply), -EPIPE);
}

static void *send_endlessly(void *unused)
{
	static char text[VARLINK_MESSAGE_MAX];

	(void)unused;
	memset(text, ' ', sizeof(text));
	while (send(peer, text, sizeof(text), MSG_NOSIGNAL) > 0)
		;
	return NULL;
}

START_TEST(takes_no_endless_reply)
{
	pthread_t thread;

	ck_assert(!pthread_create(&thread, NULL, send_endlessly, NULL));

	ck_assert_int_eq(varlink_response(fd, &reply, NULL), -EMSGSIZE);

	shutdown(fd, SHUT_RDWR);
	pthread_join(thread, NULL);
}

START_TEST(sends_nothing_longer_than_the_service_takes)
{
	char *text = malloc(VARLINK_MESSAGE_MAX + 1);

	memset(text, 'x', VARLINK_MESSAGE_MAX);
	text[VARLINK_MESSAGE_MAX] = '\0';

	ck_assert_int_eq(varlink_call(fd, "a.B", json_pack("{s:s}", "t", text), &reply), -EMSGSIZE);
	free(text);
}

static void echo(struct varlink_call *call, json_t *parameters)
{
	varlink_reply(call, json_incref(parameters));
}

static void end(struct varlink_call *call, json_t *parameters)
{
	(void)parameters;
	event_base_loopexit(varlink_owner(call), NULL);
	varlink_reply(call, NULL);
}

static void *serve(void *listener)
{
	static const struct varlink_method methods[] = { { "Echo", echo }, { "End", end } };
	static const struct varlink_interface interface = {
		.name = "org.example.test",
		.description = "interface org.example.test\n",
		.methods = methods,
		.count = 2,
	};
	struct event_base *base = event_base_new();
	struct varlink_service *service =
		varlink_service_create(base, *(int *)listener, &interface, base);

	event_base_dispatch(base);
	varlink_service_destroy(service);
	event_base_free(base);
	return NULL;
}

START_TEST(talks_to_the_services_side)
{
	char path[64], *text = malloc(VARLINK_MESSAGE_MAX);
	pthread_t thread;
	int listener, caller;

	snprintf(path, sizeof(path), "/tmp/test_varlink_client.%d", getpid());
	listener = unix_listen(path, 0600);
	ck_assert_int_ge(listener, 0);
	ck_assert(!pthread_create(&thread, NULL, serve, &listener));
	memset(text, 'x', VARLINK_MESSAGE_MAX);
	text[VARLINK_MESSAGE_MAX - 100] = '\0';

	caller = unix_connect(path); /* a non-blocking one */
	ck_assert_int_eq(varlink_call(caller, "org.example.test.Echo",
				 json_pack("{s:s}", "text", text), &reply),
		0);
	ck_assert_str_eq(json_string_value(json_object_get(reply, "text")), text);
	json_decref(reply);
	ck_assert_int_eq(varlink_call(caller, "org.example.test.Nothing", NULL, &reply),
		-EREMOTEIO);
	ck_assert_str_eq(json_string_value(json_object_get(reply, "error")),
		"org.varlink.service.MethodNotFound");
	json_decref(reply);
	ck_assert_int_eq(varlink_call(caller, "org.example.test.End", NULL, &reply), 0);

	pthread_join(thread, NULL);
	close(caller);
	unlink(path);
	free(text);
}

int main(void)
{
	Suite *suite = suite_create("varlink_client");
	TCase *tcase = tcase_create("varlink_client");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, sends_what_was_asked);
	tcase_add_test(tcase, returns_the_parameters_of_the_reply);
	tcase_add_test(tcase, returns_an_empty_object_where_there_are_none);
	tcase_add_test(tcase, returns_an_error_with_its_name);
	tcase_add_test(tcase, says_whether_more_follows);
	tcase_add_test(tcase, takes_no_byte_behind_the_reply);
	tcase_add_loop_test(tcase, refuses_what_is_no_reply, 0,
		sizeof(nonsense) / sizeof(nonsense[0]));
	tcase_add_test(tcase, says_when_the_service_is_gone);
	tcase_add_test(tcase, takes_no_endless_reply);
	tcase_add_test(tcase, sends_nothing_longer_than_the_service_takes);
	tcase_add_test(tcase, talks_to_the_services_side);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
