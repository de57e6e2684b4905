#ifndef TEXT_SEQUENCE_H
#define TEXT_SEQUENCE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * May a whole control sequence, ESC first, be left out of a line of text without a word? That is so
 * for what ordinary boots and shells print and what would do nothing in such a line: colours,
 * erasing behind the cursor, the look of the cursor, modes of keypad and pasting, character sets,
 * the soft reset, the way back over a line of progress, and the question for the cursor's place.
 */
bool text_sequence_is_idle(const char *sequence, size_t length);

#endif
