#ifndef GUEST_NAME_H
#define GUEST_NAME_H

#include <stddef.h>

/*
 * A guest's name stands on terminals, in messages and in the file names of sockets and logs: 1 to
 * CONSOLE_NAME_MAX bytes of UTF-8 without blanks, slashes, control characters and characters
 * that are invisible or turn the direction of writing; the first is neither "." nor "-".
 * Returns NULL if name is one, else what is wrong, as in "must not contain a slash".
 */
const char *guest_name_problem(const char *name, size_t length);

#endif
