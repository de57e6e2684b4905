/* The bytes and the record of one channel, in a file that outlives muxd. */

#include "history.h"

#include "fd.h"
#include "log.h"
#include "timestamps.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define HISTORY_MAGIC 0x79726f7473696878ULL
#define HISTORY_VERSION 2
#define HISTORY_HEADER 4096
#define RING_GRAIN 4096
#define RING_MOST ((size_t)HISTORY_SIZE_MOST + HISTORY_PIECE)
#define CHOICE_MOST 2 /* enum channel_choice */
#define STATE_MOST CONSOLE_STATE_COUNT /* one more than the guest's own: gone */
#define MARKS_PART (HISTORY_BYTES_PER_MARK / sizeof(struct history_mark)) /* of the ring's size */

struct history_slot {
	struct history_record record;
	uint64_t checksum;
};

struct history_file {
	uint64_t magic;
	uint32_t version;
	uint32_t record_size;
	uint64_t ring_size;
	char name[CONSOLE_NAME_MAX + 1];
	_Atomic uint64_t valid; /* slot 0 or 1 */
	struct history_slot slot[2];
};
_Static_assert(sizeof(struct history_file) <= HISTORY_HEADER, "the ring begins after it");

/* The ring, and a part of that size with the marks, fill a file of this size. */
static size_t ring_size_of(size_t file_size)
{
	return (file_size - HISTORY_HEADER) / (MARKS_PART + 1) * MARKS_PART;
}

static size_t file_size_of(size_t ring_size)
{
	return HISTORY_HEADER + ring_size + ring_size / MARKS_PART;
}

size_t history_file_size(size_t size)
{
	return file_size_of((HISTORY_PIECE + size + RING_GRAIN - 1) / RING_GRAIN * RING_GRAIN);
}

static uint64_t checksum(const struct history_record *record)
{
	const uint8_t *bytes = (const uint8_t *)record;
	uint64_t sum = 0xcbf29ce484222325U;

	for (size_t i = 0; i < sizeof(*record); i++)
		sum = (sum ^ bytes[i]) * 0x100000001b3U;
	return sum;
}

static bool is_text(const char *text, size_t size)
{
	const char *end = memchr(text, '\0', size);

	for (; end && text < end; text++) {
		if (*text < ' ' || *text == 0x7f)
			return false;
	}
	return end;
}

static bool is_letter(char letter)
{
	return !letter || (letter > ' ' && letter < 0x7f);
}

static bool record_makes_sense(const struct history_record *record)
{
	const uint64_t totals[] = { record->end, record->output_lines, record->input_bytes,
		record->input_lines, record->lost, record->link_offset, record->link_changes,
		record->since, record->marks, record->boot_ms };

	for (size_t i = 0; i < sizeof(totals) / sizeof(totals[0]); i++) {
		if (totals[i] > HISTORY_MOST)
			return false;
	}
	return record->marks <= record->end && record->link_lost <= record->link_offset &&
		record->state <= STATE_MOST && record->timestamps < TIMESTAMPS_COUNT &&
		record->shown <= 1 && record->keep <= 1 && record->log <= CHOICE_MOST &&
		record->pty <= CHOICE_MOST && is_letter(record->key) && is_letter(record->color) &&
		is_text(record->reason, sizeof(record->reason));
}

static bool file_makes_sense(const struct history_file *file, size_t file_size, const char *name)
{
	const struct history_slot *slot;
	uint64_t valid;

	if (file->magic != HISTORY_MAGIC || file->version != HISTORY_VERSION ||
		file->record_size != sizeof(struct history_record) ||
		file->ring_size % RING_GRAIN || file->ring_size != ring_size_of(file_size) ||
		file_size != file_size_of(file->ring_size) ||
		strncmp(file->name, name, sizeof(file->name)) != 0)
		return false;
	valid = atomic_load_explicit(&file->valid, memory_order_relaxed);
	if (valid > 1)
		return false;
	slot = &file->slot[valid];
	return slot->checksum == checksum(&slot->record) && record_makes_sense(&slot->record);
}

