#ifndef VARLINK_INTROSPECTION_H
#define VARLINK_INTROSPECTION_H

#include "varlink.h"

/* The interface org.varlink.service, which every service has besides its own. */
extern const struct varlink_interface varlink_introspection;

/* The service's own interface. */
const struct varlink_interface *varlink_call_interface(const struct varlink_call *call);

#endif
