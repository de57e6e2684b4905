#ifndef PATTERN_H
#define PATTERN_H

#include <stddef.h>

/*
 * A pattern of an operator's, looked for in a line of text that anybody may have written: PCRE2
 * in UTF-8, or fixed text. The work of one search is bounded.
 */
enum pattern_flag {
	PATTERN_FIXED = 1, /* the text itself, not a regular expression */
	PATTERN_CASELESS = 2,
	PATTERN_WORDS = 4, /* only where no letter, digit or _ stands before or behind it */
};

struct pattern;
struct pattern_place {
	size_t begin, end;
};

/* NULL: message says what is wrong and where, as in "missing closing parenthesis at 3". */
struct pattern *pattern_create(const char *text, unsigned flags, char *message,
	size_t message_size);
void pattern_destroy(struct pattern *pattern);

/*
 * The first place in length bytes of text at or behind start. 1: in *place, which may be NULL; 0:
 * there is none; -ELOOP: it takes too long to find out.
 */
int pattern_find(struct pattern *pattern, const char *text, size_t length, size_t start,
	struct pattern_place *place);

#endif
