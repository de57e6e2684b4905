#ifndef FOLLOWERS_H
#define FOLLOWERS_H

#include <stdbool.h>

#define FOLLOWERS_PATH_MAX 2048

struct channel;
struct followers;
struct mux;
struct mux_config;

/*
 * The processes that follow channels for muxd (followers/follower.h), as its main process sees
 * them: started when something needs them, and again, with growing pauses, whenever they end. All
 * belongs to the mux's thread.
 */

/* The config is borrowed; directory is the runtime directory. NULL if memory is short. */
struct followers *followers_create(struct mux *mux, const struct mux_config *config,
	const char *directory);

/* They are told to end, waited for, and killed if need be. NULL is accepted. */
void followers_destroy(struct followers *followers);

/* Start those that are needed by now. */
void followers_start(struct followers *followers);

/* How many there are, each of which is a viewer, too. */
unsigned followers_count(const struct mux *mux);
/* The index-th one's title and process; NULL: no more. */
const char *followers_title(const struct mux *mux, unsigned index, int *process);

/* Log files are opened anew. */
void followers_reopen(struct followers *followers);

/* Where a channel is logged; NULL if it is not. Returns path. */
const char *followers_log_path(const struct channel *channel, char path[static FOLLOWERS_PATH_MAX]);
/* Can there be logs at all? */
bool followers_can_log(const struct mux *mux);

/* Where the link to its pty is; NULL if it has none. Returns path. */
const char *followers_pty_path(const struct channel *channel, char path[static FOLLOWERS_PATH_MAX]);

/* It is dropped: nothing is to be remembered of it. */
void followers_channel_dropped(const struct channel *channel);

#endif
