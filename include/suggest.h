#ifndef SUGGEST_H
#define SUGGEST_H

#include <stddef.h>

/*
 * "Did you mean ...?": the known name nearest to a word that is none, by the number of letters to
 * change, add, leave out or swap; a word that is the start of a name is near to it. Show every
 * known name, then look at nearest: one of those shown, or NULL if none is near enough.
 */
struct suggestion {
	const char *word; /* borrowed, as is nearest */
	size_t length;
	const char *nearest;
	unsigned distance;
};

void suggest_init(struct suggestion *suggestion, const char *word, size_t length);
void suggest_consider(struct suggestion *suggestion, const char *name);

#endif
