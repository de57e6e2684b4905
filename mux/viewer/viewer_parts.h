#ifndef VIEWER_PARTS_H
#define VIEWER_PARTS_H

#include "command.h"
#include "compiler.h"
#include "keys.h"
#include "player.h"
#include "prompt.h"
#include "request.h"
#include "screen.h"
#include "terminal.h"
#include "view.h"
#include "viewer.h"
#include "viewer_stream.h"

#include <glob.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct recorder;
struct terminal_guard;

/* The parts of the viewer, each in its file; nobody else includes this. One thread, one loop. */
#define VIEWER_TYPED_MAX \
	262144 /* bytes for a channel that does not take them; then none are read */
#define VIEWER_HELD_MAX \
	65536 /* bytes of foreign lines while the connected guest owns the screen \
	       */
#define VIEWER_REPLAY_BYTES 65536 /* of history asked for on connecting: ten long lines */
#define VIEWER_REPLAY_LINES 10
#define VIEWER_SIGNALS 7
#define VIEWER_WORD_MAX 64 /* bytes of a state's word */
#define VIEWER_REASON_MAX 256
#define VIEWER_WHO_MAX 64
#define VIEWER_RECORDINGS_MAX 8

enum viewer_replay {
	REPLAY_DONE, /* what comes is live */
	REPLAY_ASKED, /* asked where the history ends */
	REPLAY_COLLECTING,
};

/* A channel as this viewer knows it. Owned by the viewer's list, which is sorted by name. */
struct viewer_channel {
	struct viewer_channel *next;
	char *name; /* owned */
	struct view_channel text;
	char key, color;
	char state[VIEWER_WORD_MAX];
	char reason[VIEWER_REASON_MAX];
	uint32_t id; /* of this stream */
	bool present; /* announced on this stream */
	bool shown; /* muxd says so: in the tagged view */
	bool followed; /* on this stream */
	bool known; /* position is where this viewer is */
	bool ended; /* while this viewer was connected to it: its state may say so */
	bool meant; /* typed at, with others */
	bool left_out; /* for it took nothing */
	bool awaited; /* to be connected when the operator is at the prompt */
	bool seeking; /* what comes is not yet from the position asked for */
	uint64_t position; /* of the next byte to show */
	uint64_t begin, end, opened; /* as last announced */
	struct evbuffer *typed; /* owned; what muxd has not allowed yet */
	uint64_t sent, credit; /* input bytes of this stream */
	enum attach_writer_state writing; /* as muxd says */
	char writer[VIEWER_WHO_MAX]; /* who types there, if another does */
	char asker[VIEWER_WHO_MAX]; /* who wants to, and this viewer does; "": nobody */
	bool taking; /* from whoever types there when this viewer is connected */
	bool hinted; /* why nothing can be typed was said */
	bool took; /* muxd has not answered yet: what is typed waits for that */
};

struct viewer {
	const struct viewer_options *options;
	struct terminal_guard *guard;
	struct event_base *base;
	struct terminal terminal;
	struct viewer_stream stream;
	struct request request;
	struct view view; /* writes to lines */
	struct evbuffer *lines; /* owned; whole lines to be put above prompt or guest */
	struct screen screen; /* of the connected guest */
	struct keys keys;
	struct prompt *prompt; /* owned; NULL without a terminal */
	struct prompt_words words;
	struct command_names names;
	const char *completing; /* the word, while words for it are looked for */
	glob_t files; /* that begin with it */
	char prompt_name[32];
	struct view_channel answer; /* a command's output: untagged */
	struct view_channel replayed; /* the same of history, on connecting */
	struct viewer_channel *channels; /* owned */
	struct viewer_channel *connected; /* NULL: at the prompt */
	enum viewer_replay replay;
	uint64_t replay_begin, replay_end;
	struct evbuffer *history; /* owned; collected for the replay */
	const char *wanted; /* to be connected as soon as it is there */
	size_t held_lines; /* thrown away while they could not be shown */
	bool was_attached; /* at least once */
	bool announced; /* all channels of this stream are known */
	bool away_shown; /* that muxd is away was said */
	bool running; /* a command, in muxd */
	void (*next)(struct viewer *viewer); /* what a key asked for meanwhile, or NULL */
	bool commanding; /* the prompt is there for one line; connected goes on behind it */
	bool commanded; /* that line was entered */
	bool redraws; /* the guest is told a smaller screen meanwhile, so that it draws anew */
	char *last; /* owned; the channel that was left last */
	struct recorder *recorders[VIEWER_RECORDINGS_MAX]; /* owned; NULL: a free place */
	struct player player; /* while playing */
	bool playing; /* a recording: nothing else is shown, keys are the player's */
	bool was_broadcasting; /* what the options ask for was done */
	bool broadcasting; /* typing at all channels that are meant */
	char **broadcast_names; /* owned; NULL: all guests */
	char indicator[96]; /* in the last row while broadcasting; "": not shown */
	struct event *patience; /* owned */
	bool told_escape; /* at the first guest */
	struct evbuffer *ahead; /* owned; typed, its turn has not come */
	bool deaf; /* the terminal is not read because of it */
	bool hint; /* the escape key is shown */
	bool dropping; /* what was pasted behind leaving */
	bool done;
	int status;
	struct event *flush, *tick, *dropped; /* owned */
	struct event *signals[VIEWER_SIGNALS]; /* owned */
};

