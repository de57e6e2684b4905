#ifndef PLAYER_H
#define PLAYER_H

#include "cast_reader.h"
#include "screen.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event;
struct event_base;
struct terminal;

/*
 * Plays a recording on a terminal. Only what draws goes there: whatever asks the terminal
 * something, or sets what could not be undone, is left out, for the file may be anybody's.
 * Embedded in its owner, zeroed but for base, terminal, modes, ended and owner.
 */
struct player {
	struct event_base *base;
	struct terminal *terminal; /* borrowed */
	_Atomic uint32_t *modes; /* borrowed; of the terminal's guard, which undoes them */
	/* From the loop; message is empty at the end of the file. The player is closed then. */
	void (*ended)(void *owner, const char *message);
	void *owner;

	struct cast_reader reader;
	struct cast_event next; /* to be shown, if there is one */
	bool has_next;
	bool paused;
	double speed, idle; /* idle: the longest pause, in seconds of the recording */
	double shown; /* time of what was shown last */
	uint64_t due_ms; /* when next is to be shown */
	uint64_t left_ms; /* until then, while it is paused */
	struct screen screen; /* what the recording did to the terminal */
	struct vt_parser parser;
	char sequence[VT_SEQUENCE_MAX + 2]; /* that has begun; longer ones are left out */
	size_t sequence_length;
	struct event *timer; /* owned */
};

/* 0, or -1 after writing into player->reader.error why not. */
int player_open(struct player *player, const char *path, double speed, double idle);
/* What the recording did to the terminal is undone. */
void player_close(struct player *player);

/* A key was typed: a blank holds and goes on, q and Ctrl-C end. */
void player_typed(struct player *player, const uint8_t *bytes, size_t length);
/* The terminal has room again. */
void player_drained(struct player *player);

#define PLAYER_NUMBER_MOST 1e6

/* A word as a speed or a number of seconds; false if it is none from 0.01 to 1000000. */
bool player_number(const char *word, double *number);

#endif
