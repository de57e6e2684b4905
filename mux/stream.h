#ifndef STREAM_H
#define STREAM_H

#include <stddef.h>

struct bufferevent;

/*
 * The peer of a socket is gone: what it sent before and was not read yet comes into the input
 * buffer. It may have been noticed by writing, so without this its last words could be missed.
 */
void stream_take_rest(struct bufferevent *stream);

/*
 * Send what the output holds, as far as the socket takes it, now and not when the loop comes to it:
 * for what somebody waits for. Errors are left for the loop to find.
 */
void stream_flush(struct bufferevent *stream);

/*
 * From the readable callback: take up to length bytes more of what the socket holds, at once.
 * (libevent reads four KiB a turn.)
 */
void stream_read_more(struct bufferevent *stream, size_t length);

#endif
