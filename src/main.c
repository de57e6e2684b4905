/* vmm's command line. */

#include "client.h"
#include "compiler.h"
#include "config.h"
#include "exit_status.h"
#include "guest.h"
#include "log.h"
#include "runtime_dir.h"

#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTINGS 64
#define SEE_HELP "; `vmm --help` lists them"

struct options {
	const char *config;
	const char *settings[SETTINGS];
	size_t setting_count;
	const char *runtime_dir;
	enum log_level level;
	bool json;
	bool wait;
};

/* set returns false when the argument makes no sense. */
struct option_row {
	const char *name;
	char letter;
	const char *argument; /* its name in the help, or NULL */
	const char *help;
	bool (*set)(struct options *options, const char *argument);
};

struct command {
	const char *name;
	const char *argument;
	const char *help;
	/* Of the two, one: what to do here, or what to ask the guest's process. */
	enum exit_status (*run)(const struct options *options, const char *argument);
	enum exit_status (*ask)(const struct client_request *request);
};

static bool set_config(struct options *options, const char *argument)
{
	options->config = argument;
	return true;
}

static bool add_setting(struct options *options, const char *argument)
{
	if (options->setting_count == SETTINGS)
		return false;
	options->settings[options->setting_count++] = argument;
	return true;
}

static bool set_runtime_dir(struct options *options, const char *argument)
{
	options->runtime_dir = argument;
	return argument[0] != '\0';
}

static bool set_level(struct options *options, const char *argument)
{
	static const char *const names[] = {
		[LOG_ERROR] = "error",
		[LOG_WARNING] = "warning",
		[LOG_INFO] = "info",
		[LOG_DEBUG] = "debug",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i], argument) == 0) {
			options->level = (enum log_level)i;
			return true;
		}
	return false;
}

static bool set_verbose(struct options *options, const char *argument)
{
	(void)argument;
	options->level = LOG_DEBUG;
	return true;
}

static bool set_quiet(struct options *options, const char *argument)
{
	(void)argument;
	options->level = LOG_WARNING;
	return true;
}

static bool set_json(struct options *options, const char *argument)
{
	(void)argument;
	options->json = true;
	return true;
}

static bool set_wait(struct options *options, const char *argument)
{
	(void)argument;
	options->wait = true;
	return true;
}

static bool show_help(struct options *options, const char *argument);
static bool show_version(struct options *options, const char *argument);

static const struct option_row option_rows[] = {
	{ "config", 'c', "FILE", "run the guest that FILE describes", set_config },
	{ "set", 's', "KEY=VALUE", "override a key of FILE, such as machine.vcpus=2", add_setting },
	{ "runtime-dir", 'r', "DIR", "where the sockets are", set_runtime_dir },
	{ "log-level", 'l', "LEVEL", "error, warning, info or debug", set_level },
	{ "verbose", 'v', NULL, "the same as --log-level debug", set_verbose },
	{ "quiet", 'q', NULL, "the same as --log-level warning", set_quiet },
	{ "json", 'j', NULL, "status: as data", set_json },
	{ "wait", 'w', NULL, "stop: until the guest is off", set_wait },
	{ "help", 'h', NULL, "show this", show_help },
	{ "version", 'V', NULL, "show the version", show_version },
};

static bool find_runtime_dir(const struct options *options, struct runtime_dir *dir)
{
	int result = runtime_dir_find(dir, options->runtime_dir);

	if (result == -ENOENT)
		log_error("no runtime directory: set XDG_RUNTIME_DIR or use --runtime-dir");
	else if (result < 0)
		log_error("runtime directory: %s", strerror(-result));
	return result == 0;
}

static bool load(const struct options *options, const char *path, struct vmm_config *config)
{
	struct config_error error;

	if (config_load(config, path, options->settings, options->setting_count, &error) == 0)
		return true;
	log_error("%s", error.text);
	return false;
}

static enum exit_status check(const struct options *options, const char *argument)
{
	struct vmm_config config = { .vcpus = 0 };
	bool good = load(options, argument, &config);

	if (good)
		log_info("%s: %s is fine", config.name, argument);
	config_destroy(&config);
	return good ? EXIT_POWERED_OFF : EXIT_OPERATOR_ERROR;
}

static enum exit_status run(const struct options *options)
{
	struct vmm_config config = { .vcpus = 0 };
	struct runtime_dir *dir = malloc(sizeof(*dir));
	enum exit_status status = EXIT_OPERATOR_ERROR;

	if (dir && load(options, options->config, &config) && find_runtime_dir(options, dir))
		status = guest_run(&config, dir);
	config_destroy(&config);
	free(dir);
	return status;
}

static enum exit_status ask(const struct options *options, const char *guest,
	enum exit_status (*question)(const struct client_request *request))
{
	struct runtime_dir *dir = malloc(sizeof(*dir));
	enum exit_status status = EXIT_OPERATOR_ERROR;

