#ifndef TOML_SCAN_H
#define TOML_SCAN_H

/* Reading the text of a TOML document, position by position: for the reader only. */

#include "compiler.h"
#include "toml.h"

/* A growing text: the scanner's, reused for every key and number. */
struct toml_buffer {
	struct toml_string text;
	size_t room;
};

struct toml_scanner {
	const char *at;
	const char *end;
	unsigned line;
	/* The column of counted, so that a long line is counted only once. */
	const char *counted;
	unsigned column;

	struct toml_buffer key; /* the key part read last */
	unsigned key_line, key_column;
	struct toml_buffer digits; /* of the number read last, without underscores */
	struct toml_error *error;
};

/* The int results: 0, or -EINVAL or -ENOMEM with scanner->error filled. */

int toml_scanner_init(struct toml_scanner *scanner, const char *text, size_t length,
	struct toml_error *error);
void toml_scanner_destroy(struct toml_scanner *scanner);

int toml_buffer_add(struct toml_scanner *scanner, struct toml_buffer *buffer, char byte);

#define TOML_END (-1)
int toml_peek(const struct toml_scanner *scanner, size_t ahead); /* a byte, or TOML_END */
bool toml_accept(struct toml_scanner *scanner, char byte);
bool toml_accept_newline(struct toml_scanner *scanner); /* LF or CR LF */
void toml_skip_blanks(struct toml_scanner *scanner); /* tabs and spaces */
int toml_skip_comment(struct toml_scanner *scanner); /* if there is one, up to the line's end */
int toml_skip_lines(struct toml_scanner *scanner); /* blanks, comments and newlines */
unsigned toml_column(struct toml_scanner *scanner);

/* Errors at the current position, at another, for what was found there, and for no memory. */
int toml_fail(struct toml_scanner *scanner, const char *format, ...) PRINTF_LIKE(2, 3);
int toml_fail_at(struct toml_scanner *scanner, const unsigned position[2], const char *format, ...)
	PRINTF_LIKE(3, 4);
int toml_fail_expected(struct toml_scanner *scanner, const char *what);
int toml_fail_memory(struct toml_scanner *scanner);

/* One value each; the string takes over from the opening quote. */
int toml_scan_string(struct toml_scanner *scanner, struct toml_value *value);
int toml_scan_word(struct toml_scanner *scanner,
	struct toml_value *value); /* number, date, boolean */
int toml_scan_key(struct toml_scanner *scanner); /* one part of a key, to scanner->key */

/* A date, a time or both. False: the word is none; *problem, preset by the caller, may say why. */
bool toml_read_datetime(const struct toml_string *word, struct toml_value *value,
	const char **problem);

#endif
