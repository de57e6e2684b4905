/* The time in front of a log's line. */

#include "log_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static size_t write_zone(long offset, char *text, size_t size)
{
	unsigned minutes = (unsigned)labs(offset) / 60;

	return (size_t)snprintf(text, size, "%c%02u:%02u", offset < 0 ? '-' : '+',
		minutes / 60 % 100, minutes % 60);
}

size_t log_line_time(enum log_times times, uint64_t time_ms, char text[LOG_LINE_TIME_MAX])
{
	time_t seconds = (time_t)(time_ms / 1000);
	struct tm broken_down = { 0 };
	size_t length;

	if (times == LOG_TIMES_OFF)
		return 0;
	if (times == LOG_TIMES_LOCAL)
		localtime_r(&seconds, &broken_down);
	else
		gmtime_r(&seconds, &broken_down);
	length = strftime(text, LOG_LINE_TIME_MAX, "%Y-%m-%dT%H:%M:%S", &broken_down);
	length += (size_t)snprintf(text + length, LOG_LINE_TIME_MAX - length, ".%03u",
		(unsigned)(time_ms % 1000));
	if (times == LOG_TIMES_LOCAL)
		length += write_zone(broken_down.tm_gmtoff, text + length,
			LOG_LINE_TIME_MAX - length);
	else
		text[length++] = 'Z';
	text[length++] = ' ';
	if (!time_ms)
		memset(text, ' ', length);
	return length;
}
