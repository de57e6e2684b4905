#ifndef GUEST_STATUS_H
#define GUEST_STATUS_H

#include <jansson.h>

struct guest;

/* What `vmm status` shows, as the control interface describes it; NULL if memory is short. */
json_t *guest_status(struct guest *guest);

#endif
