#ifndef UNITS_H
#define UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Numbers with a unit, as operators write them. A size is a decimal integer and optionally K, M, G
 * or T of either case, with or without "iB" behind it: powers of 1024. A duration is a decimal
 * integer and one of ms, s, min, h, and where microseconds are counted also us. A rate is a decimal
 * integer and one of bit, kbit, Mbit, Gbit a second: powers of 1000, read as bytes. False: text is
 * none, or it does not fit in 64 bits.
 */
bool units_read_size(const char *text, size_t length, uint64_t *bytes);
bool units_read_duration(const char *text, size_t length, uint64_t *ms);
bool units_read_duration_us(const char *text, size_t length, uint64_t *us);
bool units_read_rate(const char *text, size_t length, uint64_t *bytes_per_second);

#define UNITS_TEXT_MAX 24

/* The same the other way, in the largest unit without a remainder. Return text. */
const char *units_write_size(char text[UNITS_TEXT_MAX], uint64_t bytes);
const char *units_write_duration(char text[UNITS_TEXT_MAX], uint64_t ms);
const char *units_write_duration_us(char text[UNITS_TEXT_MAX], uint64_t us);
const char *units_write_rate(char text[UNITS_TEXT_MAX], uint64_t bytes_per_second);

#endif
