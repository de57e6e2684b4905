#ifndef SCENARIOS_H
#define SCENARIOS_H

#include "guest.h"

/* Each may return, and the guest is then powered off. argument: the rest of the command line. */
#define SCENARIO(name) void scenario_##name(const char *argument);
#include "scenario_list.h"
#undef SCENARIO

#endif
