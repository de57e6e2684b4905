/* A hostile caller of a varlink service, and a hostile service's reply to a caller. */

#include "unix_socket.h"
#include "varlink.h"

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define TURNS 20
#define REPLY_MAX 65536 /* fits into a socket's buffer */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void echo(struct varlink_call *call, json_t *parameters)
{
	if (varlink_wants_more(call))
		varlink_continue(call, json_incref(parameters));
	varlink_reply(call, json_incref(parameters));
}

static void hold(struct varlink_call *call, json_t *parameters)
{
	(void)call;
	(void)parameters;
}

static void upgrade(struct varlink_call *call, json_t *parameters)
{
	struct bufferevent *stream = varlink_upgrade(call, json_incref(parameters));

	if (stream)
		bufferevent_free(stream);
}

static const struct varlink_method methods[] = {
	{ "Echo", echo },
	{ "Hold", hold },
	{ "Upgrade", upgrade },
};

static const struct varlink_interface interface = {
	.name = "a.b",
	.description = "interface a.b\n",
	.methods = methods,
	.count = sizeof(methods) / sizeof(methods[0]),
};

static void call_service(const uint8_t *bytes, size_t size)
{
	char path[64];
	struct event_base *base = event_base_new();
	struct varlink_service *service;
	int caller;

	snprintf(path, sizeof(path), "/tmp/fuzz_varlink.%d", getpid());
	service = varlink_service_create(base, unix_listen(path, 0600), &interface, NULL);
	caller = unix_connect(path);
	unlink(path);
	while (size) {
		ssize_t sent = send(caller, bytes, size, MSG_NOSIGNAL);

		event_base_loop(base, EVLOOP_NONBLOCK);
		if (sent <= 0)
			break;
		bytes += sent;
		size -= (size_t)sent;
	}
	for (int i = 0; i < TURNS; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	close(caller);
	varlink_service_destroy(service);
	event_base_free(base);
}

static void take_replies(const uint8_t *bytes, size_t size)
{
	int pair[2];
	json_t *reply;
	bool continues;

	if (size > REPLY_MAX || socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return;
	if (send(pair[0], bytes, size, MSG_NOSIGNAL) == (ssize_t)size) {
		int result;

		close(pair[0]);
		do {
			result = varlink_response(pair[1], &reply, &continues);
			json_decref(reply);
		} while (!result);
	}
	close(pair[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	signal(SIGPIPE, SIG_IGN);
	call_service(bytes, size);
	take_replies(bytes, size);
	return 0;
}