	if (dir && find_runtime_dir(options, dir))
		status = question(&(struct client_request){
			.guest = guest,
			.dir = dir,
			.json = options->json,
			.wait = options->wait,
		});
	free(dir);
	return status;
}

static const struct command commands[] = {
	{ "check", "FILE", "say whether FILE describes a guest", check, NULL },
	{ "status", "GUEST", "show what a running guest does", NULL, client_status },
	{ "stop", "GUEST", "press its power button; force it off after its stop_timeout", NULL,
		client_stop },
	{ "kill", "GUEST", "power it off at once", NULL, client_kill },
	{ "reset", "GUEST", "start it anew", NULL, client_reset },
	{ "pause", "GUEST", "halt its vCPUs", NULL, client_pause },
	{ "resume", "GUEST", "let them run again", NULL, client_resume },
};

static bool show_help(struct options *options, const char *argument)
{
	(void)options;
	(void)argument;
	printf("usage: vmm --config FILE [--set KEY=VALUE ...]\n"
	       "       vmm COMMAND GUEST|FILE\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  %-8s%-23s %s\n", commands[i].name, commands[i].argument,
			commands[i].help);
	putchar('\n');
	for (size_t i = 0; i < ARRAY_SIZE(option_rows); i++) {
		const struct option_row *row = &option_rows[i];
		char name[40];

		snprintf(name, sizeof(name), "--%s %s", row->name,
			row->argument ? row->argument : "");
		printf("  -%c, %-26s %s\n", row->letter, name, row->help);
	}
	printf("\nThe manual is vmm(8), the guest's file is described in vmm.toml(5).\n");
	exit(fflush(stdout) == 0 ? EXIT_POWERED_OFF : EXIT_HOST_FAILURE);
}

static bool show_version(struct options *options, const char *argument)
{
	(void)options;
	(void)argument;
	puts("vmm " PROJECT_VERSION);
	exit(fflush(stdout) == 0 ? EXIT_POWERED_OFF : EXIT_HOST_FAILURE);
}

static const struct option_row *row_of(int letter)
{
	for (size_t i = 0; i < ARRAY_SIZE(option_rows); i++)
		if (option_rows[i].letter == letter)
			return &option_rows[i];
	return NULL;
}

/* What getopt_long() wants: made of the table. */
static void describe(struct option *options, char *letters)
{
	for (size_t i = 0; i < ARRAY_SIZE(option_rows); i++) {
		const struct option_row *row = &option_rows[i];

		options[i] = (struct option){
			.name = row->name,
			.has_arg = row->argument ? required_argument : no_argument,
			.val = row->letter,
		};
		*letters++ = row->letter;
		if (row->argument)
			*letters++ = ':';
	}
	options[ARRAY_SIZE(option_rows)] = (struct option){ .name = NULL };
	*letters = '\0';
}

static bool parse(struct options *options, int argc, char **argv)
{
	struct option table[ARRAY_SIZE(option_rows) + 1];
	char letters[2 * ARRAY_SIZE(option_rows) + 1];
	int letter;

	opterr = 0;
	describe(table, letters);
	for (;;) {
		letter = getopt_long(argc, argv, letters, table, NULL);
		if (letter == -1)
			return true;

		const struct option_row *row = row_of(letter);

		if (!row) {
			log_error("vmm: %s: no such option, or no argument" SEE_HELP,
				argv[optind - 1]);
			return false;
		}
		if (!row->set(options, optarg)) {
			log_error("vmm: --%s %s: not understood" SEE_HELP, row->name, optarg);
			return false;
		}
	}
}

static enum exit_status dispatch(const struct options *options, int count, char **arguments)
{
	if (count == 0 && options->config)
		return run(options);
	if (count == 0) {
		log_error("vmm: which guest? vmm --config FILE" SEE_HELP);
		return EXIT_OPERATOR_ERROR;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(commands[i].name, arguments[0]) != 0)
			continue;
		if (count == 2 && commands[i].run)
			return commands[i].run(options, arguments[1]);
		if (count == 2)
			return ask(options, arguments[1], commands[i].ask);
		log_error("vmm: usage: vmm %s %s", commands[i].name, commands[i].argument);
		return EXIT_OPERATOR_ERROR;
	}
	log_error("vmm: no command \"%s\"" SEE_HELP, arguments[0]);
	return EXIT_OPERATOR_ERROR;
}

int main(int argc, char **argv)
{
	struct options options = { .level = LOG_INFO };

	mallopt(M_ARENA_MAX, 1); /* vCPU threads allocate next to nothing */
	log_init(options.level);
	if (!parse(&options, argc, argv))
		return EXIT_OPERATOR_ERROR;
	log_set_level(options.level);
	return (int)dispatch(&options, argc - optind, argv + optind);
}
