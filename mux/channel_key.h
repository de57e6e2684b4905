#ifndef CHANNEL_KEY_H
#define CHANNEL_KEY_H

struct channel;

/*
 * A key means one channel: it is taken from one whose guest is not there, but not from one whose
 * guest is. That one, or NULL if the key is free for this channel.
 */
const struct channel *channel_key_owner(const struct channel *channel, char key);

/* A key that is free, or 0 for none. Who had it before is told; this channel is not committed. */
void channel_take_key(struct channel *channel, char key);

#endif
