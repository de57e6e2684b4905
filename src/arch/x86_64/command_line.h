#ifndef COMMAND_LINE_H
#define COMMAND_LINE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The kernel's command line: the operator's words, before them those that a guest of ours
 * wants and the operator has not given. -EINVAL when it does not fit.
 */
int command_line_build(const char *words, bool defaults, char *line, size_t size);

/* Whether a word begins so, before any "--" that ends the kernel's own words. */
bool command_line_has(const char *words, const char *prefix);

#endif
