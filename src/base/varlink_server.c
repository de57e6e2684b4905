/* Varlink, the service's side (varlink.org, "Method Call" and "Service"). */

#include "listener.h"
#include "log.h"
#include "varlink.h"
#include "varlink_introspection.h"

#include <assert.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define CONNECTIONS_MAX 64
#define UNREAD_MAX ((size_t)4 * VARLINK_MESSAGE_MAX) /* a peer that reads this little is closed */

/*
 * How it works. A connection answers one call at a time; requests sent behind it wait in the
 * input buffer, which is not filled beyond one message. (Not by a high watermark: libevent calls
 * back again and again while a buffer stays above it.) Everything that ends a call asks for the
 * connection's readable callback to run again from the loop, so methods may reply at any depth:
 * nothing they still use is freed below them, except the call itself by its last reply.
 */
struct varlink_connection {
	struct varlink_service *service;
	struct bufferevent *stream; /* owned */
	struct varlink_call *call; /* owned; being answered, or NULL */
	size_t searched; /* so much of the input has no NUL */
	bool ended; /* the peer will send no more */
	bool doomed; /* to be closed by the loop */
	LIST_ENTRY(varlink_connection) link;
};

struct varlink_call {
	struct varlink_connection *connection;
	bool more;
	bool oneway;
	bool upgrade;
	void (*gone)(void *owner);
	void *gone_owner;
	void (*sent)(void *owner);
	void *sent_owner;
};

struct varlink_service {
	struct event_base *base; /* borrowed */
	struct listener *listener; /* owned */
	const struct varlink_interface *interface;
	void *owner;
	unsigned count;
	struct log_limit limit;
	LIST_HEAD(, varlink_connection) connections;
};

static void connection_free(struct varlink_connection *connection)
{
	LIST_REMOVE(connection, link);
	connection->service->count--;
	free(connection->call);
	free(connection);
}

static void connection_close(struct varlink_connection *connection)
{
	struct varlink_call *call = connection->call;

	bufferevent_free(connection->stream);
	if (call && call->gone)
		call->gone(call->gone_owner);
	connection_free(connection);
}

/* No loop will: send what the socket takes at once, such as the reply to a call that ended it. */
static void connection_flush(struct varlink_connection *connection)
{
	struct evbuffer *output = bufferevent_get_output(connection->stream);

	evbuffer_unfreeze(output, 1);
	while (evbuffer_write(output, bufferevent_getfd(connection->stream)) > 0)
		;
}

/* Let the loop call connection_readable(), even if no new bytes come. */
static void connection_go_on(struct varlink_connection *connection)
{
	bufferevent_trigger(connection->stream, EV_READ,
		BEV_TRIG_IGNORE_WATERMARKS | BEV_TRIG_DEFER_CALLBACKS);
}

static void connection_send(struct varlink_connection *connection, json_t *message)
{
	struct evbuffer *output = bufferevent_get_output(connection->stream);
	char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;

	json_decref(message);
	if (!text || evbuffer_get_length(output) > UNREAD_MAX ||
		evbuffer_add(output, text, strlen(text) + 1))
		connection->doomed = true;
	free(text);
}

static json_t *or_empty(json_t *parameters)
{
	return parameters ? parameters : json_object();
}

static void call_end(struct varlink_call *call)
{
	call->connection->call = NULL;
	connection_go_on(call->connection);
	free(call);
}

void *varlink_owner(const struct varlink_call *call)
{
	return call->connection->service->owner;
}

bool varlink_wants_more(const struct varlink_call *call)
{
	return call->more;
}

int varlink_descriptor(const struct varlink_call *call)
{
	return bufferevent_getfd(call->connection->stream);
}

void varlink_on_gone(struct varlink_call *call, void (*gone)(void *owner), void *owner)
{
	call->gone = gone;
	call->gone_owner = owner;
}

size_t varlink_unsent(const struct varlink_call *call)
{
	return evbuffer_get_length(bufferevent_get_output(call->connection->stream));
}

void varlink_on_sent(struct varlink_call *call, void (*sent)(void *owner), void *owner)
{
	call->sent = sent;
	call->sent_owner = owner;
}

void varlink_reply(struct varlink_call *call, json_t *parameters)
{
	json_t *reply = json_pack("{s:o}", "parameters", or_empty(parameters));

	if (call->oneway)
		json_decref(reply);
	else
		connection_send(call->connection, reply);
	call_end(call);
}

void varlink_continue(struct varlink_call *call, json_t *parameters)
{
	assert(call->more);
	connection_send(call->connection,
		json_pack("{s:o, s:b}", "parameters", or_empty(parameters), "continues", 1));
	if (call->connection->doomed)
		connection_go_on(call->connection);
}

