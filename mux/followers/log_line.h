#ifndef LOG_LINE_H
#define LOG_LINE_H

#include <stddef.h>
#include <stdint.h>

enum log_times {
	LOG_TIMES_OFF,
	LOG_TIMES_LOCAL,
	LOG_TIMES_UTC,
};
#define LOG_TIMES_CHOICES "off local utc " /* in that order */

#define LOG_LINE_TIME_MAX 40

/*
 * What stands in front of a line: its time as of RFC 3339 and a blank, or blanks in its place if
 * time_ms is 0, or nothing. The length.
 */
size_t log_line_time(enum log_times times, uint64_t time_ms, char text[LOG_LINE_TIME_MAX]);

#endif
