/* A hostile peer's bytes, in pieces, against the framing of console link and attach stream. */

#include "console_protocol.h"
#include "message.h"

#include <assert.h>
#include <event2/buffer.h>

#define PIECE_MAX 64

static const struct message_rule rules[] = {
	{ CONSOLE_HELLO, "hello", sizeof(struct console_hello) + 1,
		sizeof(struct console_hello) + CONSOLE_NAME_MAX },
	{ CONSOLE_REFUSED, "refused", 0, CONSOLE_REASON_MAX },
	{ CONSOLE_OUTPUT, "output", sizeof(uint64_t) + 1, sizeof(uint64_t) + CONSOLE_OUTPUT_MAX },
	{ CONSOLE_INPUT, "input", 1, CONSOLE_INPUT_MAX },
	{ CONSOLE_BREAK, "break", 0, 0 },
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static int take_messages(struct evbuffer *input, size_t *taken)
{
	struct message message;
	int result;

	while ((result = message_next(input, rules, sizeof(rules) / sizeof(rules[0]), &message)) >
		0) {
		uint8_t sum = 0;

		assert(message.length >= message.rule->least &&
			message.length <= message.rule->most);
		for (uint32_t i = 0; i < message.length; i++)
			sum = (uint8_t)(sum ^ message.body[i]);
		*taken += sizeof(struct message_header) + message.length + (sum & 0);
		message_done(input, &message);
	}
	return result;
}

/* The first byte of each piece is its length. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct evbuffer *input = evbuffer_new();
	size_t given = 0, taken = 0;
	int result = 0;

	while (size > 1 && !result) {
		size_t piece = bytes[0] % PIECE_MAX + 1U;

		bytes++;
		size--;
		if (piece > size)
			piece = size;
		evbuffer_add(input, bytes, piece);
		given += piece;
		bytes += piece;
		size -= piece;
		result = take_messages(input, &taken);
	}
	assert(taken + evbuffer_get_length(input) == given);
	evbuffer_free(input);
	return 0;
}
