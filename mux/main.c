/* muxd: the consoles of guests. Options and words. */

#include "child_process.h"
#include "client.h"
#include "command.h"
#include "completion.h"
#include "follower.h"
#include "history.h"
#include "keys.h"
#include "log.h"
#include "mux_config.h"
#include "server.h"
#include "units.h"
#include "viewer.h"
#include "worker.h"

#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct arguments {
	struct server_options server;
	const char *runtime_dir;
	const char *config_path; /* NULL: none */
	struct mux_config config; /* as that file has it */
	char control_path[PATH_MAX + 16]; /* of a running muxd */
	bool read_only;
	bool take;
	char *autoconnect[MUX_CONFIG_AUTOCONNECT_MAX + 1];
	unsigned autoconnect_count;
	bool keys_told;
	bool help;
	bool version;
};

/* Each sets one thing; false if the value makes no sense. */
static bool set_runtime_dir(struct arguments *arguments, const char *value)
{
	arguments->runtime_dir = value;
	return *value;
}

static bool set_config(struct arguments *arguments, const char *value)
{
	arguments->config_path = value;
	return *value;
}

static bool set_name(struct arguments *arguments, const char *value)
{
	arguments->server.mux.prompt = value;
	return *value && strlen(value) <= 23;
}

static bool set_show_all(struct arguments *arguments, const char *value)
{
	(void)value;
	arguments->server.mux.show_all = true;
	return true;
}

static bool set_hide_all(struct arguments *arguments, const char *value)
{
	(void)value;
	arguments->server.mux.show_all = false;
	return true;
}

static bool set_keep(struct arguments *arguments, const char *value)
{
	(void)value;
	arguments->server.mux.keep = true;
	return true;
}

static bool set_timestamp(struct arguments *arguments, const char *value)
{
	(void)value;
	arguments->server.mux.timestamps = TIMESTAMPS_LOCAL;
	return true;
}

static bool set_history_size(struct arguments *arguments, const char *value)
{
	uint64_t size;

	if (!units_read_size(value, strlen(value), &size) || size < HISTORY_SIZE_LEAST ||
		size > HISTORY_SIZE_MOST)
		return false;
	arguments->server.mux.history_size = (size_t)size;
	return true;
}

static bool set_escape(struct arguments *arguments, const char *value)
{
	return keys_parse(value, &arguments->server.escape);
}

static bool set_keys(struct arguments *arguments, const char *value)
{
	arguments->keys_told = true;
	return keys_parse_mode(value, &arguments->server.keys);
}

static bool set_autoconnect(struct arguments *arguments, const char *value)
{
	if (arguments->autoconnect_count == MUX_CONFIG_AUTOCONNECT_MAX)
		return false;
	arguments->autoconnect[arguments->autoconnect_count++] = (char *)(uintptr_t)value;
	return *value;
}

static bool set_read_only(struct arguments *arguments, const char *value)
{
	(void)value;
	arguments->read_only = true;
	return true;
}

static bool set_take(struct arguments *arguments, const char *value)
{
	(void)value;
	arguments->take = true;
	return true;
}

static bool set_log_level(struct arguments *arguments, const char *value)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };

	(void)arguments;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(value, names[i])) {
			log_set_level((enum log_level)i);
			return true;
		}
	}
	return false;
}

static bool set_verbose(struct arguments *arguments, const char *value)
{
	(void)value;
	return set_log_level(arguments, "debug");
}

static bool set_quiet(struct arguments *arguments, const char *value)
{
	(void)value;
	return set_log_level(arguments, "warning");
}

static bool set_help(struct arguments *arguments, const char *value)
{
	(void)value;
	arguments->help = true;
	return true;
}

static bool set_version(struct arguments *arguments, const char *value)
{
	(void)value;
	arguments->version = true;
	return true;
}

