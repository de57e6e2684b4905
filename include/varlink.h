#ifndef VARLINK_H
#define VARLINK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct event_base;
struct bufferevent;

/*
 * Varlink (varlink.org): JSON objects ended by NUL on a stream socket, for control sockets. Every
 * service also answers org.varlink.service (GetInfo, GetInterfaceDescription) by itself.
 * Messages are at most VARLINK_MESSAGE_MAX bytes; a peer that sends more, or no JSON, is closed.
 */
#define VARLINK_MESSAGE_MAX 1048576

struct varlink_call; /* one request being answered; lives until its last reply */

struct varlink_method {
	const char *name; /* without the interface's */
	/* Parameters are an object, borrowed while run runs. Must reply or fail, now or later;
	 * exactly once at the end. */
	void (*run)(struct varlink_call *call, json_t *parameters);
};

struct varlink_interface {
	const char *name; /* "org.example.thing" */
	const char *description; /* in the varlink interface language */
	const struct varlink_method *methods;
	size_t count;
};

/*
 * A listening service on one event loop. Owner is handed to the methods by varlink_owner(). A
 * connection has one call at a time; what the peer sends behind it waits, bounded, as do the
 * connections. A peer that does not read its replies is closed. Not to be destroyed by a method.
 * The program ignores SIGPIPE.
 */
struct varlink_service;
struct varlink_service *varlink_service_create(struct event_base *base, int listen_fd,
	const struct varlink_interface *interface,
	void *owner); /* takes listen_fd; NULL: -ENOMEM */
void varlink_service_destroy(struct varlink_service *service); /* closes every connection */

void *varlink_owner(const struct varlink_call *call);
bool varlink_wants_more(const struct varlink_call *call); /* the caller set "more" */
int varlink_descriptor(const struct varlink_call *call); /* of the caller's connection; borrowed */

/* parameters are taken (a reference is stolen); NULL is an empty object. */
void varlink_reply(struct varlink_call *call, json_t *parameters);
void varlink_continue(struct varlink_call *call, json_t *parameters); /* only if wants_more */
void varlink_fail(struct varlink_call *call, const char *error, json_t *parameters);
/* org.varlink.service.InvalidParameter */
void varlink_fail_parameter(struct varlink_call *call, const char *parameter);

/* Told when the caller goes away before the last reply; the call is freed after it. */
void varlink_on_gone(struct varlink_call *call, void (*gone)(void *owner), void *owner);

/*
 * For long answers: how much of the replies the caller has not taken yet, and a call of sent when
 * it has taken most of them; then continue.
 */
size_t varlink_unsent(const struct varlink_call *call);
void varlink_on_sent(struct varlink_call *call, void (*sent)(void *owner), void *owner);

/*
 * Reply, then give up the connection: it is no varlink any more. The caller must have set
 * "upgrade"; else NULL and the call has failed. The bufferevent belongs to whoever asked; bytes
 * the peer sent behind its request are in its input buffer.
 */
struct bufferevent *varlink_upgrade(struct varlink_call *call, json_t *parameters);

/*
 * The caller's side, blocking, also on a non-blocking socket. Takes parameters (or NULL). 0 with
 * *reply (an object to be released), -errno when the connection fails, or -EREMOTEIO with *reply {
 * "error": name, "parameters": {} }.
 */
enum varlink_flag {
	VARLINK_MORE = 1,
	VARLINK_UPGRADE = 2
};
int varlink_request(int fd, const char *method, json_t *parameters, unsigned flags);
int varlink_response(int fd, json_t **reply, bool *continues);
int varlink_call(int fd, const char *method, json_t *parameters, json_t **reply);

#endif
