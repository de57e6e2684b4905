/* Varlink, the service's side: callers that send nonsense, too much, or read too little. */

#include "fake_caller.h"
#include "unix_socket.h"

#include <check.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 64

static char directory[] = "/tmp/test_varlink.XXXXXX";
static char path[64];
static struct event_base *base;
static struct varlink_service *service;
static struct fake_caller caller;

static struct varlink_call *held;
static unsigned gone_count;

static void echo(struct varlink_call *call, json_t *parameters)
{
	varlink_reply(call, json_incref(parameters));
}

static void gone(void *owner)
{
	(void)owner;
	gone_count++;
	held = NULL;
}

static void hold(struct varlink_call *call, json_t *parameters)
{
	(void)parameters;
	held = call;
	varlink_on_gone(call, gone, NULL);
}

static const struct varlink_method methods[] = {
	{ "Echo", echo },
	{ "Hold", hold },
};

static const struct varlink_interface interface = {
	.name = "org.example.test",
	.description = "interface org.example.test\n",
	.methods = methods,
	.count = sizeof(methods) / sizeof(methods[0]),
};

static void start(void)
{
	signal(SIGPIPE, SIG_IGN);
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/socket", directory);
	base = event_base_new();
	service = varlink_service_create(base, unix_listen(path, 0600), &interface, NULL);
	ck_assert_ptr_nonnull(service);
	caller = (struct fake_caller){ base, unix_connect(path) };
	ck_assert_int_ge(caller.fd, 0);
}

static void stop(void)
{
	close(caller.fd);
	varlink_service_destroy(service);
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

static void expect_an_answer(const struct fake_caller *from)
{
	json_t *reply;

	fake_caller_post(from, "{\"method\":\"org.example.test.Echo\"}");
	reply = fake_caller_take(from);
	ck_assert_ptr_nonnull(reply);
	json_decref(reply);
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

	snprintf(text, length + 1, "%s%0*d\"}}", head, (int)(length - strlen(head) - 3), 0);
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

	fake_caller_post_bytes(&caller, text, sizeof(text));

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
			send(caller.fd, text + taken % 65537, 65537 - taken % 65537, MSG_NOSIGNAL);

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
	struct fake_caller other[CONNECTIONS_MAX];

	turns();
	for (int i = 0; i < CONNECTIONS_MAX; i++) {
		other[i] = (struct fake_caller){ base, unix_connect(path) };
		ck_assert_int_ge(other[i].fd, 0);
		turns();
	}
	ck_assert_ptr_null(fake_caller_take(&other[CONNECTIONS_MAX - 1]));

	close(other[0].fd);
	turns();
	other[0].fd = unix_connect(path);
	expect_an_answer(&other[0]);
	for (int i = 0; i < CONNECTIONS_MAX; i++)
		close(other[i].fd);
}

START_TEST(pauses_when_it_cannot_accept)
{
	struct rlimit limit, low;
	FILE *errors = tmpfile();
	unsigned lines = 0;
	int next = dup(caller.fd);

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
	expect_an_answer(&caller);
}

int main(void)
{
	Suite *suite = suite_create("varlink_limits");
	TCase *tcase = tcase_create("varlink_limits");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_loop_test(tcase, closes_who_does_not_speak_varlink, 0,
		sizeof(nonsense) / sizeof(nonsense[0]));
	tcase_add_test(tcase, closes_who_nests_too_deep);
	tcase_add_test(tcase, takes_the_longest_message);
	tcase_add_test(tcase, closes_who_sends_a_longer_one);
	tcase_add_test(tcase, closes_who_never_ends_a_message);
	tcase_add_test(tcase, closes_who_does_not_read_a_stream_of_replies);
	tcase_add_test(tcase, reads_no_more_from_who_does_not_read);
	tcase_add_test(tcase, serves_a_limited_number_of_callers);
	tcase_add_test(tcase, pauses_when_it_cannot_accept);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