static const struct option_row options[] = {
	{ 'r', "runtime-dir", "DIR", "where the sockets are", set_runtime_dir },
	{ 'c', "autoconnect", "NAME", "connect whenever this guest comes", set_autoconnect },
	{ 'C', "config", "FILE", "wires, logs, ptys and more; without it, cable0", set_config },
	{ 'n', "name", "NAME", "name of the prompt, cons if not told", set_name },
	{ 'a', "show-all", NULL, "new channels are shown (as they are anyway)", set_show_all },
	{ 'H', "hide-all", NULL, "new channels are hidden", set_hide_all },
	{ 'k', "keep", NULL, "never drop a channel whose guest is gone", set_keep },
	{ 't', "timestamp", NULL, "new channels show the times of lines", set_timestamp },
	{ 'B', "bufsize", "SIZE", "history of a new channel, 256K if not told", set_history_size },
	{ 'e', "escape", "KEY", "the escape key: Ctrl-E, ^T, @, none", set_escape },
	{ 'K', "keys", "MODE", "cons, or as libvmm (@) or sddf (Ctrl-\\)", set_keys },
	{ 'R', "read-only", NULL, "attach: nothing typed reaches a guest", set_read_only },
	{ 'T', "take", NULL, "attach: type, without asking who does now", set_take },
	{ 'l', "log-level", "LEVEL", "error, warning, info or debug", set_log_level },
	{ 'v', "verbose", NULL, "the same as --log-level debug", set_verbose },
	{ 'q', "quiet", NULL, "the same as --log-level warning", set_quiet },
	{ 'h', "help", NULL, "print this", set_help },
	{ 'V', "version", NULL, "print the version", set_version },
	{ 0, NULL, NULL, NULL, NULL },
};

#define OPTION_COUNT (ARRAY_SIZE(options) - 1)

static void print_help(void)
{
	printf("usage: muxd [OPTION ...]                   serve; on a terminal, be its prompt\n"
	       "       muxd [OPTION ...] attach console    attach this terminal to the prompt\n"
	       "       muxd [OPTION ...] attach GUEST      and connect to a guest at once\n"
	       "       muxd [OPTION ...] COMMAND ...       any command of the prompt: muxd help\n\n");
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		char words[40];

		snprintf(words, sizeof(words), "-%c, --%s %s", options[i].letter, options[i].name,
			options[i].value ? options[i].value : "");
		printf("  %-24s %s\n", words, options[i].help);
	}
}

/* Takes off the first word and the options behind it; false after saying what is wrong. */
static bool parse_options(struct arguments *arguments, int *count, char ***words, bool among_words)
{
	struct option rows[OPTION_COUNT + 1] = { { 0 } };
	char letters[2 * OPTION_COUNT + 2] = "+";
	char *next = letters + 1;
	int letter;

	for (size_t i = 0; i < OPTION_COUNT; i++) {
		rows[i] = (struct option){
			.name = options[i].name,
			.has_arg = options[i].value ? required_argument : no_argument,
			.val = options[i].letter,
		};
		*next++ = options[i].letter;
		if (options[i].value)
			*next++ = ':';
	}
	optind = 0;
	while ((letter = getopt_long(*count, *words, letters + among_words, rows, NULL)) >= 0) {
		size_t i = 0;

		while (i < OPTION_COUNT && options[i].letter != letter)
			i++;
		if (i == OPTION_COUNT)
			return false; /* getopt_long() has said it */
		if (!options[i].set(arguments, optarg ? optarg : "")) {
			log_error("muxd: --%s: \"%s\" makes no sense", options[i].name, optarg);
			return false;
		}
	}
	*count -= optind;
	*words += optind;
	return true;
}

/* Is it a viewer's command? Its options may stand among its words. */
static bool is_attach(int count, char *const *words)
{
	const struct command *command = count ? command_find(words[0]) : NULL;

	return count &&
		(!strcmp(words[0], "attach") || !strcmp(words[0], "broadcast") ||
			(count == 2 && command && !strcmp(command->name, "connect")));
}

