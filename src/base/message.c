/* Framing of the project's own stream protocols. */

#include "message.h"

#include <assert.h>
#include <errno.h>
#include <event2/buffer.h>

static const struct message_rule *rule_for(const struct message_header *header,
	const struct message_rule *rules, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (rules[i].type == header->type)
			return &rules[i];
	return NULL;
}

int message_next(struct evbuffer *input, const struct message_rule *rules, size_t count,
	struct message *message)
{
	struct message_header header;
	const struct message_rule *rule;
	size_t whole;
	const uint8_t *bytes;

	if (evbuffer_copyout(input, &header, sizeof(header)) < (ev_ssize_t)sizeof(header))
		return 0;
	rule = rule_for(&header, rules, count);
	if (!rule || header.reserved || header.length < rule->least || header.length > rule->most)
		return -EPROTO;
	whole = sizeof(header) + header.length;
	if (evbuffer_get_length(input) < whole)
		return 0;
	bytes = evbuffer_pullup(input, (ev_ssize_t)whole);
	if (!bytes)
		return -ENOMEM;
	*message = (struct message){
		.rule = rule,
		.body = bytes + sizeof(header),
		.length = header.length,
	};
	return 1;
}

void message_done(struct evbuffer *input, const struct message *message)
{
	evbuffer_drain(input, sizeof(struct message_header) + message->length);
}

int message_send(struct evbuffer *output, uint16_t type, const struct iovec *parts, unsigned count)
{
	struct message_header header = { .type = type };
	size_t length = 0;

	for (unsigned i = 0; i < count; i++)
		length += parts[i].iov_len;
	assert(length <= UINT32_MAX - sizeof(header));
	header.length = (uint32_t)length;

	/* Once there is room, adding cannot fail half-way. */
	if (evbuffer_expand(output, sizeof(header) + length))
		return -ENOMEM;
	evbuffer_add(output, &header, sizeof(header));
	for (unsigned i = 0; i < count; i++)
		evbuffer_add(output, parts[i].iov_base, parts[i].iov_len);
	return 0;
}
