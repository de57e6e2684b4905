#include "fake_link.h"

#include <stdlib.h>
#include <string.h>

static size_t smaller(size_t left, size_t right)
{
	return left < right ? left : right;
}

void fake_link_init(struct console_link *link)
{
	memset(link, 0, sizeof(*link));
	pthread_mutex_init(&link->lock, NULL);
}

void fake_link_release(struct console_link *link)
{
	pthread_mutex_destroy(&link->lock);
}

void fake_link_type(struct console_link *link, const void *bytes, size_t length)
{
	pthread_mutex_lock(&link->lock);
	if (link->input_begin == link->input_end)
		link->input_begin = link->input_end = 0;
	if (length > sizeof(link->input) - link->input_end)
		abort();
	memcpy(link->input + link->input_end, bytes, length);
	link->input_end += length;
	pthread_mutex_unlock(&link->lock);
	if (link->consumer)
		link->consumer->input_ready(link->consumer);
}

void fake_link_resize(struct console_link *link, uint16_t columns, uint16_t rows)
{
	if (link->consumer)
		link->consumer->resized(link->consumer, (struct console_size){ columns, rows });
}

void fake_link_break(struct console_link *link)
{
	if (link->consumer)
		link->consumer->break_received(link->consumer);
}

void fake_link_kick(struct console_link *link)
{
	if (link->consumer)
		link->consumer->kicked(link->consumer);
}

struct console_link *console_link_create(struct event_base *base,
	const struct console_link_options *options)
{
	struct console_link *link = malloc(sizeof(*link));

	(void)base;
	(void)options;
	if (link)
		fake_link_init(link);
	return link;
}

void console_link_destroy(struct console_link *link)
{
	fake_link_release(link);
	free(link);
}

void console_link_on_refused(struct console_link *link,
	void (*refused)(void *owner, const char *reason), void *owner)
{
	(void)link;
	(void)refused;
	(void)owner;
}

void console_link_write(struct console_link *link, const void *bytes, size_t length)
{
	pthread_mutex_lock(&link->lock);
	if (link->written < sizeof(link->output))
		memcpy(link->output + link->written, bytes,
			smaller(length, sizeof(link->output) - link->written));
	link->written += length;
	pthread_mutex_unlock(&link->lock);
}

size_t console_link_read(struct console_link *link, void *bytes, size_t length)
{
	size_t part;

	pthread_mutex_lock(&link->lock);
	part = smaller(length, link->input_end - link->input_begin);
	memcpy(bytes, link->input + link->input_begin, part);
	link->input_begin += part;
	pthread_mutex_unlock(&link->lock);
	return part;
}

void console_link_set_consumer(struct console_link *link, struct console_consumer *consumer)
{
	link->consumer = consumer;
	if (consumer && link->input_begin < link->input_end)
		consumer->input_ready(consumer);
}

void console_link_set_state(struct console_link *link, enum console_state state, const char *reason)
{
	(void)link;
	(void)state;
	(void)reason;
}

void console_link_drain(struct console_link *link, unsigned timeout_ms)
{
	(void)link;
	(void)timeout_ms;
}

size_t console_link_tail(struct console_link *link, char *text, size_t length)
{
	size_t kept = smaller(link->written, sizeof(link->output));
	size_t part = smaller(length, kept);

	memcpy(text, link->output + kept - part, part);
	return part;
}

void console_link_status(struct console_link *link, struct console_link_status *status)
{
	*status = (struct console_link_status){
		.output = link->written,
		.input = link->input_begin,
	};
}
