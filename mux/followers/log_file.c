/* One channel's log: appended to, rotated, and found again after a kill. */

#include "log_file.h"

#include "fd.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void log_file_init(struct log_file *file, uint64_t size_most, unsigned older)
{
	*file = (struct log_file){ .size_most = size_most, .older = older, .fd = -1 };
}

int log_file_open(struct log_file *file, const char *path, const char *place_path, bool *fresh)
{
	if (strlen(path) >= sizeof(file->path))
		return -ENAMETOOLONG;
	strcpy(file->path, path);
	return log_position_open(&file->place, place_path, fresh);
}

static void close_log(struct log_file *file)
{
	if (file->fd >= 0)
		close(take_fd(&file->fd));
}

void log_file_close(struct log_file *file)
{
	close_log(file);
	log_position_close(&file->place);
}

/* What was being written is there, is not, or is taken away again. */
static void settle(struct log_file *file, const struct stat *status)
{
	struct log_record record = file->place.record;
	uint64_t size = (uint64_t)status->st_size;
	bool same = record.device == status->st_dev && record.inode == status->st_ino;

	if (same && record.next_position != record.position) {
		if (size == record.next_size) {
			record.position = record.next_position;
			record.line_open = record.next_line_open;
		} else if (size > record.size && size < record.next_size &&
			!ftruncate(file->fd, (off_t)record.size)) {
			size = record.size;
		}
	}
	if (!size)
		record.line_open = 0;
	record.device = status->st_dev;
	record.inode = status->st_ino;
	record.size = record.next_size = size;
	record.next_position = record.position;
	record.next_line_open = record.line_open;
	log_position_store(&file->place, &record);
	file->size = size;
}

int log_file_settle(struct log_file *file)
{
	struct stat status;
	AUTO_CLOSE int fd = open(file->path,
		O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0640);

	if (fd < 0 || fstat(fd, &status))
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	close_log(file);
	file->fd = take_fd(&fd);
	settle(file, &status);
	file->rotate_at = file->size_most;
	return 0;
}

/* Somebody may have removed it, or made it shorter. */
static int look(struct log_file *file)
{
	struct stat status;

	if (file->fd < 0)
		return log_file_settle(file);
	if (fstat(file->fd, &status))
		return -errno;
	if (!status.st_nlink)
		return log_file_settle(file);
	file->size = (uint64_t)status.st_size;
	return 0;
}

/* PATH.1 is the newest. Where that is not possible, the log goes on as it is. */
static int rotate(struct log_file *file)
{
	char from[LOG_FILE_PATH_MAX + 12], to[LOG_FILE_PATH_MAX + 12];
	int error = 0;

	for (unsigned i = file->older; i && !error; i--) {
		snprintf(to, sizeof(to), "%s.%u", file->path, i);
		snprintf(from, sizeof(from), "%s.%u", file->path, i - 1);
		if (rename(i > 1 ? from : file->path, to) && errno != ENOENT)
			error = errno;
	}
	if (error) {
		log_warning("%s: cannot be rotated: %s", file->path, strerror(error));
		file->rotate_at = file->size + file->size_most;
		return 0;
	}
	return log_file_settle(file);
}

/* As much of it as was taken is taken back. */
static int write_whole(struct log_file *file, const struct log_piece *piece)
{
	ssize_t count = write(file->fd, piece->bytes, piece->length);
	int error = count < 0 ? -errno : 0;

	if (count == (ssize_t)piece->length)
		return 0;
	if (count > 0) {
		error = -ENOSPC;
		if (ftruncate(file->fd, (off_t)file->size))
			error = -errno;
	}
	return error ? error : -EIO;
}

int log_file_write(struct log_file *file, const struct log_piece *piece)
{
	struct log_record record;
	int error = look(file);

	if (!error && file->rotate_at && file->size >= file->rotate_at &&
		!file->place.record.line_open)
		error = rotate(file);
	if (error)
		return error;
	record = file->place.record;
	record.size = file->size;
	record.next_size = file->size + piece->length;
	record.next_position = piece->position;
	record.next_line_open = piece->line_open;
	log_position_store(&file->place, &record);
	error = write_whole(file, piece);
	if (!error) {
		record.position = record.next_position;
		record.size = record.next_size;
		record.line_open = record.next_line_open;
		file->size = record.size;
	}
	record.next_position = record.position;
	record.next_size = record.size;
	record.next_line_open = record.line_open;
	log_position_store(&file->place, &record);
	return error;
}
