/* muxd's main process: its channels and what it serves. */

#include "mux.h"

#include "attach.h"
#include "channel.h"
#include "control.h"
#include "device.h"
#include "followers.h"
#include "log.h"
#include "runtime_dir.h"
#include "wires.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#define LOCK_ATTEMPTS 300
#define LOCK_PAUSE_MS 10

static void take_up(struct mux *mux, const char *file)
{
	char name[CONSOLE_NAME_MAX + 1];
	int error;

	if (!channel_name_of_file(file, name))
		return;
	if (mux->channel_count >= CHANNELS_MAX)
		log_warning("%s: not taken up, there are too many channels", name);
	else if (!channel_create(mux, name, &error))
		log_warning("%s: its history cannot be opened: %s", name, strerror(-error));
}

/*
 * Histories have one writer: the directory's lock says who. One that is just ending is waited for.
 */
static int open_directory(struct mux *mux)
{
	int error = runtime_dir_create(mux->channels_path, 0700);

	if (error)
		return error;
	mux->channels_directory = opendir(mux->channels_path);
	if (!mux->channels_directory)
		return -errno;
	for (unsigned i = 0; i < LOCK_ATTEMPTS; i++) {
		if (!flock(dirfd(mux->channels_directory), LOCK_EX | LOCK_NB))
			return 0;
		poll(NULL, 0, LOCK_PAUSE_MS);
	}
	return -EWOULDBLOCK;
}

int mux_open(struct mux *mux, struct event_base *base, const struct mux_options *options,
	const char *channels_path)
{
	const struct dirent *entry;
	int error;

	*mux = (struct mux){ .base = base, .options = options, .started = time(NULL) };
	TAILQ_INIT(&mux->channels);
	LIST_INIT(&mux->watches);
	LIST_INIT(&mux->devices);
	LIST_INIT(&mux->peers);
	snprintf(mux->channels_path, sizeof(mux->channels_path), "%s", channels_path);
	error = open_directory(mux);
	if (error) {
		log_error("%s: %s", channels_path,
			error == -EWOULDBLOCK ? "another muxd has it" : strerror(-error));
		return error;
	}
	assert(mux->channels_directory);
	while ((entry = readdir(mux->channels_directory)))
		take_up(mux, entry->d_name);
	channel_limit(mux);
	return 0;
}

int mux_listen(struct mux *mux, int device_fd, int control_fd)
{
	mux->listener = device_listener_create(mux, device_fd);
	mux->control = control_create(mux, control_fd);
	return mux->listener && mux->control ? 0 : -ENOMEM;
}

void mux_close(struct mux *mux)
{
	wires_destroy(mux->wires);
	if (mux->control)
		control_destroy(mux->control);
	device_listener_destroy(mux->listener);
	mux->closing = true;
	while (!LIST_EMPTY(&mux->peers))
		attach_destroy(LIST_FIRST(&mux->peers));
	followers_destroy(mux->followers);
	mux->followers = NULL;
	while (!LIST_EMPTY(&mux->devices))
		device_destroy(LIST_FIRST(&mux->devices));
	while (!TAILQ_EMPTY(&mux->channels))
		channel_close(TAILQ_FIRST(&mux->channels));
	if (mux->channels_directory)
		closedir(mux->channels_directory);
}