/* The guest has the terminal. */
static inline bool viewer_at_guest(const struct viewer *viewer)
{
	return viewer->connected && !viewer->commanding;
}

/* viewer.c */
/* All of it, in the child of the guardian; owner is the options. */
int viewer_work(struct terminal_guard *guard, void *owner);
void viewer_end(struct viewer *viewer, int status);
void viewer_detach(struct viewer *viewer);

/* viewer_output.c: what goes to the terminal */
void viewer_show_soon(struct viewer *viewer); /* lines has something */
void viewer_show(struct viewer *viewer); /* as far as possible now */
void viewer_message(struct viewer *viewer, const char *format, ...) PRINTF_LIKE(2, 3);
/* Of an answer: no mark in front. */
void viewer_line(struct viewer *viewer, const char *format, ...) PRINTF_LIKE(2, 3);
void viewer_guest_output(struct viewer *viewer, const void *bytes, size_t length);
void viewer_show_hint(struct viewer *viewer);
void viewer_hide_hint(struct viewer *viewer);
void viewer_set_timer(struct viewer *viewer);
int viewer_output_open(struct viewer *viewer);
void viewer_output_close(struct viewer *viewer);

/* viewer_list.c: the channels there are */
struct viewer_channel *viewer_find(const struct viewer *viewer, const char *name);
/* Whose key it is; a digit that is nobody's counts the channels in the order of their names. */
/* What a wire has to say: no guest's. */
bool viewer_is_alive(const struct viewer_channel *channel); /* there is a guest */
bool viewer_is_log(const struct viewer_channel *channel);
struct viewer_channel *viewer_find_key(const struct viewer *viewer, char key);
struct viewer_channel *viewer_find_id(const struct viewer *viewer, uint32_t id);
struct viewer_channel *viewer_channel_create(struct viewer *viewer, const char *name);
void viewer_channel_destroy(struct viewer_channel *channel);
void viewer_choose_labels(struct viewer *viewer);
void viewer_choose_colors(struct viewer *viewer);
void viewer_forget_channels(struct viewer *viewer);

/* viewer_channels.c: what muxd sends */
extern const struct viewer_stream_events viewer_stream_handlers;
void viewer_follow(struct viewer *viewer, struct viewer_channel *channel, uint64_t position);
void viewer_unfollow(struct viewer *viewer, struct viewer_channel *channel);

/* viewer_connect.c: being connected to a guest */
void viewer_connect(struct viewer *viewer, struct viewer_channel *channel);
void viewer_leave(struct viewer *viewer);
/* This viewer does not type there any more. */
void viewer_stop_typing(struct viewer *viewer, struct viewer_channel *channel);
void viewer_reconnect(struct viewer *viewer); /* the stream is a new one */
void viewer_size_changed(struct viewer *viewer);
void viewer_send_size(struct viewer *viewer); /* to the connected guest */
void viewer_type(struct viewer *viewer, const void *bytes, size_t length);
void viewer_send_typed(struct viewer *viewer, struct viewer_channel *channel);
/* Output of the connected channel, while the replay is not done. */
void viewer_replay(struct viewer *viewer, const void *bytes, size_t length);
/* The connected channel was announced anew. */
void viewer_replay_announced(struct viewer *viewer);

