#ifndef OPTION_ROW_H
#define OPTION_ROW_H

#include <stdbool.h>

struct arguments;

/* An option of the program, before its words. One row each, in main.c. */
struct option_row {
	char letter;
	const char *name;
	const char *value; /* NULL: takes none */
	const char *help;
	bool (*set)(struct arguments *arguments, const char *value);
};

#endif
