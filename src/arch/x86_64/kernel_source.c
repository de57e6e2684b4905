/* Reading kernel images from memory or files, and the words for refusing one. */
#include "kernel_image.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int boot_refuse(struct boot_error *error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
	return -EINVAL;
}

static int read_file(const struct kernel_source *source, uint64_t offset, uint8_t *buffer,
	uint64_t length)
{
	while (length) {
		ssize_t done = pread(source->fd, buffer, length, (off_t)(source->offset + offset));

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		if (done == 0)
			return -EINVAL;
		buffer += done;
		offset += (uint64_t)done;
		length -= (uint64_t)done;
	}
	return 0;
}

int kernel_source_read(const struct kernel_source *source, uint64_t offset, void *buffer,
	uint64_t length)
{
	if (offset > source->size || length > source->size - offset)
		return -EINVAL;
	if (!source->bytes)
		return read_file(source, offset, buffer, length);
	memcpy(buffer, source->bytes + offset, length);
	return 0;
}
