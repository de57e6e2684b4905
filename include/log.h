#ifndef LOG_H
#define LOG_H

#include "compiler.h"

#include <stdint.h>

/*
 * One line a message, on stderr, subject first ("net0: ..."), without timestamps; with a
 * "<n>" priority prefix when stderr is the journal. Callable from any thread; a line is one write.
 */
enum log_level {
	LOG_ERROR,
	LOG_WARNING,
	LOG_INFO,
	LOG_DEBUG
};

void log_init(enum log_level level); /* once, before the first thread */
void log_set_level(enum log_level level);
void log_error(const char *format, ...) PRINTF_LIKE(1, 2);
void log_warning(const char *format, ...) PRINTF_LIKE(1, 2);
void log_info(const char *format, ...) PRINTF_LIKE(1, 2);
void log_debug(const char *format, ...) PRINTF_LIKE(1, 2);

/* What a guest or a peer can trigger: at most 10 lines a second a subject, then a count. */
struct log_limit {
	uint64_t window_start_ms;
	unsigned in_window;
	unsigned suppressed;
};
void log_limited(struct log_limit *limit, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
