/* The words of a command: sorted into options and others, checked by its row, completed. */

#include "command.h"
#include "suggest.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* A place in command.words or option.value: what can stand there, separated by bars. */
struct place {
	const char *begin;
	size_t length;
};

/* The place of the index-th word behind the name; empty if nothing is said of it. */
static struct place place_of(const char *words, unsigned index)
{
	struct place place = { words, strcspn(words, " ") };

	while (index && place.begin[place.length]) {
		place.begin += place.length + 1;
		place.length = strcspn(place.begin, " ");
		index--;
	}
	if (place.length > 3 && !memcmp(place.begin + place.length - 3, "...", 3))
		place.length -= 3;
	else if (index)
		place.length = 0;
	return place;
}

static bool is_text(struct place place)
{
	return place.length == 4 && !memcmp(place.begin, "TEXT", 4);
}

/* What is being sorted. */
struct sorting {
	const struct command *command;
	struct command_words *sorted;
	char *const *next; /* word */
	bool all_plain; /* behind "--" */
	const struct command_option *incomplete; /* the last word, without its value */
	char *message;
	size_t message_size;
};

static const struct command_option *find_option(const struct command *command, const char *name,
	size_t length)
{
	const struct command_option *option = command->options;

	for (; option && option->name; option++) {
		if (strlen(option->name) == length && !memcmp(option->name, name, length))
			return option;
	}
	return NULL;
}

static bool wrong_option(struct sorting *sorting, const char *word, size_t length)
{
	const struct command_option *option = sorting->command->options;
	struct suggestion suggestion;

	suggest_init(&suggestion, word, length);
	for (; length > 2 && option && option->name; option++)
		suggest_consider(&suggestion, option->name);
	if (suggestion.nearest)
		snprintf(sorting->message, sorting->message_size,
			"%s: unknown option %.*s: did you mean %s?", sorting->command->name,
			(int)length, word, suggestion.nearest);
	else
		snprintf(sorting->message, sorting->message_size,
			"%s: unknown option %.*s: try help %s", sorting->command->name, (int)length,
			word, sorting->command->name);
	return false;
}

static bool say(struct sorting *sorting, const struct command_option *option, const char *problem)
{
	snprintf(sorting->message, sorting->message_size, "%s: %s %s", sorting->command->name,
		option->name, problem);
	return false;
}

/* Value: NULL if none is written together with the option. */
static bool add_option(struct sorting *sorting, const struct command_option *option,
	const char *value)
{
	struct command_words *sorted = sorting->sorted;

	if (!option->value && value)
		return say(sorting, option, "takes no value");
	if (option->value && !value)
		value = *sorting->next ? *sorting->next++ : NULL;
	if (option->value && !value) {
		sorting->incomplete = option;
		return say(sorting, option, "needs a value");
	}
	if (sorted->option_count == COMMAND_OPTIONS_MAX)
		return say(sorting, option, "is one option too many");
	sorted->options[sorted->option_count].option = option;
	sorted->options[sorted->option_count++].value = value ? value : "";
	return true;
}

/* "--timeout=5" */
static bool add_long_option(struct sorting *sorting, const char *word)
{
	size_t length = strcspn(word, "=");
	const struct command_option *option = find_option(sorting->command, word, length);

	if (!option)
		return wrong_option(sorting, word, length);
	return add_option(sorting, option, word[length] ? word + length + 1 : NULL);
}

/* "-nA3" */
static bool add_letters(struct sorting *sorting, const char *word)
{
	while (*++word) {
		char name[] = { '-', *word, '\0' };
		const struct command_option *option = find_option(sorting->command, name, 2);

		if (!option)
			return wrong_option(sorting, name, 2);
		if (option->value)
			return add_option(sorting, option, word[1] ? word + 1 : NULL);
		if (!add_option(sorting, option, NULL))
			return false;
	}
	return true;
}

static bool add_plain(struct sorting *sorting, char *word)
{
	struct command_words *sorted = sorting->sorted;

	if (sorted->plain_count > COMMAND_WORDS_MAX) {
		snprintf(sorting->message, sorting->message_size, "too many words");
		return false;
	}
	sorted->plain[sorted->plain_count++] = word;
	sorted->plain[sorted->plain_count] = NULL;
	return true;
}

static bool add_word(struct sorting *sorting, char *word)
{
	unsigned index = sorting->sorted->plain_count - 1;

	if (is_text(place_of(sorting->command->words, index)))
		sorting->all_plain = true;
	if (sorting->all_plain || word[0] != '-' || !word[1])
		return add_plain(sorting, word);
	if (word[1] != '-')
		return add_letters(sorting, word);
	if (word[2])
		return add_long_option(sorting, word);
	sorting->all_plain = true;
	return true;
}

/* False after the first word that cannot be. */
static bool sort(struct sorting *sorting, char *const *words)
{
	struct command_words *sorted = sorting->sorted;
	bool well = true;

	sorted->plain_count = 0;
	sorted->option_count = 0;
	add_plain(sorting, *words);
	sorting->next = words + 1;
	while (well && *sorting->next)
		well = add_word(sorting, *sorting->next++);
	return well;
}

