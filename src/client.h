#ifndef CLIENT_H
#define CLIENT_H

#include "exit_status.h"

#include <stdbool.h>

struct runtime_dir;

/* The words that speak to a running guest, "vmm stop guest1". */
struct client_request {
	const char *guest;
	const struct runtime_dir *dir;
	bool json; /* status: as data */
	bool wait; /* stop, kill: until the guest's process has ended */
};

enum exit_status client_status(const struct client_request *request);
enum exit_status client_stop(const struct client_request *request);
enum exit_status client_kill(const struct client_request *request);
enum exit_status client_reset(const struct client_request *request);
enum exit_status client_pause(const struct client_request *request);
enum exit_status client_resume(const struct client_request *request);

#endif
