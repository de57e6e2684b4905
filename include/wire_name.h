#ifndef WIRE_NAME_H
#define WIRE_NAME_H

#include <stddef.h>

#define WIRE_NAME_MAX 31

/*
 * A wire's name stands in the file names of sockets, before a dot or a slash and the name of a
 * port: 1 to WIRE_NAME_MAX letters, digits, - and _ of ASCII, the first no "-". Returns NULL if
 * name is one, else what is wrong, as in "must not be empty". The name of a port obeys the rules of
 * a guest's: guest_name_problem().
 */
const char *wire_name_problem(const char *name, size_t length);

#endif
