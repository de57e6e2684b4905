/* Where the sockets are. */

#include "runtime_dir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int join(char *path, const char *directory, const char *name)
{
	int length = snprintf(path, PATH_MAX, "%s%s", directory, name);

	return length >= PATH_MAX ? -ENAMETOOLONG : 0;
}

static int use(struct runtime_dir *dir, const char *parent, const char *mux, const char *vmm)
{
	int result = join(dir->mux, parent, mux);

	return result ? result : join(dir->vmm, parent, vmm);
}

/* The entry of systemd's colon-separated list whose last component is name. */
static void take_from_systemd(char *path, const char *name)
{
	const char *entry = getenv("RUNTIME_DIRECTORY");
	size_t name_length = strlen(name);

	while (entry && *entry) {
		size_t length = strcspn(entry, ":");

		if (length > name_length && length < PATH_MAX &&
			entry[length - name_length - 1] == '/' &&
			!strncmp(entry + length - name_length, name, name_length)) {
			memcpy(path, entry, length);
			path[length] = '\0';
			return;
		}
		entry += length + (entry[length] == ':');
	}
}

int runtime_dir_find(struct runtime_dir *dir, const char *override)
{
	const char *parent = geteuid() ? getenv("XDG_RUNTIME_DIR") : "/run";
	int result;

	if (!override)
		override = getenv("MUXD_RUNTIME_DIR");
	if (override && *override)
		return use(dir, override, "", "/vmm");
	if (!parent || !*parent)
		return -ENOENT;
	result = use(dir, parent, "/muxd", "/vmm");
	take_from_systemd(dir->mux, "muxd");
	take_from_systemd(dir->vmm, "vmm");
	return result;
}

static int make_directory(const char *path, unsigned mode)
{
	struct stat status;

	if (!mkdir(path, mode))
		return chmod(path, mode) ? -errno : 0; /* whatever the umask */
	if (errno != EEXIST)
		return -errno;
	if (stat(path, &status))
		return -errno;
	return S_ISDIR(status.st_mode) ? 0 : -ENOTDIR;
}

int runtime_dir_create(const char *path, unsigned mode)
{
	char parent[PATH_MAX];
	size_t length = strlen(path);

	if (!length)
		return -ENOENT;
	if (length >= sizeof(parent))
		return -ENAMETOOLONG;
	for (size_t i = 1; i < length; i++) {
		int result;

		if (path[i] != '/')
			continue;
		memcpy(parent, path, i);
		parent[i] = '\0';
		result = make_directory(parent, 0755);
		if (result)
			return result;
	}
	return make_directory(path, mode);
}
