/* When the bytes of a history came: the ring of marks. */

#include "history.h"

size_t history_mark_room(const struct history *history)
{
	return history->ring_size / HISTORY_BYTES_PER_MARK;
}

static const struct history_mark *mark_at(const struct history *history, uint64_t index)
{
	return &history->marks[index % history_mark_room(history)];
}

/* The oldest mark that is served. */
static uint64_t oldest(const struct history *history)
{
	uint64_t served = history_mark_room(history) - 1;
	uint64_t first = history->committed_marks > served ? history->committed_marks - served : 0;

	return first > history->first_mark ? first : history->first_mark;
}

/* The number of the first mark behind position. */
static uint64_t next_mark(const struct history *history, uint64_t position)
{
	uint64_t first = oldest(history), end = history->committed_marks;

	while (first < end) {
		uint64_t middle = first + (end - first) / 2;

		if (mark_at(history, middle)->position <= position)
			first = middle + 1;
		else
			end = middle;
	}
	return first;
}

uint64_t history_time(const struct history *history, uint64_t position)
{
	uint64_t next = next_mark(history, position);

	return next > oldest(history) ? mark_at(history, next - 1)->time_ms : 0;
}

uint64_t history_next_time(const struct history *history, uint64_t position)
{
	uint64_t next = next_mark(history, position);

	return next < history->committed_marks ? mark_at(history, next)->position
					       : history->committed;
}

uint64_t history_since(const struct history *history, uint64_t time_ms)
{
	uint64_t begin = history_begin(history);

	for (uint64_t i = oldest(history); i < history->committed_marks; i++) {
		const struct history_mark *mark = mark_at(history, i);

		if (mark->time_ms >= time_ms)
			return mark->position > begin ? mark->position : begin;
	}
	return history->committed;
}

void history_check_marks(struct history *history)
{
	uint64_t position = history->committed;
	uint64_t index = history->committed_marks;

	while (index > oldest(history)) {
		const struct history_mark *mark = mark_at(history, index - 1);

		if (mark->position >= position || !mark->time_ms || mark->time_ms > HISTORY_MOST)
			break;
		position = mark->position;
		index--;
	}
	history->first_mark = index;
}
