/* Patterns of operators, by PCRE2, with limits. */

#define PCRE2_CODE_UNIT_WIDTH 8

#include "pattern.h"

#include "compiler.h"
#include "fd.h"

#include <ctype.h>
#include <errno.h>
#include <pcre2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 4096 /* of a pattern */
#define MATCH_LIMIT 100000
#define HEAP_LIMIT 1024 /* KiB */
#define WORD "[\\p{L}\\p{N}_]"
#define WORD_BEGIN "(?<!" WORD ")(?:"
#define WORD_END ")(?!" WORD ")"

struct pattern {
	pcre2_code *code;
	pcre2_match_data *match;
	pcre2_match_context *limits;
};

static pcre2_code *compile(const char *text, uint32_t options, char *message, size_t message_size)
{
	PCRE2_UCHAR reason[128];
	PCRE2_SIZE offset;
	pcre2_code *code;
	int error;

	code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED,
		options | PCRE2_UTF | PCRE2_MATCH_INVALID_UTF, &error, &offset, NULL);
	if (code)
		return code;
	pcre2_get_error_message(error, reason, sizeof(reason));
	snprintf(message, message_size, "%s at %zu", (const char *)reason, offset);
	return NULL;
}

/* Each character that may mean something stands for itself. */
static void quote(char *to, const char *text)
{
	for (; *text; text++) {
		if (ispunct((unsigned char)*text) && !(*text & 0x80))
			*to++ = '\\';
		*to++ = *text;
	}
	*to = '\0';
}

/* The whole pattern has been compiled by itself, so that a parenthesis in it closes none of ours.
 */
static pcre2_code *compile_words(const char *text, unsigned flags, uint32_t options, char *message,
	size_t message_size)
{
	size_t size = 2 * strlen(text) + sizeof(WORD_BEGIN WORD_END);
	AUTO_FREE char *whole = malloc(size);
	char *end;

	if (!whole) {
		snprintf(message, message_size, "no memory");
		return NULL;
	}
	strcpy(whole, WORD_BEGIN);
	end = whole + strlen(whole);
	if (flags & PATTERN_FIXED)
		quote(end, text);
	else
		strcpy(end, text);
	strcat(whole, WORD_END);
	return compile(whole, options, message, message_size);
}

static bool prepare(struct pattern *pattern)
{
	pattern->match = pcre2_match_data_create(1, NULL);
	pattern->limits = pcre2_match_context_create(NULL);
	if (!pattern->match || !pattern->limits)
		return false;
	pcre2_set_match_limit(pattern->limits, MATCH_LIMIT);
	pcre2_set_heap_limit(pattern->limits, HEAP_LIMIT);
	return true;
}

struct pattern *pattern_create(const char *text, unsigned flags, char *message, size_t message_size)
{
	uint32_t caseless = flags & PATTERN_CASELESS ? PCRE2_CASELESS : 0;
	uint32_t kind = flags & PATTERN_FIXED ? PCRE2_LITERAL : PCRE2_NEVER_BACKSLASH_C;
	struct pattern *pattern;

	if (strlen(text) > TEXT_MAX) {
		snprintf(message, message_size, "longer than %d bytes", TEXT_MAX);
		return NULL;
	}
	snprintf(message, message_size, "no memory");
	pattern = calloc(1, sizeof(*pattern));
	if (!pattern)
		return NULL;
	pattern->code = compile(text, caseless | kind, message, message_size);
	if (pattern->code && flags & PATTERN_WORDS) {
		pcre2_code_free(pattern->code);
		pattern->code = compile_words(text, flags, caseless, message, message_size);
	}
	if (pattern->code && prepare(pattern))
		return pattern;
	pattern_destroy(pattern);
	return NULL;
}

void pattern_destroy(struct pattern *pattern)
{
	if (!pattern)
		return;
	pcre2_match_context_free(pattern->limits);
	pcre2_match_data_free(pattern->match);
	pcre2_code_free(pattern->code);
	free(pattern);
}

int pattern_find(struct pattern *pattern, const char *text, size_t length, size_t start,
	struct pattern_place *place)
{
	const PCRE2_SIZE *found = pcre2_get_ovector_pointer(pattern->match);
	int result = pcre2_match(pattern->code, (PCRE2_SPTR)text, length, start, 0, pattern->match,
		pattern->limits);

	if (result == PCRE2_ERROR_NOMATCH)
		return 0;
	if (result < 0)
		return -ELOOP;
	if (place)
		*place = (struct pattern_place){ found[0], found[1] };
	return 1;
}
