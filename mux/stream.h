#ifndef STREAM_H
#define STREAM_H

struct bufferevent;

/*
 * The peer of a socket is gone: what it sent before and was not read yet comes into the input
 * buffer. It may have been noticed by writing, so without this its last words could be missed.
 */
void stream_take_rest(struct bufferevent *stream);

#endif