void varlink_fail(struct varlink_call *call, const char *error, json_t *parameters)
{
	json_t *reply = json_pack("{s:s, s:o}", "error", error, "parameters", or_empty(parameters));

	if (call->oneway)
		json_decref(reply);
	else
		connection_send(call->connection, reply);
	call_end(call);
}

void varlink_fail_parameter(struct varlink_call *call, const char *parameter)
{
	varlink_fail(call, "org.varlink.service.InvalidParameter",
		json_pack("{s:s}", "parameter", parameter));
}

struct bufferevent *varlink_upgrade(struct varlink_call *call, json_t *parameters)
{
	struct varlink_connection *connection = call->connection;
	struct bufferevent *stream = connection->stream;

	if (!call->upgrade || call->oneway) {
		json_decref(parameters);
		varlink_fail_parameter(call, "upgrade");
		return NULL;
	}
	connection_send(connection, json_pack("{s:o}", "parameters", or_empty(parameters)));
	bufferevent_setcb(stream, NULL, NULL, NULL, NULL);
	bufferevent_enable(stream, EV_READ);
	connection_free(connection); /* and the call */
	return stream;
}

const struct varlink_interface *varlink_call_interface(const struct varlink_call *call)
{
	return call->connection->service->interface;
}

static void call_method(struct varlink_call *call, const struct varlink_interface *interface,
	const char *name, json_t *parameters)
{
	const char *word = name + strlen(interface->name) + 1;

	for (size_t i = 0; i < interface->count; i++)
		if (!strcmp(interface->methods[i].name, word)) {
			interface->methods[i].run(call, parameters);
			return;
		}
	varlink_fail(call, "org.varlink.service.MethodNotFound",
		json_pack("{s:s}", "method", name));
}

static bool is_in(const struct varlink_interface *interface, const char *method)
{
	size_t length = strlen(interface->name);

	return !strncmp(method, interface->name, length) && method[length] == '.' &&
		!strchr(method + length + 1, '.');
}

static void call_dispatch(struct varlink_call *call, const char *method, json_t *parameters)
{
	const struct varlink_interface *interface = call->connection->service->interface;
	const char *dot = strrchr(method, '.');

	if (is_in(interface, method))
		call_method(call, interface, method, parameters);
	else if (is_in(&varlink_introspection, method))
		call_method(call, &varlink_introspection, method, parameters);
	else
		varlink_fail(call, "org.varlink.service.InterfaceNotFound",
			json_pack("{s:s%}", "interface", method,
				dot ? (size_t)(dot - method) : strlen(method)));
}

/* A flag of the request into the call; NULL, or the name of one that is no boolean. */
static const char *take_flags(struct varlink_call *call, json_t *request)
{
	const struct {
		const char *name;
		bool *value;
	} flags[] = {
		{ "more", &call->more },
		{ "oneway", &call->oneway },
		{ "upgrade", &call->upgrade },
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		json_t *value = json_object_get(request, flags[i].name);

		if (value && !json_is_boolean(value))
			return flags[i].name;
		*flags[i].value = json_is_true(value);
	}
	return NULL;
}

/* 0: being answered, or already is. -EPROTO: no request at all. */
static int answer(struct varlink_connection *connection, json_t *request)
{
	const char *method = json_string_value(json_object_get(request, "method"));
	json_t *parameters = json_object_get(request, "parameters");
	struct varlink_call *call;
	json_t *empty;
	const char *wrong;

	if (!method)
		return -EPROTO;
	call = calloc(1, sizeof(*call));
	if (!call)
		return -ENOMEM;
	call->connection = connection;
	connection->call = call;
	wrong = take_flags(call, request);
	if (!wrong && parameters && !json_is_object(parameters))
		wrong = "parameters";
	if (wrong) {
		varlink_fail_parameter(call, wrong);
		return 0;
	}
	empty = json_object();
	call_dispatch(call, method, parameters ? parameters : empty);
	json_decref(empty);
	return 0;
}

