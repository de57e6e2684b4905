/* Finds the name that somebody meant: the restricted Damerau-Levenshtein distance. */

#include "suggest.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define LENGTH_MAX 40 /* longer words resemble nothing */
#define PREFIX_MIN 2

static bool same(char a, char b)
{
	return strncasecmp(&a, &b, 1) == 0;
}

static unsigned smaller(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* The costs to turn the start of a into the starts of b; rows are those of the last letters of a.
 */
static unsigned distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	unsigned rows[3][LENGTH_MAX + 1] = { 0 };
	unsigned *before = rows[0];
	unsigned *last = rows[1];
	unsigned *row = rows[2];

	for (size_t j = 0; j <= b_length; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= a_length; i++) {
		unsigned *oldest = before;

		before = last;
		last = row;
		row = oldest;
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b_length; j++) {
			bool match = same(a[i - 1], b[j - 1]);

			row[j] = smaller(last[j], row[j - 1]) + 1;
			row[j] = smaller(row[j], last[j - 1] + (match ? 0 : 1));
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				row[j] = smaller(row[j], before[j - 2] + 1);
		}
	}
	return row[b_length];
}

void suggest_init(struct suggestion *suggestion, const char *word, size_t length)
{
	*suggestion = (struct suggestion){ .word = word, .length = length, .distance = UINT_MAX };
}

void suggest_consider(struct suggestion *suggestion, const char *name)
{
	size_t length = strlen(name);
	size_t longer = length > suggestion->length ? length : suggestion->length;
	unsigned limit = (unsigned)(longer + 2) / 4; /* one slip in four letters */
	unsigned found;

	if (longer > LENGTH_MAX || suggestion->length == 0)
		return;
	found = distance(suggestion->word, suggestion->length, name, length);
	if (suggestion->length >= PREFIX_MIN && suggestion->length < length &&
		strncasecmp(suggestion->word, name, suggestion->length) == 0)
		found = 1;
	if (found > (limit ? limit : 1) || found >= longer || found >= suggestion->distance)
		return;
	suggestion->nearest = name;
	suggestion->distance = found;
}
