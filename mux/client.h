#ifndef CLIENT_H
#define CLIENT_H

/*
 * Let the muxd behind this control.sock run a command; its output goes to standard output. Returns
 * the exit status.
 */
int client_run(const char *control_path, char *const *words);

#endif
