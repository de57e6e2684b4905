#ifndef MUX_H
#define MUX_H

#include "channel_watch.h"
#include "log.h"
#include "timestamps.h"

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <time.h>

#define CHANNELS_MAX 1024
#define CHANNELS_DEAD_MAX 64 /* that are not to be kept */
#define CHANNELS_KEPT_MAX 512 /* that are dead, and to be kept */
#define CHANNELS_OF_USER_MAX 64 /* of one that is neither root nor muxd's own */
#define ATTACH_PEERS_MAX 256
#define ATTACH_PEERS_OF_USER_MAX 192 /* of one that is neither root nor muxd's own */

struct channel;
struct device;
struct attach_peer;
struct control;
struct event_base;
struct device_listener;
struct followers;
struct wires;

struct mux_options {
	const char *prompt; /* the name before "> " */
	size_t history_size; /* of new channels */
	uint64_t history_total; /* of all files of histories; 0: not bounded */
	bool show_all; /* new channels are shown, unless their guest asks to be hidden */
	bool keep; /* keep every channel when its guest is gone */
	enum timestamps timestamps; /* of new channels */
};

/* muxd's main process, without its sockets' files. Everything belongs to its one thread. */
struct mux {
	struct event_base *base;
	time_t started;
	const struct mux_options *options;
	char channels_path[PATH_MAX]; /* directory of the histories */
	DIR *channels_directory; /* owned; locked, lest two muxds write the same histories */
	TAILQ_HEAD(channel_list, channel) channels; /* owned; in the order of their names */
	unsigned channel_count;
	uint32_t last_id;
	struct channel_watch_list watches; /* of all channels */
	LIST_HEAD(device_list, device) devices; /* owned */
	unsigned device_count;
	LIST_HEAD(attach_peer_list, attach_peer) peers; /* owned */
	unsigned peer_count;
	uint64_t last_ask; /* of viewers that want to type */
	bool closing;
	struct log_limit limit; /* of what viewers can cause */
	struct device_listener *listener; /* owned */
	struct control *control; /* owned */
	struct wires *wires; /* owned; NULL before there are any */
	struct followers *followers; /* owned; or NULL */
};

/*
 * Take up the channels whose histories are in the directory, which is created if need be. 0 or
 * -errno with a log line; then mux_close() is still to be called.
 */
int mux_open(struct mux *mux, struct event_base *base, const struct mux_options *options,
	const char *channels_path);

/* Serve on listening sockets, which are taken. 0 or -errno. */
int mux_listen(struct mux *mux, int device_fd, int control_fd);
void mux_close(struct mux *mux);

#endif
