/* A recording on its way to a terminal, at its own pace. */

#include "player.h"

#include "compiler.h"
#include "monotonic.h"
#include "terminal.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CTRL_C 3
#define BURST 256 /* events in one turn of the loop */

bool player_number(const char *word, double *number)
{
	char *end;

	*number = strtod(word, &end);
	return end != word && !*end && *number >= 0.01 && *number <= PLAYER_NUMBER_MOST;
}

static void finish(struct player *player, const char *message)
{
	char text[sizeof(player->reader.error)];

	snprintf(text, sizeof(text), "%s", message);
	player_close(player);
	player->ended(player->owner, text);
}

static bool is_one_of(char byte, const char *bytes)
{
	return byte && strchr(bytes, byte);
}

/* The sequence that has ended, ESC first: does it only draw, or set what can be undone? */
static bool draws(const struct player *player, enum vt_event event)
{
	static const char finals[] = "@ABCDEFGHIJKLMPSTXZ`abdefmrsu";
	const char *sequence = player->sequence + 1;
	size_t length = player->sequence_length - 1;
	char last = sequence[length - 1];

	if (event == VT_ESCAPE)
		return (length == 1 && is_one_of(last, "78DEM=>c")) ||
			(length == 2 && is_one_of(*sequence, "()") && is_one_of(last, "B0A"));
	if (event != VT_CSI)
		return false;
	if (is_one_of(last, "hl"))
		return screen_can_undo(sequence + 1, length - 1);
	for (size_t i = 1; i < length - 1; i++)
		if (!is_one_of(sequence[i], "0123456789;:"))
			return false;
	return is_one_of(last, finals);
}

static void put(struct player *player, const char *bytes, size_t length)
{
	evbuffer_add(player->terminal->out, bytes, length);
	screen_feed(&player->screen, (const uint8_t *)bytes, length, monotonic_ms());
}

static void sequence_byte(struct player *player, char byte, enum vt_event event)
{
	bool kept = player->sequence_length < sizeof(player->sequence);

	if (byte == '\033' && event == VT_NOTHING)
		player->sequence_length = 0; /* the former was broken off */
	if (player->sequence_length < sizeof(player->sequence))
		player->sequence[player->sequence_length++] = byte;
	if (!vt_at_rest(&player->parser))
		return;
	if (kept && player->terminal->moves && draws(player, event))
		put(player, player->sequence, player->sequence_length);
	player->sequence_length = 0;
}

/* UTF-8, as JSON is: a C1 control is the two bytes 0xc2 0x80 to 0x9f. */
static void play(struct player *player, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		enum vt_event event = vt_parse(&player->parser, (uint8_t)text[i]);
		bool is_control = (uint8_t)text[i] == 0xc2 && i + 1 < length &&
			(uint8_t)text[i + 1] < 0xa0;

		if (event == VT_PRINT && is_control)
			i++;
		else if (event == VT_PRINT ||
			(event == VT_CONTROL && is_one_of(text[i], "\a\b\t\n\v\f\r\016\017")))
			put(player, text + i, 1);
		else if (event != VT_CONTROL)
			sequence_byte(player, text[i], event);
	}
}

static void schedule(struct player *player)
{
	uint64_t now = monotonic_ms();
	uint64_t wait = player->due_ms > now ? player->due_ms - now : 0;
	struct timeval pause = {
		.tv_sec = (time_t)(wait / 1000),
		.tv_usec = (suseconds_t)(wait % 1000 * 1000),
	};

	event_add(player->timer, &pause);
}

/* Reads on to what is to be shown next, and when. False: the end was reached. */
static bool read_next(struct player *player)
{
	int result = cast_reader_next(&player->reader, &player->next);
	double gap;

	player->has_next = result > 0;
	if (result <= 0) {
		finish(player, result ? player->reader.error : "");
		return false;
	}
	gap = player->next.time - player->shown;
	if (gap > player->idle)
		gap = player->idle;
	player->due_ms += (uint64_t)(gap * 1000 / player->speed);
	player->shown = player->next.time;
	return true;
}

static void time_has_come(evutil_socket_t unused, short events, void *owner)
{
	struct player *player = owner;

	(void)unused;
	(void)events;
	for (int i = 0; i < BURST && player->due_ms <= monotonic_ms(); i++) {
		if (terminal_full(player->terminal))
			return; /* until player_drained() */
		if (player->has_next && player->next.code == 'o')
			play(player, player->next.text, player->next.length);
		atomic_store(player->modes, player->screen.modes);
		terminal_flush(player->terminal);
		if (!player->timer || !read_next(player))
			return; /* that was all, or the terminal is gone */
	}
	schedule(player);
}

int player_open(struct player *player, const char *path, double speed, double idle)
{
	uint16_t columns, rows;

	if (cast_reader_open(&player->reader, path)) {
		cast_reader_close(&player->reader);
		return -1;
	}
	player->timer = evtimer_new(player->base, time_has_come, player);
	if (!player->timer) {
		cast_reader_close(&player->reader);
		snprintf(player->reader.error, sizeof(player->reader.error), "no memory");
		return -1;
	}
	player->has_next = false;
	player->paused = false;
	player->speed = speed;
	player->idle = idle;
	player->shown = 0;
	player->sequence_length = 0;
	memset(&player->parser, 0, sizeof(player->parser));
	terminal_size(player->terminal, &columns, &rows);
	screen_init(&player->screen, columns, player->terminal->moves);
	if (player->reader.columns > columns || player->reader.rows > rows)
		evbuffer_add_printf(player->terminal->out,
			"*** recorded on %ux%u, shown on %ux%u\r\n", player->reader.columns,
			player->reader.rows, columns, rows);
	player->due_ms = monotonic_ms();
	schedule(player);
	return 0;
}

void player_close(struct player *player)
{
	if (!player->timer)
		return;
	event_free(player->timer);
	player->timer = NULL;
	cast_reader_close(&player->reader);
	screen_leave(&player->screen, player->terminal->out);
	atomic_store(player->modes, 0);
	terminal_flush(player->terminal);
}

static void hold(struct player *player)
{
	uint64_t now = monotonic_ms();

	player->paused = !player->paused;
	if (player->paused) {
		event_del(player->timer);
		player->left_ms = player->due_ms > now ? player->due_ms - now : 0;
		return;
	}
	player->due_ms = now + player->left_ms;
	schedule(player);
}

void player_typed(struct player *player, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length && player->timer; i++) {
		if (bytes[i] == ' ')
			hold(player);
		else if (bytes[i] == 'q' || bytes[i] == CTRL_C)
			finish(player, "");
	}
}

void player_drained(struct player *player)
{
	if (player->timer && !player->paused)
		schedule(player);
}
