/* Bytes of guests in JSON: as text, or in base64. */

#include "control_bytes.h"

#include <stdlib.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static json_t *base64(const uint8_t *bytes, size_t length)
{
	char *text = malloc(length / 3 * 4 + 5);
	char *next = text;
	json_t *string;

	if (!text)
		return NULL;
	for (size_t i = 0; i < length; i += 3) {
		size_t left = length - i;
		unsigned bits = (unsigned)bytes[i] << 16 |
			(left > 1 ? (unsigned)bytes[i + 1] << 8 : 0) |
			(left > 2 ? (unsigned)bytes[i + 2] : 0);

		*next++ = digits[bits >> 18];
		*next++ = digits[bits >> 12 & 63];
		*next++ = left > 1 ? digits[bits >> 6 & 63] : '=';
		*next++ = left > 2 ? digits[bits & 63] : '=';
	}
	*next = '\0';
	string = json_string(text);
	free(text);
	return string;
}

void control_add_bytes(json_t *object, const uint8_t *bytes, size_t length)
{
	json_t *text = NULL;

	if (length && !memchr(bytes, '\0', length))
		text = json_stringn((const char *)bytes, length);
	if (text)
		json_object_set_new(object, "text", text);
	else if (length)
		json_object_set_new(object, "bytes", base64(bytes, length));
}

size_t control_whole_characters(const uint8_t *bytes, size_t length)
{
	size_t start = length;

	while (start && length - start < 3 && (bytes[start - 1] & 0xc0) == 0x80)
		start--;
	if (!start)
		return length;
	start--; /* where the last character begins */
	if ((bytes[start] >= 0xf0 && length - start < 4) ||
		(bytes[start] >= 0xe0 && length - start < 3) ||
		(bytes[start] >= 0xc0 && length - start < 2))
		return start ? start : length;
	return length;
}

ssize_t control_read_base64(char *text)
{
	char *to = text;
	uint32_t bits = 0;
	unsigned count = 0;
	size_t length = strlen(text);

	if (length % 4)
		return -1;
	while (length && text[length - 1] == '=' && length % 4 != 2)
		length--;
	for (size_t i = 0; i < length; i++) {
		const char *digit = strchr(digits, text[i]);

		if (!digit)
			return -1;
		bits = bits << 6 | (uint32_t)(digit - digits);
		count += 6;
		if (count < 8)
			continue;
		count -= 8;
		*to++ = (char)(bits >> count);
	}
	return to - text;
}