/* What the options leave open. 0, or a status after a line that says what is wrong. */
static int read_config(struct arguments *arguments)
{
	struct mux_config *config = &arguments->config;
	const struct config_words *autoconnect = &config->console.autoconnect;
	struct config_error error = { "muxd: out of memory" };
	struct server_options *server = &arguments->server;
	int result = arguments->config_path
		? mux_config_load(config, arguments->config_path, &error)
		: mux_config_default(config);

	if (result) {
		log_error("%s", error.text);
		return 2;
	}
	if (!server->mux.prompt)
		server->mux.prompt = config->console.prompt;
	if (!server->mux.timestamps)
		server->mux.timestamps = (enum timestamps)config->console.timestamps;
	if (!server->escape)
		server->escape = config->console.escape;
	if (!arguments->keys_told)
		server->keys = (enum keys_mode)config->console.keys;
	for (size_t i = 0; i < autoconnect->count; i++)
		set_autoconnect(arguments, autoconnect->items[i]);
	return 0;
}

static int attach(struct arguments *arguments, int count, char **words, bool broadcasts)
{
	int status = read_config(arguments);
	const struct viewer_options viewer = {
		.control_path = arguments->control_path,
		.what = count && !broadcasts ? words[0] : "console",
		.broadcast = broadcasts ? words : NULL,
		.autoconnect = arguments->autoconnect,
		.read_only = arguments->read_only,
		.take = arguments->take,
		.escape = arguments->server.escape,
		.keys = arguments->server.keys,
	};

	if (count > 1 && !broadcasts) {
		log_error("muxd: too many words: attach console|GUEST");
		status = 2;
	}
	if (!status)
		status = viewer_main(&viewer);
	mux_config_destroy(&arguments->config);
	return status;
}

static int tell(const struct arguments *arguments)
{
	if (arguments->help)
		print_help();
	else
		printf("muxd %s\n", PROJECT_VERSION);
	return fflush(stdout) ? 1 : 0;
}

static bool find_directory(struct arguments *arguments)
{
	struct runtime_dir *directory = &arguments->server.directory;
	int error = runtime_dir_find(directory, arguments->runtime_dir);

	if (error)
		log_error("muxd: no runtime directory (set XDG_RUNTIME_DIR or --runtime-dir): %s",
			strerror(-error));
	else
		snprintf(arguments->control_path, sizeof(arguments->control_path),
			"%s/control.sock", directory->mux);
	return !error;
}

static int serve(struct arguments *arguments)
{
	struct mux_config *config = &arguments->config;
	int status = read_config(arguments);

	arguments->server.config = config;
	if (!arguments->server.mux.history_size)
		arguments->server.mux.history_size = config->history_size;
	arguments->server.mux.history_total = config->history_total;
	arguments->server.autoconnect = arguments->autoconnect;
	arguments->server.viewer = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	if (!status)
		status = server_run(&arguments->server);
	mux_config_destroy(config);
	return status;
}

int main(int count, char **words)
{
	static struct arguments arguments = {
		.server.mux = {
			.show_all = true,
		},
	};
	bool attaches, broadcasts;

	if (count == 2 && !strcmp(words[1], FOLLOWER_WORD))
		return follower_main(CHILD_PROCESS_FD);
	if (count == 2 && !strcmp(words[1], WORKER_WORD))
		return worker_main(WORKER_CONTROL_FD);
	signal(SIGCHLD, SIG_DFL); /* ignored by whoever started us, it would never come */
	setlocale(LC_CTYPE, "C.UTF-8"); /* of guests; a viewer has its terminal's */
	log_init(LOG_INFO);
	if (!parse_options(&arguments, &count, &words, false))
		return 2;
	attaches = is_attach(count, words);
	broadcasts = attaches && !strcmp(words[0], "broadcast");
	if (attaches && !parse_options(&arguments, &count, &words, true))
		return 2;
	if (arguments.help || arguments.version)
		return tell(&arguments);
	if (count == 2 && !strcmp(words[0], "complete")) {
		completion_print(words[1], options);
		return 0;
	}
	if (!find_directory(&arguments))
		return 2;
	if (attaches)
		return attach(&arguments, count, words, broadcasts);
	if (count)
		return client_run(arguments.control_path, words);
	return serve(&arguments);
}
