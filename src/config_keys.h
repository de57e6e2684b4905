#ifndef CONFIG_KEYS_H
#define CONFIG_KEYS_H

#include "config_file.h"

extern const struct config_schema config_schema; /* of struct vmm_config */

#endif
