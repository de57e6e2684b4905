/* Completion in a shell: which words can stand at the end of a line. */

#include "completion.h"

#include "command.h"
#include "control.h"
#include "fd.h"
#include "runtime_dir.h"
#include "unix_socket.h"
#include "varlink.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_S 3 /* with a muxd that does not answer */

/* Names as muxd tells them: asked for once, each kind when it is wanted first. */
struct known {
	const char *directory; /* of the line, or NULL */
	json_t *channels, *wires, *ports; /* owned arrays; NULL: not asked for yet */
};

static int connect_to_muxd(const char *directory)
{
	AUTO_FREE struct runtime_dir *found = calloc(1, sizeof(*found));
	char path[PATH_MAX + 16];

	if (!found || runtime_dir_find(found, directory))
		return -1;
	snprintf(path, sizeof(path), "%s/control.sock", found->mux);
	alarm(PATIENCE_S); /* which ends this process: nothing is completed */
	return unix_connect(path);
}

/* The array of that name in the answer to a method; an empty one if there is no answer. */
static json_t *ask(const struct known *known, const char *method, const char *name)
{
	AUTO_CLOSE int fd = connect_to_muxd(known->directory);
	json_t *reply = NULL;
	json_t *list = NULL;

	if (fd >= 0 && !varlink_call(fd, method, NULL, &reply))
		list = json_incref(json_object_get(reply, name));
	json_decref(reply);
	return list ? list : json_array();
}

static const char *name_in(const json_t *list, unsigned index)
{
	return json_string_value(json_object_get(json_array_get(list, index), "name"));
}

static const char *name_for(void *owner, const char *kind, unsigned index)
{
	struct known *known = owner;
	json_t **list = NULL;
	const char *method = NULL, *member = NULL;

	if (!strcmp(kind, "CHANNEL")) {
		list = &known->channels;
		method = CONTROL_INTERFACE ".List";
		member = "channels";
	} else if (!strcmp(kind, "WIRE")) {
		list = &known->wires;
		method = CONTROL_INTERFACE ".ListWires";
		member = "wires";
	} else if (!strcmp(kind, "PORT")) {
		list = &known->ports;
		method = CONTROL_INTERFACE ".ListPorts";
		member = "ports";
	}
	if (!list)
		return NULL;
	if (!*list)
		*list = ask(known, method, member);
	return name_in(*list, index);
}

static void print(const struct completion_line *line, const char *word)
{
	AUTO_FREE char *quoted = completion_quote(line, word);

	if (quoted)
		printf("%s\n", quoted);
}

static const struct option_row *find_option(const struct option_row *options, const char *word)
{
	size_t length = word[1] == '-' ? strcspn(word + 2, "=") : 0;

	for (; options->name; options++) {
		if (length ? !strncmp(options->name, word + 2, length) && !options->name[length]
			   : options->letter == word[1])
			return options;
	}
	return NULL;
}

static void print_options(const struct completion_line *line, const struct option_row *options)
{
	const char *begun = line->words[line->count - 1];
	char word[64];

	for (; options->name; options++) {
		snprintf(word, sizeof(word), "--%s", options->name);
		if (!strncmp(word, begun, strlen(begun)))
			print(line, word);
	}
}

/*
 * Where the words of the command begin, behind the program's options; 0 when it is one of those
 * that is being written.
 */
static unsigned skip_options(const struct completion_line *line, const struct option_row *options,
	struct known *known)
{
	unsigned index = 1;

	while (index + 1 < line->count && *line->words[index] == '-') {
		const char *word = line->words[index++];
		const struct option_row *option = find_option(options, word);
		const char *value;

		if (!option)
			return 0;
		value = word[1] == '-' ? strchr(word, '=') : &word[2];
		if (value && *value == '=')
			value++;
		if (option->value && (!value || !*value) && index + 1 == line->count)
			return 0;
		if (option->value && (!value || !*value))
			value = line->words[index++];
		if (!strcmp(option->name, "runtime-dir"))
			known->directory = value;
	}
	return index;
}

void completion_print(const char *text, const struct option_row *options)
{
	struct known known = { .directory = NULL };
	struct command_names names = {
		.without = COMMAND_LOCAL,
		.name = name_for,
		.owner = &known,
	};
	struct completion_line line;
	const char *word;
	unsigned begin;

	if (!completion_read(&line, text))
		return;
	begin = skip_options(&line, options, &known);
	if (begin && begin + 1 == line.count && *line.words[begin] == '-')
		print_options(&line, options);
	else if (begin)
		for (unsigned i = 0; (word = command_complete(&names, line.words + begin, i)); i++)
			print(&line, word);
	json_decref(known.channels);
	json_decref(known.wires);
	json_decref(known.ports);
	free(line.text);
}

void completion_script(void)
{
	fputs("# Completion for muxd in bash; muxd itself knows what can stand where.\n"
	      "_muxd()\n"
	      "{\n"
	      "\tlocal word\n"
	      "\n"
	      "\tCOMPREPLY=()\n"
	      "\twhile IFS= read -r word; do\n"
	      "\t\tCOMPREPLY+=(\"$word\")\n"
	      "\tdone < <(\"${1/#\\~/$HOME}\" complete \"${COMP_LINE:0:COMP_POINT}\" 2>/dev/null)\n"
	      "\t[[ ${#COMPREPLY[@]} != 1 || $COMPREPLY != *= ]] || compopt -o nospace\n"
	      "}\n"
	      "complete -o default -F _muxd muxd\n",
		stdout);
}
