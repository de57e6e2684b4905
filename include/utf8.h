#ifndef UTF8_H
#define UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The character that starts at bytes. Returns its length of 1 to 4 and stores its code point, or
 * returns 0 when no well-formed character starts there: stray continuation, overlong form,
 * surrogate, beyond U+10FFFF, or cut off by length.
 */
size_t utf8_decode(const char *bytes, size_t length, uint32_t *code_point);

/* Writes 1 to 4 bytes for a code point up to U+10FFFF that is no surrogate; returns how many. */
size_t utf8_encode(uint32_t code_point, char bytes[4]);

/* False for the control characters C0 (tab and newline included), DEL and C1. */
bool utf8_printable(uint32_t code_point);

/*
 * Text for a message: copies length bytes into buffer and ends it with NUL. What is not printable
 * or no UTF-8 is written as \xNN, quote and backslash as they are. A text that would not leave
 * four bytes of buffer is cut short and ends with "...". size is at least 8. Returns buffer.
 */
char *utf8_for_message(char *buffer, size_t size, const char *bytes, size_t length);

#endif
