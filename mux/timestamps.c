/* Times in front of lines. */

#include "timestamps.h"

#include "compiler.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const struct {
	const char *name;
	unsigned width; /* of what stands in front of a line */
} kinds[] = {
	[TIMESTAMPS_OFF] = { "off", 0 },
	[TIMESTAMPS_LOCAL] = { "local", 26 },
	[TIMESTAMPS_UTC] = { "utc", 27 },
	[TIMESTAMPS_RELATIVE] = { "relative", 13 },
};

static size_t write_relative(uint64_t time_ms, uint64_t start_ms, char text[static TIMESTAMP_MAX])
{
	bool before = time_ms < start_ms;
	uint64_t distance = before ? start_ms - time_ms : time_ms - start_ms;

	return (size_t)snprintf(text, TIMESTAMP_MAX, "[%c%05llu.%03u] ", before ? '-' : '+',
		(unsigned long long)(distance / 1000), (unsigned)(distance % 1000));
}

static size_t write_unknown(enum timestamps how, char text[static TIMESTAMP_MAX])
{
	return (size_t)snprintf(text, TIMESTAMP_MAX, "%*s", (int)kinds[how].width, "");
}

size_t timestamp_write(enum timestamps how, uint64_t time_ms, uint64_t start_ms,
	char text[static TIMESTAMP_MAX])
{
	time_t seconds = (time_t)(time_ms / 1000);
	char date[TIMESTAMP_MAX / 2];
	struct tm broken_down;
	bool utc = how == TIMESTAMPS_UTC;

	if (how == TIMESTAMPS_OFF || !time_ms)
		return write_unknown(how, text);
	if (how == TIMESTAMPS_RELATIVE)
		return write_relative(time_ms, start_ms, text);
	if (!(utc ? gmtime_r(&seconds, &broken_down) : localtime_r(&seconds, &broken_down)) ||
		!strftime(date, sizeof(date), "%F %T", &broken_down))
		return write_unknown(how, text);
	return (size_t)snprintf(text, TIMESTAMP_MAX, "[%s.%03u%s] ", date,
		(unsigned)(time_ms % 1000), utc ? "Z" : "");
}

bool timestamps_read(const char *name, enum timestamps *how)
{
	*how = TIMESTAMPS_LOCAL;
	if (!strcmp(name, "on"))
		return true;
	for (unsigned i = 0; i < TIMESTAMPS_COUNT; i++) {
		*how = (enum timestamps)i;
		if (!strcmp(name, kinds[i].name))
			return true;
	}
	return false;
}

const char *timestamps_name(enum timestamps how)
{
	return kinds[how].name;
}

uint64_t timestamp_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}