/* viewer_writer.c: who types at a channel */
bool viewer_watches(const struct viewer_channel *channel); /* muxd takes nothing typed there */
/* False, with a line that says so once, if this viewer only watches. */
bool viewer_may_type(struct viewer *viewer, struct viewer_channel *channel);
void viewer_take(struct viewer *viewer); /* ask for it, or take it */
void viewer_yield(struct viewer *viewer); /* to who has asked */
void viewer_read_writer(struct viewer *viewer, const struct message *message);
/* viewer_broadcast.c: typing at several guests; names NULL-terminated, none: all */
void viewer_broadcast_begin(struct viewer *viewer, char *const *names);
void viewer_broadcast_end(struct viewer *viewer);
void viewer_broadcast_update(struct viewer *viewer, struct viewer_channel *channel);
void viewer_broadcast_taken(struct viewer *viewer); /* by one of them, some of what was typed */
void viewer_broadcast_type(struct viewer *viewer, const void *bytes, size_t length);
void viewer_broadcast_break(struct viewer *viewer);
void viewer_broadcast_erase(struct viewer *viewer); /* what says so, in the last row */
void viewer_broadcast_draw(struct viewer *viewer);
int viewer_broadcast_open(struct viewer *viewer);
void viewer_broadcast_close(struct viewer *viewer);

/* viewer_autoconnect.c */
void viewer_guest_came(struct viewer *viewer, struct viewer_channel *channel);
/* To one of them, if the operator is at the prompt and types nothing there; false: it is not so. */
bool viewer_autoconnect(struct viewer *viewer);

/* viewer_places.c: from one guest to another */
struct viewer_channel *viewer_find_number(const struct viewer *viewer, unsigned number);
void viewer_remember(struct viewer *viewer, const struct viewer_channel *channel);
void viewer_connect_other(struct viewer *viewer, struct viewer_channel *channel);
void viewer_connect_next(struct viewer *viewer);
void viewer_connect_previous(struct viewer *viewer);
void viewer_connect_last(struct viewer *viewer);
void viewer_name_prompt(struct viewer *viewer, const char *name);
/*
 * One command line while connected. The guest's output is not shown meanwhile: its position stands
 * still, and muxd is asked again from there.
 */
void viewer_command_begin(struct viewer *viewer);
void viewer_command_end(struct viewer *viewer); /* back to the guest */
void viewer_command_over(struct viewer *viewer); /* the prompt stays */

/* viewer_help.c */
void viewer_tell_keys(struct viewer *viewer);
void viewer_help_key(struct viewer *viewer);
void viewer_help(struct viewer *viewer); /* commands and keys */

/* viewer_input.c: what was typed, in its order */
void viewer_typed(void *owner, const uint8_t *bytes, size_t length);
void viewer_process(struct viewer *viewer); /* what waits, as far as its turn has come */

/* viewer_keys.c: what keys do */
void viewer_act(struct viewer *viewer, const struct key_event *event);
/* Until nothing was typed for a while, what is typed is thrown away. */
void viewer_expect_pause(struct viewer *viewer);
void viewer_back_to_prompt(struct viewer *viewer);
int viewer_keys_open(struct viewer *viewer); /* 0 or -ENOMEM */
void viewer_keys_close(struct viewer *viewer);

/* viewer_record.c: recordings */
void viewer_record(struct viewer *viewer, char *const *words);
void viewer_recordings_typed(struct viewer *viewer, const char *channel, const void *bytes,
	size_t length);
void viewer_recordings_resized(struct viewer *viewer);
void viewer_recordings_close(struct viewer *viewer);
void viewer_play(struct viewer *viewer, char *const *words);

/* viewer_commands.c: the prompt's commands */
void viewer_prompt(struct viewer *viewer); /* one line */
void viewer_run(struct viewer *viewer, char *const *words);
void viewer_cancel(struct viewer *viewer);
int viewer_commands_open(struct viewer *viewer);
void viewer_commands_close(struct viewer *viewer);

#endif
