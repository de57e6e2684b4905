#ifndef PANIC_H
#define PANIC_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether a Linux guest said on its console that its kernel panicked, and nothing of an orderly
 * reboot since. text is the newest output, not terminated. The reason is printable.
 */
bool panic_find(const char *text, size_t text_length, char *reason, size_t reason_length);

#endif
