#ifndef MESSAGE_H
#define MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct evbuffer;

/*
 * Framing of the project's own stream protocols (console link, attach stream): a header, then a
 * body of bounded length. Integers are in host byte order: both ends are on one machine.
 */
struct message_header {
	uint16_t type;
	uint16_t reserved; /* 0 */
	uint32_t length; /* of the body */
};

/* What may arrive: one row a type. */
struct message_rule {
	uint16_t type;
	const char *name; /* for log lines */
	uint32_t least; /* body length */
	uint32_t most;
};

struct message {
	const struct message_rule *rule;
	const uint8_t *body; /* borrowed from the buffer until message_done() */
	uint32_t length;
};

/*
 * The next whole message of a buffer: 1 when there is one, 0 when more bytes are needed, -EPROTO
 * for a type without a rule or a length outside it. After handling it, message_done() drops it.
 */
int message_next(struct evbuffer *input, const struct message_rule *rules, size_t count,
	struct message *message);
void message_done(struct evbuffer *input, const struct message *message);

/* Append a message whose body is the parts one after the other. 0 or -ENOMEM. */
int message_send(struct evbuffer *output, uint16_t type, const struct iovec *parts, unsigned count);

#endif
