/* UTF-8: one character at a time, strictly (Unicode 15, table 3-7). */

#include "utf8.h"

#include "compiler.h"

#include <stdio.h>
#include <string.h>

static bool continues(const char *bytes, size_t count)
{
	for (size_t i = 1; i <= count; i++)
		if (((unsigned char)bytes[i] & 0xc0) != 0x80)
			return false;
	return true;
}

static uint32_t tail_bits(uint32_t lead, const char *bytes, size_t count)
{
	uint32_t value = lead;

	for (size_t i = 1; i <= count; i++)
		value = value << 6 | ((unsigned char)bytes[i] & 0x3f);
	return value;
}

size_t utf8_decode(const char *bytes, size_t length, uint32_t *code_point)
{
	static const struct {
		unsigned char mask, lead;
		uint32_t smallest;
	} forms[] = {
		{ 0x80, 0x00, 0 },
		{ 0xe0, 0xc0, 0x80 },
		{ 0xf0, 0xe0, 0x800 },
		{ 0xf8, 0xf0, 0x10000 },
	};
	unsigned char first;

	if (length == 0)
		return 0;
	first = (unsigned char)bytes[0];
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		uint32_t value;

		if ((first & forms[i].mask) != forms[i].lead)
			continue;
		if (i >= length || !continues(bytes, i))
			return 0;
		value = tail_bits(first & (unsigned char)~forms[i].mask, bytes, i);
		if (value < forms[i].smallest || value > 0x10ffff)
			return 0;
		if (value >= 0xd800 && value <= 0xdfff)
			return 0;
		*code_point = value;
		return i + 1;
	}
	return 0;
}

size_t utf8_encode(uint32_t code_point, char bytes[4])
{
	if (code_point < 0x80) {
		bytes[0] = (char)code_point;
		return 1;
	}
	if (code_point < 0x800) {
		bytes[0] = (char)(0xc0 | code_point >> 6);
		bytes[1] = (char)(0x80 | (code_point & 0x3f));
		return 2;
	}
	if (code_point < 0x10000) {
		bytes[0] = (char)(0xe0 | code_point >> 12);
		bytes[1] = (char)(0x80 | (code_point >> 6 & 0x3f));
		bytes[2] = (char)(0x80 | (code_point & 0x3f));
		return 3;
	}
	bytes[0] = (char)(0xf0 | code_point >> 18);
	bytes[1] = (char)(0x80 | (code_point >> 12 & 0x3f));
	bytes[2] = (char)(0x80 | (code_point >> 6 & 0x3f));
	bytes[3] = (char)(0x80 | (code_point & 0x3f));
	return 4;
}

bool utf8_printable(uint32_t code_point)
{
	return code_point >= 0x20 && (code_point < 0x7f || code_point > 0x9f);
}

char *utf8_for_message(char *buffer, size_t size, const char *bytes, size_t length)
{
	static const char more[] = "...";
	size_t used = 0;

	for (size_t at = 0; at < length;) {
		uint32_t code_point;
		size_t step = utf8_decode(bytes + at, length - at, &code_point);
		bool printable = step > 0 && utf8_printable(code_point);
		size_t need = printable ? step : strlen("\\xNN");

		if (used + need + sizeof(more) > size) {
			memcpy(buffer + used, more, sizeof(more));
			return buffer;
		}
		if (printable) {
			memcpy(buffer + used, bytes + at, step);
			at += step;
		} else {
			snprintf(buffer + used, size - used, "\\x%02x", (unsigned char)bytes[at]);
			at++;
		}
		used += need;
	}
	buffer[used] = '\0';
	return buffer;
}