static void unknown(const char *word, char *message, size_t message_size)
{
	struct suggestion suggestion;

	suggest_init(&suggestion, word, strlen(word));
	for (size_t i = 0; i < command_count; i++) {
		if (!(command_table[i].flags & COMMAND_HIDDEN))
			suggest_consider(&suggestion, command_table[i].name);
	}
	if (suggestion.nearest)
		snprintf(message, message_size, "unknown command %s: did you mean %s?", word,
			suggestion.nearest);
	else
		snprintf(message, message_size, "unknown command %s: try help", word);
}

bool command_sort(char *const *words, const struct command **command, struct command_words *sorted,
	char *message, size_t message_size)
{
	struct sorting sorting = {
		.sorted = sorted,
		.message = message,
		.message_size = message_size,
	};
	unsigned count;

	if (!words[0]) {
		snprintf(message, message_size, "no command: try help");
		return false;
	}
	*command = sorting.command = command_find(words[0]);
	if (!*command) {
		unknown(words[0], message, message_size);
		return false;
	}
	if (!sort(&sorting, words))
		return false;
	count = sorted->plain_count - 1;
	if (count >= (*command)->least && count <= (*command)->most)
		return true;
	snprintf(message, message_size, "too %s words: %s%s%s",
		count < (*command)->least ? "few" : "many", (*command)->name,
		*(*command)->arguments ? " " : "", (*command)->arguments);
	return false;
}

bool command_check(char *const *words, const struct command **command, char *message,
	size_t message_size)
{
	struct command_words sorted;

	return command_sort(words, command, &sorted, message, message_size);
}

const char *command_option(const struct command_call *call, const char *name)
{
	const struct command_words *words = call->words;
	const char *value = NULL;

	for (unsigned i = 0; words && i < words->option_count; i++) {
		if (!strcmp(words->options[i].option->name, name))
			value = words->options[i].value;
	}
	return value;
}

/* What is being looked for. */
struct completion {
	struct command_names *names;
	const char *begun;
	unsigned index; /* matches still to be passed over */
};

static bool fits(struct completion *completion, const char *word)
{
	return !strncmp(word, completion->begun, strlen(completion->begun)) && !completion->index--;
}

static const char *complete_command(struct completion *completion)
{
	unsigned without = completion->names->without | COMMAND_HIDDEN;

	for (size_t i = 0; i < command_count; i++) {
		const struct command *command = &command_table[i];

		if (!(command->flags & without) && fits(completion, command->name))
			return command->name;
	}
	return NULL;
}

static const char *complete_option(struct completion *completion, const struct command *command)
{
	const struct command_option *option = command->options;

	for (; option && option->name; option++) {
		if (fits(completion, option->name))
			return option->name;
	}
	return NULL;
}

static const char *complete_kind(struct completion *completion, const char *kind)
{
	struct command_names *names = completion->names;
	const char *name;

	if (*kind < 'A' || *kind > 'Z')
		return fits(completion, kind) ? kind : NULL;
	if (!strcmp(kind, "COMMAND"))
		return complete_command(completion);
	for (unsigned i = 0; (name = names->name(names->owner, kind, i)); i++) {
		if (fits(completion, name))
			return name;
	}
	return NULL;
}

static const char *complete_place(struct completion *completion, struct place place)
{
	const char *end = place.begin + place.length;

	while (place.begin < end) {
		size_t length = strcspn(place.begin, "| ");
		char *kind = completion->names->word;
		const char *found;

		if (length > (size_t)(end - place.begin))
			length = (size_t)(end - place.begin);
		snprintf(kind, sizeof(completion->names->word), "%.*s", (int)length, place.begin);
		found = complete_kind(completion, kind);
		if (found)
			return found;
		place.begin += length + 1;
	}
	return NULL;
}

/* Where the last word stands, behind the others. */
static const char *complete_behind(struct completion *completion, char *const *words)
{
	char message[64];
	struct command_words sorted;
	struct sorting sorting = {
		.command = command_find(words[0]),
		.sorted = &sorted,
		.message = message,
		.message_size = sizeof(message),
	};
	struct place place;

	if (!sorting.command)
		return NULL;
	if (!sort(&sorting, words) && !sorting.incomplete)
		return NULL;
	if (sorting.incomplete) {
		place = place_of(sorting.incomplete->value, 0);
		return complete_place(completion, place);
	}
	place = place_of(sorting.command->words, sorted.plain_count - 1);
	if (*completion->begun == '-' && !sorting.all_plain && !is_text(place))
		return complete_option(completion, sorting.command);
	return complete_place(completion, place);
}

const char *command_complete(struct command_names *names, char *const *words, unsigned index)
{
	char *before[COMMAND_WORDS_MAX + 1];
	struct completion completion = { .names = names, .index = index };
	unsigned count = 0;

	while (words[count] && words[count + 1] && count < COMMAND_WORDS_MAX) {
		before[count] = words[count];
		count++;
	}
	before[count] = NULL;
	completion.begun = words[count];
	if (!completion.begun || (words[count] && words[count + 1]))
		return NULL;
	return count ? complete_behind(&completion, before) : complete_command(&completion);
}
