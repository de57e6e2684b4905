#ifndef CONTROL_CAPTURE_H
#define CONTROL_CAPTURE_H

#include <jansson.h>

struct mux;
struct varlink_call;

/*
 * The method Capture of control.sock: the caller's connection becomes the stream that the wire's
 * worker writes to, so that neither muxd nor the worker opens a file. Answers the call.
 */
void control_capture(struct mux *mux, struct varlink_call *call, json_t *parameters);

#endif
