#ifndef FOLLOWER_H
#define FOLLOWER_H

#include "attach_client.h"

#include <jansson.h>

struct event_base;

/*
 * A follower: muxd re-executed, with the word FOLLOWER_WORD and one end of a socket pair as
 * descriptor CHILD_PROCESS_FD. What comes there is a JSON object and a NUL: which kind of follower
 * it is to be ("kind"), and its settings; then the attach stream. It ends when that does. SIGHUP
 * means that its files are to be opened anew.
 */
#define FOLLOWER_WORD "-follower-of-channels"

int follower_main(int fd); /* the exit status */

/* What a follower's process has; borrowed by its kind. */
struct follower {
	struct event_base *base;
	struct attach_client client;
	const struct follower_kind *kind;
	void *state; /* of the kind */
};

struct follower_kind {
	const char *name;
	struct attach_client_events events; /* their owner is the follower */
	/* 0, or -errno after a log line. The settings are borrowed until end(). */
	int (*begin)(struct follower *follower, const json_t *settings);
	void (*reopen)(struct follower *follower); /* NULL: nothing to open anew */
	void (*end)(struct follower *follower); /* also after begin() failed */
};

/* For the events of a kind. */
void follower_stream_ended(void *owner);

extern const struct follower_kind follower_logs;
extern const struct follower_kind follower_ptys;
extern const struct follower_kind follower_triggers;

#endif
