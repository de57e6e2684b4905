#ifndef DEVICE_INTERNAL_H
#define DEVICE_INTERNAL_H

#include "device.h"
#include "log.h"
#include "message.h"
#include "turn.h"

#include <event2/event_struct.h>
#include <stdbool.h>
#include <sys/types.h>

struct bufferevent;

/* muxd's end of one console link. Owned by the mux. */
struct device {
	struct mux *mux;
	struct channel *channel; /* NULL before HELLO */
	struct bufferevent *stream; /* owned */
	struct event timeout; /* for HELLO */
	struct log_limit *limit; /* the listener's */
	struct turn turn;
	uid_t uid; /* of the vmm */
	uint64_t credit; /* input allowed on this connection */
	uint64_t sent; /* input sent on it */
	bool kicks; /* its vmm knows KICK */
	size_t history_size; /* that its vmm wishes; 0: none */
	bool ack_due;
	bool size_due;
	bool closing; /* refused: until the reason is sent */
	LIST_ENTRY(device) link;
};

/* 0, or -errno when the connection is to be closed. */
int device_handle(struct device *device, const struct message *message);

/* A first message: 0, -errno, or 0 with device->closing after a refusal. */
int device_hello(struct device *device, const struct message *message);

extern const struct message_rule device_rules[];
extern const size_t device_rule_count;

/* Handle what has arrived; false: the device is destroyed. */
bool device_receive(struct device *device);

/* The vmm is gone: take what it said before, and destroy. */
void device_end(struct device *device);

void device_refuse(struct device *device, const char *reason);

#endif
