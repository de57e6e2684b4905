/* Log lines on stderr. */

#include "log.h"

#include "monotonic.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAX_LENGTH 1024
#define LIMIT_WINDOW_MS 1000
#define LIMIT_LINES 10

static _Atomic enum log_level threshold = LOG_INFO; /* mutable: one stderr a process, one level */
static bool to_journal; /* mutable: written once, by log_init() */

/* systemd says in JOURNAL_STREAM which file the journal gave us; stderr may be another by now. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat status;
	char ours[64];

	if (!stream || fstat(STDERR_FILENO, &status))
		return false;
	snprintf(ours, sizeof(ours), "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
	return !strcmp(stream, ours);
}

void log_init(enum log_level level)
{
	to_journal = stderr_is_journal();
	threshold = level;
}

void log_set_level(enum log_level level)
{
	threshold = level;
}

/* Names and texts of others get into log lines: no byte of them may end the line or act on it. */
static void make_printable(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

static void write_line(enum log_level of, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));

static void write_line(enum log_level of, const char *format, va_list arguments)
{
	static const char priority[] = { [LOG_ERROR] = '3',
		[LOG_WARNING] = '4',
		[LOG_INFO] = '6',
		[LOG_DEBUG] = '7' };
	char line[LINE_MAX_LENGTH];
	int saved = errno;
	size_t begin = 0, length;

	if (of > threshold)
		return;
	if (to_journal)
		begin = (size_t)snprintf(line, sizeof(line), "<%c>", priority[of]);
	errno = saved; /* for %m */
	vsnprintf(line + begin, sizeof(line) - begin, format, arguments);
	make_printable(line + begin);
	length = strlen(line);
	line[length] = '\n'; /* in the place of the terminating NUL */
	while (write(STDERR_FILENO, line, length + 1) < 0 && errno == EINTR)
		;
	errno = saved;
}

#define DEFINE_LOG(name, of) \
	void name(const char *format, ...) \
	{ \
		va_list arguments; \
\
		va_start(arguments, format); \
		write_line(of, format, arguments); \
		va_end(arguments); \
	}

DEFINE_LOG(log_error, LOG_ERROR)
DEFINE_LOG(log_warning, LOG_WARNING)
DEFINE_LOG(log_info, LOG_INFO)
DEFINE_LOG(log_debug, LOG_DEBUG)

void log_limited(struct log_limit *limit, const char *format, ...)
{
	int saved = errno;
	uint64_t now = monotonic_ms();
	va_list arguments;

	if (!limit->in_window || now - limit->window_start_ms >= LIMIT_WINDOW_MS) {
		if (limit->suppressed)
			log_warning("%u similar lines left out", limit->suppressed);
		*limit = (struct log_limit){ .window_start_ms = now };
	}
	if (limit->in_window == LIMIT_LINES) {
		limit->suppressed++;
		return;
	}
	limit->in_window++;
	errno = saved;
	va_start(arguments, format);
	write_line(LOG_WARNING, format, arguments);
	va_end(arguments);
}
