/* Dates and times of TOML 1.0, which are those of RFC 3339. */

#include "toml_scan.h"

struct cursor {
	const char *at;
	const char *end;
};

static bool accept(struct cursor *cursor, const char *any)
{
	if (cursor->at == cursor->end)
		return false;
	for (; *any; any++) {
		if (*cursor->at == *any) {
			cursor->at++;
			return true;
		}
	}
	return false;
}

static bool is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

static bool read_digits(struct cursor *cursor, size_t count, unsigned *number)
{
	*number = 0;
	for (; count > 0; count--, cursor->at++) {
		if (cursor->at == cursor->end || !is_digit(*cursor->at))
			return false;
		*number = *number * 10 + (unsigned)(*cursor->at - '0');
	}
	return true;
}

static unsigned days_in_month(unsigned year, unsigned month)
{
	static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return month == 2 && leap ? 29 : days[month - 1];
}

static bool read_date(struct cursor *cursor, struct toml_datetime *result, const char **problem)
{
	if (!read_digits(cursor, 4, &result->year) || !accept(cursor, "-") ||
		!read_digits(cursor, 2, &result->month) || !accept(cursor, "-") ||
		!read_digits(cursor, 2, &result->day))
		return false;
	*problem = "there is no such day";
	return result->month >= 1 && result->month <= 12 && result->day >= 1 &&
		result->day <= days_in_month(result->year, result->month);
}

static bool read_fraction(struct cursor *cursor, unsigned *nanosecond)
{
	unsigned scale = 100000000;

	if (!accept(cursor, "."))
		return true;
	if (cursor->at == cursor->end || !is_digit(*cursor->at))
		return false;
	for (; cursor->at < cursor->end && is_digit(*cursor->at); cursor->at++) {
		*nanosecond += (unsigned)(*cursor->at - '0') * scale;
		scale /= 10;
	}
	return true;
}

static bool read_time(struct cursor *cursor, struct toml_datetime *result, const char **problem)
{
	if (!read_digits(cursor, 2, &result->hour) || !accept(cursor, ":") ||
		!read_digits(cursor, 2, &result->minute) || !accept(cursor, ":") ||
		!read_digits(cursor, 2, &result->second) ||
		!read_fraction(cursor, &result->nanosecond))
		return false;
	*problem = "there is no such time";
	return result->hour <= 23 && result->minute <= 59 && result->second <= 60;
}

static bool read_offset(struct cursor *cursor, int *offset_minutes, const char **problem)
{
	unsigned hours;
	unsigned minutes;
	bool west;

	if (accept(cursor, "Zz"))
		return true;
	west = accept(cursor, "-");
	if (!west && !accept(cursor, "+"))
		return false;
	if (!read_digits(cursor, 2, &hours) || !accept(cursor, ":") ||
		!read_digits(cursor, 2, &minutes))
		return false;
	*offset_minutes = (int)(hours * 60 + minutes) * (west ? -1 : 1);
	*problem = "there is no such offset";
	return hours <= 23 && minutes <= 59;
}

bool toml_read_datetime(const struct toml_string *word, struct toml_value *value,
	const char **problem)
{
	struct cursor cursor = { .at = word->bytes, .end = word->bytes + word->length };
	struct toml_datetime result = { 0 };
	const char *malformed = *problem;

	if (word->length > 2 && word->bytes[2] == ':') {
		value->type = TOML_LOCAL_TIME;
		if (!read_time(&cursor, &result, problem))
			return false;
	} else {
		value->type = TOML_LOCAL_DATE;
		if (!read_date(&cursor, &result, problem))
			return false;
		*problem = malformed;
		if (accept(&cursor, "Tt ")) {
			value->type = TOML_LOCAL_DATETIME;
			if (!read_time(&cursor, &result, problem))
				return false;
			*problem = malformed;
			if (cursor.at < cursor.end) {
				value->type = TOML_OFFSET_DATETIME;
				if (!read_offset(&cursor, &result.offset_minutes, problem))
					return false;
			}
		}
	}
	*problem = malformed;
	value->datetime = result;
	return cursor.at == cursor.end;
}
