/* How far a history stands in a log, in a file that outlives its writer. */

#include "log_position.h"

#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define MAGIC 0x316e6f697469736fULL
#define POSITION_MOST (UINT64_MAX / 4)

struct log_position_file {
	uint64_t magic;
	_Atomic uint64_t valid; /* slot 0 or 1 */
	struct log_record slot[2];
};

static bool makes_sense(const struct log_position_file *file)
{
	uint64_t valid = atomic_load(&file->valid);
	const struct log_record *record = &file->slot[valid & 1];

	return file->magic == MAGIC && valid <= 1 && record->next_position <= POSITION_MOST &&
		record->position <= record->next_position && record->size <= record->next_size &&
		record->line_open <= 1 && record->next_line_open <= 1 && record->off <= 1;
}

/* Room for it is allocated, so that no later store can fail for want of it. */
static int map(struct log_position *position, int fd)
{
	size_t size = sizeof(*position->file);
	int error;
	void *memory;

	do {
		error = posix_fallocate(fd, 0, (off_t)size);
	} while (error == EINTR);
	if (error)
		return -error;
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	position->file = memory;
	return 0;
}

int log_position_open(struct log_position *position, const char *path, bool *fresh)
{
	AUTO_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	int error = fd < 0 ? -errno : map(position, fd);

	if (error)
		return error;
	*fresh = !makes_sense(position->file);
	if (*fresh) {
		*position->file = (struct log_position_file){ .magic = 0 };
		position->record = (struct log_record){ 0 };
		log_position_store(position, &position->record);
		position->file->magic = MAGIC;
	}
	position->record = position->file->slot[atomic_load(&position->file->valid)];
	return 0;
}

void log_position_store(struct log_position *position, const struct log_record *record)
{
	struct log_position_file *file = position->file;
	uint64_t other = !atomic_load(&file->valid);

	position->record = *record;
	file->slot[other] = *record;
	atomic_store(&file->valid, other);
}

void log_position_close(struct log_position *position)
{
	if (position->file)
		munmap(position->file, sizeof(*position->file));
	position->file = NULL;
}
