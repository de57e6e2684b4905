#ifndef CONTROL_BYTES_H
#define CONTROL_BYTES_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of guests in JSON: the member "text" where they are UTF-8 without NUL, else "bytes",
 * base64. */
void control_add_bytes(json_t *object, const uint8_t *bytes, size_t length);

/* At most length bytes, fewer if that is no end of a character. */
size_t control_whole_characters(const uint8_t *bytes, size_t length);

/* Base64 read in place; how many bytes, or -1 if it is none. */
ssize_t control_read_base64(char *text);

#endif