static int map(struct history *history, int fd, size_t file_size)
{
	void *memory = mmap(NULL, file_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		return -errno;
	history->file = memory;
	history->file_size = file_size;
	history->ring = (uint8_t *)memory + HISTORY_HEADER;
	history->ring_size = ring_size_of(file_size);
	history->marks = (struct history_mark *)(void *)(history->ring + history->ring_size);
	history->first_mark = 0;
	return 0;
}

/* All of it, so that no later store can fail for want of space. */
static int allocate(int fd, size_t file_size)
{
	int error;

	do {
		error = posix_fallocate(fd, 0, (off_t)file_size);
	} while (error == EINTR);
	return -error;
}

/* Takes over what is there. -EINVAL: it makes no sense. */
static int reuse(struct history *history, int fd, const char *name)
{
	struct stat status;
	int error;

	if (fstat(fd, &status))
		return -errno;
	if (!S_ISREG(status.st_mode) || status.st_size <= (off_t)file_size_of(HISTORY_PIECE) ||
		status.st_size > (off_t)file_size_of(RING_MOST))
		return -EINVAL;
	error = map(history, fd, (size_t)status.st_size);
	if (error)
		return error;
	if (!file_makes_sense(history->file, history->file_size, name))
		error = -EINVAL;
	else
		error = allocate(fd, history->file_size);
	if (error) {
		history_close(history);
		return error;
	}
	history->record = history->file->slot[history->file->valid].record;
	history->committed = history->record.end;
	history->committed_marks = history->record.marks;
	history_check_marks(history);
	return 0;
}

static int begin_anew(struct history *history, int fd, const char *name, size_t size)
{
	size_t file_size = history_file_size(size);
	int error = allocate(fd, file_size);

	if (!error)
		error = map(history, fd, file_size);
	if (error)
		return error;
	assert(history->file);
	history->record = (struct history_record){ .end = 0 };
	history->committed = 0;
	history->committed_marks = 0;
	history->file->version = HISTORY_VERSION;
	history->file->record_size = sizeof(struct history_record);
	history->file->ring_size = history->ring_size;
	strncat(history->file->name, name, CONSOLE_NAME_MAX);
	history_commit(history);
	history->file->magic = HISTORY_MAGIC;
	return 0;
}

int history_open(struct history *history, const char *path, const char *name, size_t size,
	bool *fresh)
{
	AUTO_CLOSE int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	int error;

	*fresh = false;
	if (fd >= 0) {
		error = reuse(history, fd, name);
		if (error != -EINVAL)
			return error;
		log_warning("%s: makes no sense as a history, begun anew", path);
		close(take_fd(&fd));
		if (unlink(path))
			return -errno;
	} else if (errno != ENOENT) {
		return -errno;
	}
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	error = begin_anew(history, fd, name, size);
	if (error)
		unlink(path);
	*fresh = true;
	return error;
}

void history_close(struct history *history)
{
	if (history->file)
		munmap(history->file, history->file_size);
	history->file = NULL;
}

static size_t served(const struct history *history)
{
	return history->ring_size - HISTORY_PIECE;
}

static uint64_t count_lines(const uint8_t *bytes, size_t length)
{
	const uint8_t *end = bytes + length;
	uint64_t lines = 0;

	while ((bytes = memchr(bytes, '\n', (size_t)(end - bytes)))) {
		bytes++;
		lines++;
	}
	return lines;
}

/* At most one mark a commit, or the ring of marks would have to have more to spare. */
static void mark(struct history *history, uint64_t time_ms)
{
	struct history_record *record = &history->record;
	size_t room = history_mark_room(history);

	if (!time_ms || time_ms > HISTORY_MOST || record->marks != history->committed_marks)
		return;
	if (record->marks > history->first_mark &&
		history->marks[(record->marks - 1) % room].time_ms == time_ms)
		return;
	history->marks[record->marks % room] = (struct history_mark){ record->end, time_ms };
	record->marks++;
}

void history_append(struct history *history, const void *bytes, size_t length, uint64_t time_ms)
{
	size_t start = history->record.end % history->ring_size;
	size_t first = history->ring_size - start;

	assert(history->record.end + length - history->committed <= HISTORY_PIECE);
	if (!length)
		return;
	mark(history, time_ms);
	if (first > length)
		first = length;
	memcpy(history->ring + start, bytes, first);
	memcpy(history->ring, (const uint8_t *)bytes + first, length - first);
	history->record.end += length;
	history->record.output_lines += count_lines(bytes, length);
}

void history_commit(struct history *history)
{
	struct history_file *file = history->file;
	uint64_t other = !atomic_load_explicit(&file->valid, memory_order_relaxed);

	file->slot[other].record = history->record;
	file->slot[other].checksum = checksum(&history->record);
	atomic_store(&file->valid, other);
	history->committed = history->record.end;
	history->committed_marks = history->record.marks;
}

uint64_t history_begin(const struct history *history)
{
	return history->committed > served(history) ? history->committed - served(history) : 0;
}

size_t history_look(const struct history *history, uint64_t position, size_t length,
	struct iovec iov[2])
{
	size_t start = position % history->ring_size;
	size_t first = history->ring_size - start;

	assert(position >= history_begin(history) && position <= history->committed);
	if (length > history->committed - position)
		length = (size_t)(history->committed - position);
	if (first > length)
		first = length;
	iov[0] = (struct iovec){ history->ring + start, first };
	iov[1] = (struct iovec){ history->ring, length - first };
	return length;
}

/* NULL: the end of line that is looked for is not in these. */
static const uint8_t *count_back(const struct iovec *part, uint64_t *count)
{
	const uint8_t *bytes = part->iov_base;
	const uint8_t *end;
	size_t length = part->iov_len;

	while (length && (end = memrchr(bytes, '\n', length))) {
		if (!--*count)
			return end;
		length = (size_t)(end - bytes);
	}
	return NULL;
}

uint64_t history_line_back(const struct history *history, uint64_t from, uint64_t before,
	uint64_t *count)
{
	struct iovec parts[2];
	const uint8_t *end;

	history_look(history, from, (size_t)(before - from), parts);
	if ((end = count_back(&parts[1], count)))
		return from + parts[0].iov_len + (size_t)(end - (uint8_t *)parts[1].iov_base) + 1;
	if ((end = count_back(&parts[0], count)))
		return from + (size_t)(end - (uint8_t *)parts[0].iov_base) + 1;
	return UINT64_MAX;
}

bool history_at_line_start(const struct history *history)
{
	uint64_t end = history->record.end;

	return !end || history->ring[(end - 1) % history->ring_size] == '\n';
}
