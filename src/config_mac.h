#ifndef CONFIG_MAC_H
#define CONFIG_MAC_H

#include "config.h"

extern const struct config_kind config_mac; /* mac and mac_set of a struct config_net */

/*
 * Gives each [[net]] without an address one of its own: the same whenever name and index are the
 * same, locally administered, and distinct from the others of this guest.
 */
void config_derive_macs(struct vmm_config *config);

#endif
