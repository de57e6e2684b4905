/* Where things are kept that only save time. */
#include "cache_directory.h"

#include "fd.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool is_path(const char *path)
{
	return path && path[0] == '/';
}

static bool choose(char *path)
{
	const char *own = getenv("CACHE_DIRECTORY"), *user = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");
	int length = PATH_MAX;

	if (is_path(own)) /* systemd separates several by colons */
		length = snprintf(path, PATH_MAX, "%.*s", (int)strcspn(own, ":"), own);
	else if (is_path(user))
		length = snprintf(path, PATH_MAX, "%s/vmm", user);
	else if (geteuid() == 0)
		length = snprintf(path, PATH_MAX, "/var/cache/vmm");
	else if (is_path(home))
		length = snprintf(path, PATH_MAX, "%s/.cache/vmm", home);
	return length < PATH_MAX;
}

static void make(char *path)
{
	char *slash = strrchr(path, '/');

	*slash = '\0';
	mkdir(path, 0700);
	*slash = '/';
	mkdir(path, 0700);
}

int cache_directory_open(void)
{
	char path[PATH_MAX];
	AUTO_CLOSE int fd = -1;
	struct stat status;

	if (!choose(path))
		return -1;
	make(path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) < 0 || status.st_uid != geteuid() ||
		status.st_mode & (S_IWGRP | S_IWOTH))
		return -1;
	return take_fd(&fd);
}

/* The file used longest ago, if there are more than keep. */
static bool find_victim(DIR *stream, const char *prefix, unsigned keep, char *victim)
{
	struct timespec oldest = { 0 };
	unsigned count = 0;

	rewinddir(stream);
	for (struct dirent *entry; (entry = readdir(stream));) {
		struct stat status;

		if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0 ||
			fstatat(dirfd(stream), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (count++ &&
			(status.st_mtim.tv_sec > oldest.tv_sec ||
				(status.st_mtim.tv_sec == oldest.tv_sec &&
					status.st_mtim.tv_nsec >= oldest.tv_nsec)))
			continue;
		oldest = status.st_mtim;
		snprintf(victim, NAME_MAX + 1, "%s", entry->d_name);
	}
	return count > keep;
}

void cache_directory_prune(int directory, const char *prefix, unsigned keep)
{
	int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = copy < 0 ? NULL : fdopendir(copy);
	char victim[NAME_MAX + 1];

	if (!stream) {
		close_fd(&copy);
		return;
	}
	while (find_victim(stream, prefix, keep, victim))
		if (unlinkat(directory, victim, 0) < 0)
			break;
	closedir(stream);
}
