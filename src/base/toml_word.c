/* The unquoted values of TOML 1.0: booleans, numbers, dates and times. */

#include "toml_scan.h"
#include "utf8.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_digit(int byte)
{
	return byte >= '0' && byte <= '9';
}

static bool word_byte(int byte)
{
	return byte > 0 && byte < 0x80 && (isalnum(byte) || strchr("+-_.:", byte));
}

static bool starts_with_digits(const struct toml_string *word, size_t count, char then)
{
	if (word->length <= count || word->bytes[count] != then)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!is_digit(word->bytes[i]))
			return false;
	return true;
}

static bool looks_like_date(const struct toml_string *word)
{
	return starts_with_digits(word, 4, '-');
}

static bool looks_like_time(const struct toml_string *word)
{
	return starts_with_digits(word, 2, ':');
}

/* A word ends where its letters do, but a blank within a date and time belongs to it. */
static struct toml_string take_word(struct toml_scanner *scanner)
{
	/* The word is only read. */
	struct toml_string word = { .bytes = (char *)(uintptr_t)scanner->at };

	while (word_byte(toml_peek(scanner, word.length)))
		word.length++;
	if (looks_like_date(&word) && word.length == strlen("1979-05-27") &&
		toml_peek(scanner, word.length) == ' ' &&
		is_digit(toml_peek(scanner, word.length + 1))) {
		word.length++;
		while (word_byte(toml_peek(scanner, word.length)))
			word.length++;
	}
	return word;
}

static bool word_is(const struct toml_string *word, const char *text)
{
	return word->length == strlen(text) && memcmp(word->bytes, text, word->length) == 0;
}

static bool read_boolean(const struct toml_string *word, struct toml_value *value)
{
	if (!word_is(word, "true") && !word_is(word, "false"))
		return false;
	value->type = TOML_BOOLEAN;
	value->boolean = word_is(word, "true");
	return true;
}

static bool read_special_float(const struct toml_string *word, struct toml_value *value)
{
	size_t sign = word->length > 0 && strchr("+-", word->bytes[0]) ? 1 : 0;
	bool negative = word->length > 0 && word->bytes[0] == '-';
	struct toml_string rest = { word->bytes + sign, word->length - sign };

	value->type = TOML_FLOAT;
	if (word_is(&rest, "inf"))
		value->real = negative ? -(double)INFINITY : (double)INFINITY;
	else if (word_is(&rest, "nan"))
		value->real = copysign((double)NAN, negative ? -1.0 : 1.0);
	else
		return false;
	return true;
}

static int digit_value(char byte)
{
	if (is_digit(byte))
		return byte - '0';
	if (byte >= 'a' && byte <= 'f')
		return byte - 'a' + 10;
	if (byte >= 'A' && byte <= 'F')
		return byte - 'A' + 10;
	return 16;
}

/*
 * Digits of a base with single underscores between them, from *at on, which moves behind them; the
 * digits are appended to the scanner's. -EINVAL without a message: there are none.
 */
static int take_digits(struct toml_scanner *scanner, const struct toml_string *word, size_t *at,
	int base)
{
	size_t start = *at;

	while (*at < word->length) {
		bool between = *at > start && word->bytes[*at] == '_' && *at + 1 < word->length;
		char digit = word->bytes[between ? *at + 1 : *at];

		if (digit_value(digit) >= base)
			break;
		if (toml_buffer_add(scanner, &scanner->digits, digit) < 0)
			return -ENOMEM;
		*at += between ? 2 : 1;
	}
	return *at > start ? 0 : -EINVAL;
}

static int bad_number(struct toml_scanner *scanner, const struct toml_string *word)
{
	char shown[48];

	utf8_for_message(shown, sizeof(shown), word->bytes, word->length);
	return toml_fail(scanner, "\"%s\" is not a valid value (text needs quotes)", shown);
}

