#ifndef CHANNEL_H
#define CHANNEL_H

#include "channel_watch.h"
#include "compiler.h"
#include "history.h"
#include "mux.h"

#include <jansson.h>

struct evbuffer;
struct follow;

#define CHANNEL_INPUT_PAUSE 65536 /* waiting input from which on viewers get no more credit */

enum channel_state {
	/* enum console_state comes first */
	CHANNEL_GONE = CONSOLE_STATE_COUNT, /* its vmm is not connected and did not say good-bye */
};

/* What an operator said of a channel, or not. */
enum channel_choice {
	CHANNEL_AS_CONFIGURED, /* nothing */
	CHANNEL_ON,
	CHANNEL_OFF,
};

/*
 * One console stream. Owned by the mux from the first time its vmm connects until it is dropped,
 * whether or not the vmm is there. Attached viewers hold only a position in its history.
 */
struct channel {
	char name[CONSOLE_NAME_MAX + 1];
	uint32_t id;
	struct mux *mux;
	struct history history;
	uint64_t opened; /* the end of its history when this muxd took it up */
	uint64_t seen; /* by scripts: see channel_seen() */
	uint32_t seen_boots;
	struct device *device; /* the guest's end; NULL while it is away */
	struct evbuffer *input; /* owned; typed, and not yet sent to the vmm */
	struct console_size size; /* of the terminal that was resized last */
	bool size_known;
	bool is_log; /* of a wire: no guest can have it, and what is typed goes nowhere */
	LIST_HEAD(, follow) follows; /* the viewers that have been told of it */
	struct channel_watch_list watches;
	char key_told; /* that it belongs to another: said once */
	struct follow *writer; /* of them, who types; or NULL */
	TAILQ_ENTRY(channel) link;
};

/* NULL, or why no guest can have this name, as in "must not be empty". */
const char *channel_name_error(const char *name, size_t length);

/* The file name of a channel's history, and back: false if it is not one. */
#define CHANNEL_FILE_MAX (3 * CONSOLE_NAME_MAX + 1)
void channel_file_name(const char *name, char file[CHANNEL_FILE_MAX]);
bool channel_name_of_file(const char *file, char name[CONSOLE_NAME_MAX + 1]);

struct channel *channel_find(const struct mux *mux, const char *name);
/* NULL: it was dropped. Numbers are not used twice. */
struct channel *channel_by_id(const struct mux *mux, uint32_t id);

/* Open its history, or begin one. The channel, or NULL with -errno in *error. */
struct channel *channel_create(struct mux *mux, const char *name, int *error);
/* The same with the size of history that its guest wishes, if it is begun; 0: none. */
struct channel *channel_create_sized(struct mux *mux, const char *name, size_t wished, int *error);

/* Closes it without a trace, or drops it with its history. Viewers are told. */
void channel_close(struct channel *channel);
void channel_drop(struct channel *channel);

/*
 * channel_room.c. There are at most CHANNELS_MAX channels, CHANNELS_DEAD_MAX dead ones and
 * CHANNELS_KEPT_MAX dead ones to be kept, and all histories together have a budget. The longest
 * dead are dropped, those to be kept after all others. One whose guest has only just gone, or
 * lived when the last muxd ended, is no dead one yet.
 */
void channel_limit(struct mux *mux); /* one may be dead now */
bool channel_make_room(struct mux *mux); /* for one more; false: there is none */
bool channel_drop_dead(struct mux *mux); /* any: the host has no room; false: there is none */

/* What the history of one more channel gets: a guest that lives has one, however small. */
#define CHANNEL_HISTORY_LEAST 16384
size_t channel_history_size(const struct mux *mux, size_t wished);

struct channel_budget {
	uint64_t used, total; /* bytes of the histories' files */
	unsigned channels, dead;
};
void channel_budget(const struct mux *mux, struct channel_budget *budget);

/*
 * Users. A channel belongs to the user whose vmm connected to it last; others may not have it, nor
 * more than CHANNELS_OF_USER_MAX. Root and the user of muxd may do all.
 */
void channel_own(struct channel *channel, uid_t uid); /* not committed */
bool channel_may_be_of(const struct channel *channel, uid_t uid);
bool channel_make_room_of_user(struct mux *mux, uid_t uid);

bool channel_is_dead(const struct channel *channel);

/* Its guest has ended, and said so. */
bool channel_is_over(const struct channel *channel);

const char *channel_state_name(const struct channel *channel);
const char *channel_state_word(unsigned state); /* enum channel_state */

/*
 * Up to where scripts know what the guest printed: what they wait for comes behind it. It is the
 * beginning at first, and that of each new boot; and the end of a guest that has ended without any
 * script having to do with it.
 */
uint64_t channel_seen(struct channel *channel);
void channel_saw(struct channel *channel, uint64_t position);

/* Change the state, since now, and commit. The reason is made printable. */
void channel_set_state(struct channel *channel, unsigned state, const char *reason,
	size_t reason_length);

/* Guest output; link_offset advances with it. Committed, viewers told. */
void channel_output(struct channel *channel, const uint8_t *bytes, size_t length);

/*
 * Append a line of muxd's own, on a line of its own, without committing: whatever it tells is
 * committed with it, so it appears once.
 */
void channel_mark(struct channel *channel, const char *format, ...) PRINTF_LIKE(2, 3);
/* A whole line of a log: what is not printable is made so. Committed. */
void channel_line(struct channel *channel, const char *text);
void channel_commit(struct channel *channel); /* viewers are told of new output */

/* What it shows of itself changed: viewers are told. */
void channel_changed(struct channel *channel);

/* From a viewer. */
void channel_type(struct channel *channel, const uint8_t *bytes, size_t length);

/* Forget what was typed at a guest that is no more; viewers are told how much. */
void channel_discard_input(struct channel *channel);

/* What relative times count from, in ms since the epoch; 0: not known. */
uint64_t channel_start(const struct channel *channel);

/* As org.vmm.mux.Channel; NULL if memory is short. */
json_t *channel_json(const struct channel *channel);

/* What viewers are told: the JSON of ATTACH_CHANNEL. */
json_t *channel_brief_json(const struct channel *channel);

#endif