/* 1 with the next whole message, parsed; 0: not there yet; -EPROTO: it never will be. */
static int next_request(struct varlink_connection *connection, json_t **request)
{
	struct evbuffer *input = bufferevent_get_input(connection->stream);
	size_t length = evbuffer_get_length(input);
	struct evbuffer_ptr from, end = { .pos = -1 };
	const char *text;

	if (connection->searched < length &&
		!evbuffer_ptr_set(input, &from, connection->searched, EVBUFFER_PTR_SET))
		end = evbuffer_search(input, "", 1, &from);
	if (end.pos < 0) {
		connection->searched = length;
		return length > VARLINK_MESSAGE_MAX ? -EPROTO : 0;
	}
	if (end.pos > VARLINK_MESSAGE_MAX)
		return -EPROTO;
	text = (const char *)evbuffer_pullup(input, end.pos + 1);
	if (!text)
		return -ENOMEM;
	*request = json_loadb(text, (size_t)end.pos, JSON_REJECT_DUPLICATES, NULL);
	evbuffer_drain(input, (size_t)end.pos + 1);
	connection->searched = 0;
	return json_is_object(*request) ? 1 : -EPROTO;
}

static void connection_bound_input(struct varlink_connection *connection)
{
	struct bufferevent *stream = connection->stream;

	if (evbuffer_get_length(bufferevent_get_input(stream)) > VARLINK_MESSAGE_MAX)
		bufferevent_disable(stream, EV_READ);
	else if (!connection->ended)
		bufferevent_enable(stream, EV_READ);
}

/* There may be a request to answer. The connection may be gone afterwards. */
static void connection_readable(struct bufferevent *stream, void *owner)
{
	struct varlink_connection *connection = owner;
	size_t unsent = evbuffer_get_length(bufferevent_get_output(stream));
	json_t *request = NULL;
	int result;

	if (connection->doomed) {
		connection_close(connection);
		return;
	}
	if (!connection->call && unsent <= VARLINK_MESSAGE_MAX)
		result = next_request(connection, &request);
	else
		result = -EAGAIN; /* comes again when that is answered, or sent */
	connection_bound_input(connection);
	if (result > 0)
		result = answer(connection, request);
	else if (!result && connection->ended && !unsent)
		result = -EPIPE;
	json_decref(request);
	if (result < 0 && result != -EAGAIN) {
		if (result != -EPIPE)
			log_limited(&connection->service->limit,
				"%s: closed a connection that does not speak varlink",
				connection->service->interface->name);
		connection_close(connection);
	}
}

static void connection_written(struct bufferevent *stream, void *owner)
{
	const struct varlink_connection *connection = owner;
	const struct varlink_call *call = connection->call;

	if (call && call->sent && !connection->doomed)
		call->sent(call->sent_owner);
	connection_readable(stream, owner);
}

/* A peer that closed only its sending side gets its answers, but nothing is left waiting. */
static void connection_event(struct bufferevent *stream, short what, void *owner)
{
	struct varlink_connection *connection = owner;

	if ((what & BEV_EVENT_EOF) && !connection->call) {
		connection->ended = true;
		connection_readable(stream, connection);
	} else if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) {
		connection_close(connection);
	}
}

static void service_accepted(void *owner, int fd)
{
	struct varlink_service *service = owner;
	struct varlink_connection *connection = NULL;

	if (service->count < CONNECTIONS_MAX)
		connection = calloc(1, sizeof(*connection));
	if (connection)
		connection->stream =
			bufferevent_socket_new(service->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!connection || !connection->stream) {
		log_limited(&service->limit, "%s: refused a connection: there are %u",
			service->interface->name, service->count);
		evutil_closesocket(fd);
		free(connection);
		return;
	}
	connection->service = service;
	service->count++;
	LIST_INSERT_HEAD(&service->connections, connection, link);
	bufferevent_setcb(connection->stream, connection_readable, connection_written,
		connection_event, connection);
	bufferevent_enable(connection->stream, EV_READ | EV_WRITE);
}

static void service_accept_failed(void *owner, int error)
{
	struct varlink_service *service = owner;

	log_limited(&service->limit, "%s: cannot accept a connection: %s", service->interface->name,
		strerror(error));
}

struct varlink_service *varlink_service_create(struct event_base *base, int listen_fd,
	const struct varlink_interface *interface, void *owner)
{
	struct varlink_service *service = calloc(1, sizeof(*service));

	if (!service) {
		evutil_closesocket(listen_fd);
		return NULL;
	}
	service->base = base;
	service->interface = interface;
	service->owner = owner;
	service->listener =
		listener_create(base, listen_fd, service_accepted, service_accept_failed, service);
	if (service->listener)
		return service;
	free(service);
	return NULL;
}

void varlink_service_destroy(struct varlink_service *service)
{
	if (!service)
		return;
	while (!LIST_EMPTY(&service->connections)) {
		struct varlink_connection *connection = LIST_FIRST(&service->connections);

		connection_flush(connection);
		connection_close(connection);
	}
	listener_destroy(service->listener);
	free(service);
}
