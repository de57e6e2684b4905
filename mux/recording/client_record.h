#ifndef CLIENT_RECORD_H
#define CLIENT_RECORD_H

struct command_words;

/* The commands record and replay from a shell; the exit status. */
int client_record(const char *control_path, const struct command_words *words);
int client_replay(const struct command_words *words);

#endif
