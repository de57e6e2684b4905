/* Hostile guests against the tagged view: whatever they print, each row says whose it is. */

#include "view.h"

#include <assert.h>
#include <ctype.h>
#include <event2/buffer.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHANNELS 3

static const char *const names[CHANNELS] = { "vm1", "vm2", "a-much-too-long-name-of-a-guest" };
static const char *const labels[CHANNELS] = { "vm1", "vm2", "a-much-too~guest" };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

struct scene {
	struct view view;
	struct view_channel channels[CHANNELS];
	struct evbuffer *out;
	char *expected[CHANNELS]; /* letters and digits printed, where no sequence can hide any */
	size_t expected_length[CHANNELS];
	uint64_t now;
};

static bool starts(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

/* Steps over the sequences the view may write. */
static const char *skip_own(const char *text, bool moves)
{
	static const char *const own[] = { "\033[31m", "\033[1;34m", "\033[0m" };

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (starts(text, own[i]))
			return skip_own(text + strlen(own[i]), moves);
	return text;
}

/* The channel whose tag begins the row, and where its text begins. */
static int owner_of(const char **text)
{
	for (int i = 0; i < CHANNELS; i++) {
		char tag[64];
		size_t length = (size_t)snprintf(tag, sizeof(tag), "%-16s", labels[i]);

		if (starts(*text, tag) && strchr("|:", (*text)[length]) &&
			(*text)[length + 1] == ' ') {
			*text += length + 2;
			return i;
		}
	}
	return -1;
}

/* Nothing that a terminal would obey, nothing invisible that could stand for something else. */
static void check_character(const char *text)
{
	static const char *const forbidden[] = { "\u00ad", "\u061c", "\u180e", "\u200b", "\u200e",
		"\u200f", "\u2028", "\u2029", "\u202a", "\u202e", "\u2060", "\u2066", "\u2069",
		"\ufeff" };

	assert((uint8_t)*text >= 0x20 && *text != 0x7f);
	assert((uint8_t)text[0] != 0xc2 || (uint8_t)text[1] >= 0xa0);
	assert(mblen(text, strlen(text)) > 0);
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++)
		assert(!starts(text, forbidden[i]));
}

/* One row, up to its end: tagged or ours, and nothing in it moves the cursor. */
static const char *check_row(struct scene *scene, const char *text, char **seen)
{
	bool is_message;
	int owner;

	text = skip_own(text, scene->view.moves);
	is_message = starts(text, VIEW_MESSAGE_MARK);
	owner = is_message ? -1 : owner_of(&text);
	assert(is_message || owner >= 0);
	while (*text && !starts(text, "\r\n")) {
		const char *next = skip_own(text, scene->view.moves);

		if (next != text) {
			text = next;
			continue;
		}
		if (starts(text, "\033[A\r\033[J")) {
			assert(scene->view.moves);
			return text;
		}
		check_character(text);
		if (owner >= 0 && seen[owner] && isalnum((unsigned char)*text) &&
			*seen[owner] == *text)
			seen[owner]++;
		text += mblen(text, strlen(text));
	}
	return text;
}

static void check(struct scene *scene, bool complete)
{
	size_t length = evbuffer_get_length(scene->out);
	char *text = malloc(length + 1);
	char *seen[CHANNELS];
	const char *next = text;

	assert(text);
	evbuffer_remove(scene->out, text, length);
	text[length] = 0;
	memcpy(seen, scene->expected, sizeof(seen));
	while (*next) {
		if (starts(next, "\033[A\r\033[J")) {
			assert(scene->view.moves);
			next += 7;
		}
		next = check_row(scene, next, seen);
		if (starts(next, "\r\n"))
			next += 2;
	}
	for (int i = 0; complete && i < CHANNELS; i++)
		assert(!*seen[i]);
	free(text);
}

static void feed(struct scene *scene, int number, const uint8_t *bytes, size_t length, bool plain)
{
	uint8_t copy[256];

	for (size_t i = 0; i < length; i++) {
		copy[i] = bytes[i];
		if (plain && (copy[i] == 0x1b || copy[i] == '\b'))
			copy[i] = '!';
		if (plain && isalnum(copy[i]))
			scene->expected[number][scene->expected_length[number]++] = (char)copy[i];
	}
	view_feed(&scene->channels[number], copy, length, scene->now);
}

/* A control sequence of these bytes; all of it shown or left out, or begun and never ended. */
static void feed_sequence(struct scene *scene, int number, const uint8_t *bytes, size_t length,
	bool plain)
{
	static const char *const starts_of[] = { "\033[", "\033]", "\033P", "\033_", "\033[?",
		"\302\233", "\302\235", "\233", "\033", "\342\200\256", "\345\256\275" };
	size_t kinds = sizeof(starts_of) / sizeof(starts_of[0]);
	const char *start = length ? starts_of[bytes[0] % kinds] : "\033";

	if (plain)
		return;
	view_feed(&scene->channels[number], (const uint8_t *)start, strlen(start), scene->now);
	feed(scene, number, bytes, length, false);
}

static void act(struct scene *scene, const uint8_t **bytes, size_t *size, bool plain)
{
	uint8_t operation = *(*bytes)++;
	size_t length = operation >> 3 < --*size ? operation >> 3 : *size;
	int number = operation % CHANNELS;

	switch (operation & 7) {
	case 0:
		scene->now += 30;
		view_expire(&scene->channels[number], scene->now);
		break;
	case 1:
		view_close(&scene->view);
		break;
	case 2:
		view_message(&scene->view, "a message\033[2J\n of ours");
		break;
	case 3:
		scene->view.width = length ? 20U + (*bytes)[0] : 0;
		feed_sequence(scene, number, *bytes, length, plain);
		*bytes += length;
		*size -= length;
		break;
	default:
		feed(scene, number, *bytes, length, plain);
		*bytes += length;
		*size -= length;
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const char colors[CHANNELS] = { 'r', 'B', 0 };
	struct view_channel *list[CHANNELS];
	struct scene *scene = calloc(1, sizeof(*scene));
	uint8_t choices = size ? *bytes : 0;
	bool plain = choices & 1;

	assert(scene && setlocale(LC_CTYPE, "C.UTF-8"));
	scene->out = evbuffer_new();
	view_init(&scene->view, scene->out, "\r\n");
	scene->view.colors = choices & 2;
	scene->view.moves = choices & 4;
	scene->view.whole_lines = choices & 8;
	scene->view.width = 80;
	for (int i = 0; i < CHANNELS; i++) {
		list[i] = &scene->channels[i];
		view_channel_init(&scene->view, list[i], names[i], colors[i]);
		scene->expected[i] = calloc(1, size + 1);
		assert(scene->expected[i]);
	}
	view_label(&scene->view, list, CHANNELS);
	if (size) {
		bytes++;
		size--;
	}
	while (size)
		act(scene, &bytes, &size, plain);
	for (int i = 0; i < CHANNELS; i++)
		view_channel_end(&scene->channels[i]);
	check(scene, plain);
	for (int i = 0; i < CHANNELS; i++)
		free(scene->expected[i]);
	evbuffer_free(scene->out);
	free(scene);
	return 0;
}
