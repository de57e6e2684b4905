#ifndef CONSOLE_INPUT_H
#define CONSOLE_INPUT_H

#include <stdbool.h>

/* Whether the last console= of a kernel's command line, its /dev/console, is a serial port. */
bool console_input_is_serial(const char *cmdline);

#endif
