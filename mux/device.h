#ifndef DEVICE_H
#define DEVICE_H

#include "mux.h"

#include <stdbool.h>
#include <stdint.h>

struct channel;
struct device;
struct device_listener;

/* Accepts vmm processes on device.sock, whose listening socket it takes. NULL: no memory. */
struct device_listener *device_listener_create(struct mux *mux, int listen_fd);
void device_listener_destroy(struct device_listener *listener);

/* Closes the connection; its channel stays. */
void device_destroy(struct device *device);

/* There may be something to send: input, a new size. */
void device_progress(struct device *device);
void device_resize(struct device *device);
void device_break(struct device *device);
bool device_kick(struct device *device); /* false: its vmm does not know that */

#endif
