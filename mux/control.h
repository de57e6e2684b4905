#ifndef CONTROL_H
#define CONTROL_H

struct event_base;
struct mux;
struct control;

/*
 * The varlink interface of control.sock, as its clients see it (the description in
 * control_interface.c is the whole of it):
 *
 *   Run(words: []string) -> (text: ?string, bytes: ?string, status: ?int)
 *     Runs one row of the command table. Called with "more" its output comes in pieces as it is
 *     made, each as text, or in base64 as bytes where it is no UTF-8; the last reply has the
 *     status. A command that fails ends in the error CommandFailed(message, status); a status of 2
 *     means that the words were wrong.
 *
 *   Attach(version: int, readOnly: ?bool) -> (version: int, prompt: string, serverPid: int)
 *     Must be called with "upgrade"; after the reply the connection is an attach stream
 *     (attach_stream.h). Errors: VersionMismatch(version), TooManyViewers().
 *
 *   Capture(wire: string, port: ?string, snapLength: ?int) -> ()
 *     Must be called with "upgrade"; after the reply the connection is a stream of pcapng.
 *
 *   List(patterns: ?[]string) -> (channels: []Channel)
 *
 * The others are ways to single commands, with errors that programs can tell apart.
 */
#define CONTROL_INTERFACE "org.vmm.mux"

/* The description of the interface; to be freed. NULL: no memory. */
char *control_describe(void);

/* Serves the listening socket, which it takes. NULL if memory is short. */
struct control *control_create(struct mux *mux, int listen_fd);
void control_destroy(struct control *control);

unsigned control_running(const struct control *control); /* commands, at the moment */

#endif