static int store_integer(struct toml_scanner *scanner, struct toml_value *value, int base,
	bool negative)
{
	int64_t number = 0;

	for (const char *at = scanner->digits.text.bytes; *at; at++) {
		int digit = negative ? -digit_value(*at) : digit_value(*at);

		if (__builtin_mul_overflow(number, base, &number) ||
			__builtin_add_overflow(number, digit, &number))
			return toml_fail(scanner, "the integer does not fit in 64 bits");
	}
	value->type = TOML_INTEGER;
	value->integer = number;
	return 0;
}

static int read_based(struct toml_scanner *scanner, const struct toml_string *word,
	struct toml_value *value)
{
	int base = word->bytes[1] == 'x' ? 16 : word->bytes[1] == 'o' ? 8 : 2;
	size_t at = 2;
	int result = take_digits(scanner, word, &at, base);

	if (result == -EINVAL || (result == 0 && at < word->length))
		return bad_number(scanner, word);
	return result < 0 ? result : store_integer(scanner, value, base, false);
}

/* The digits are of the form that strtod knows; the decimal point is a dot in any locale. */
static int store_float(struct toml_scanner *scanner, struct toml_value *value, bool negative)
{
	locale_t locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);

	if (!locale)
		return toml_fail_memory(scanner);
	value->type = TOML_FLOAT;
	value->real = strtod_l(scanner->digits.text.bytes, NULL, locale);
	if (negative)
		value->real = -value->real;
	freelocale(locale);
	return 0;
}

/* A fraction or an exponent, introduced by a byte of start and perhaps a sign. */
static int take_part(struct toml_scanner *scanner, const struct toml_string *word, size_t *at,
	const char *start, bool *found)
{
	bool exponent = start[0] == 'e';

	if (*at == word->length || !strchr(start, word->bytes[*at]))
		return 0;
	*found = true;
	if (toml_buffer_add(scanner, &scanner->digits, word->bytes[(*at)++]) < 0)
		return -ENOMEM;
	if (exponent && *at < word->length && strchr("+-", word->bytes[*at]) &&
		toml_buffer_add(scanner, &scanner->digits, word->bytes[(*at)++]) < 0)
		return -ENOMEM;
	return take_digits(scanner, word, at, 10);
}

static int read_decimal(struct toml_scanner *scanner, const struct toml_string *word,
	struct toml_value *value)
{
	bool negative = word->bytes[0] == '-';
	size_t at = negative || word->bytes[0] == '+' ? 1 : 0;
	bool zero = at < word->length && word->bytes[at] == '0';
	bool fraction = false;
	int result = take_digits(scanner, word, &at, 10);

	if (result == 0 && zero && scanner->digits.text.length > 1)
		return toml_fail(scanner, "a decimal number must not begin with 0");
	if (result == 0)
		result = take_part(scanner, word, &at, ".", &fraction);
	if (result == 0)
		result = take_part(scanner, word, &at, "eE", &fraction);
	if (result == -ENOMEM)
		return result;
	if (result < 0 || at < word->length)
		return bad_number(scanner, word);
	return fraction ? store_float(scanner, value, negative)
			: store_integer(scanner, value, 10, negative);
}

int toml_scan_word(struct toml_scanner *scanner, struct toml_value *value)
{
	struct toml_string word = take_word(scanner);
	const char *problem = "malformed date or time";
	int result;

	if (!word.length)
		return toml_fail_expected(scanner, "a value");
	if (looks_like_date(&word) || looks_like_time(&word)) {
		if (!toml_read_datetime(&word, value, &problem))
			return toml_fail(scanner, "%s", problem);
		result = 0;
	} else if (read_boolean(&word, value) || read_special_float(&word, value)) {
		result = 0;
	} else {
		value->type = TOML_INTEGER;
		scanner->digits.text.length = 0;
		if (word.length > 2 && word.bytes[0] == '0' && strchr("xob", word.bytes[1]))
			result = read_based(scanner, &word, value);
		else
			result = read_decimal(scanner, &word, value);
	}
	scanner->at += word.length;
	return result;
}
