#ifndef SCENARIOS_H
#define SCENARIOS_H

#include "guest.h"
#include "scenario_list.h"

/* Each may return, and the guest is then powered off. argument: the rest of the command line. */
#define DECLARE(name) void scenario_##name(const char *argument);
SCENARIOS(DECLARE)
#undef DECLARE

#endif
