#ifndef CLIENT_CAPTURE_H
#define CLIENT_CAPTURE_H

/*
 * Run "capture WIRE [PORT] FILE|-" with the rights of who called it, until SIGINT, SIGTERM, or the
 * end of muxd, of the wire or of its worker. Returns the exit status.
 */
int client_capture(const char *control_path, char *const *words);

#endif
