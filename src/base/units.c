/* Sizes such as "256M" and durations such as "90s". */

#include "units.h"

#include "compiler.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit size_units[] = {
	{ "T", UINT64_C(1) << 40 },
	{ "G", UINT64_C(1) << 30 },
	{ "M", UINT64_C(1) << 20 },
	{ "K", UINT64_C(1) << 10 },
	{ "", 1 },
};

static const struct unit duration_units[] = {
	{ "h", 3600000 },
	{ "min", 60000 },
	{ "s", 1000 },
	{ "ms", 1 },
};

static const struct unit short_units[] = {
	{ "h", 3600000000 },
	{ "min", 60000000 },
	{ "s", 1000000 },
	{ "ms", 1000 },
	{ "us", 1 },
};

static const struct unit rate_units[] = {
	{ "Gbit", 1000000000 },
	{ "Mbit", 1000000 },
	{ "kbit", 1000 },
	{ "bit", 1 },
};

/* The number at the start of text; *digits is how many bytes it has. False: too large. */
static bool read_number(const char *text, size_t length, uint64_t *number, size_t *digits)
{
	*number = 0;
	for (*digits = 0; *digits < length; ++*digits) {
		char digit = text[*digits];

		if (digit < '0' || digit > '9')
			return true;
		if (__builtin_mul_overflow(*number, 10, number) ||
			__builtin_add_overflow(*number, (uint64_t)(digit - '0'), number))
			return false;
	}
	return true;
}

bool units_read_size(const char *text, size_t length, uint64_t *bytes)
{
	uint64_t number;
	size_t digits;

	if (!read_number(text, length, &number, &digits) || digits == 0)
		return false;
	text += digits;
	length -= digits;
	if (length == 3 && memcmp(text + 1, "iB", 2) == 0)
		length = 1;
	for (size_t i = 0; i < ARRAY_SIZE(size_units); i++)
		if (length == strlen(size_units[i].name) &&
			strncasecmp(text, size_units[i].name, length) == 0)
			return !__builtin_mul_overflow(number, size_units[i].factor, bytes);
	return false;
}

/* A number and one of the units, exactly as it is written there. */
static bool read_units(const char *text, size_t length, const struct unit *units, size_t unit_count,
	uint64_t *result)
{
	uint64_t number;
	size_t digits;

	if (!read_number(text, length, &number, &digits) || digits == 0)
		return false;
	text += digits;
	length -= digits;
	for (size_t i = 0; i < unit_count; i++)
		if (length == strlen(units[i].name) && memcmp(text, units[i].name, length) == 0)
			return !__builtin_mul_overflow(number, units[i].factor, result);
	return false;
}

bool units_read_duration(const char *text, size_t length, uint64_t *ms)
{
	return read_units(text, length, duration_units, ARRAY_SIZE(duration_units), ms);
}

bool units_read_duration_us(const char *text, size_t length, uint64_t *us)
{
	return read_units(text, length, short_units, ARRAY_SIZE(short_units), us);
}

bool units_read_rate(const char *text, size_t length, uint64_t *bytes_per_second)
{
	uint64_t bits;

	if (!read_units(text, length, rate_units, ARRAY_SIZE(rate_units), &bits))
		return false;
	*bytes_per_second = bits / 8;
	return true;
}

static const char *write_units(char text[UNITS_TEXT_MAX], uint64_t number, const struct unit *unit)
{
	while (number % unit->factor != 0)
		unit++;
	snprintf(text, UNITS_TEXT_MAX, "%" PRIu64 "%s", number / unit->factor, unit->name);
	return text;
}

const char *units_write_size(char text[UNITS_TEXT_MAX], uint64_t bytes)
{
	if (bytes)
		return write_units(text, bytes, size_units);
	return memcpy(text, "0", sizeof("0"));
}

const char *units_write_duration(char text[UNITS_TEXT_MAX], uint64_t ms)
{
	if (ms)
		return write_units(text, ms, duration_units);
	return memcpy(text, "0s", sizeof("0s"));
}

const char *units_write_duration_us(char text[UNITS_TEXT_MAX], uint64_t us)
{
	if (us)
		return write_units(text, us, short_units);
	return memcpy(text, "0s", sizeof("0s"));
}

const char *units_write_rate(char text[UNITS_TEXT_MAX], uint64_t bytes_per_second)
{
	if (bytes_per_second)
		return write_units(text, bytes_per_second * 8, rate_units);
	return memcpy(text, "0bit", sizeof("0bit"));
}
