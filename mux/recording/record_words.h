#ifndef RECORD_WORDS_H
#define RECORD_WORDS_H

struct command_words;
struct recorder_options;

/* What the words of record and replay say; NULL, or what is wrong with them. */
const char *record_words(const struct command_words *words, struct recorder_options *options);
const char *replay_words(const struct command_words *words, double *speed, double *idle);

#endif
