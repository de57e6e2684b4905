/*
 * usage: bare-console SOCKET
 *
 * The least that can stand between a vmm and a terminal: takes one console link on SOCKET in muxd's
 * place; output goes to standard output, what is typed on standard input goes to the guest.
 */

#include "fake_muxd.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#define MOST 65536

/* Its terminal takes everything, sooner or later. */
static bool show(uint64_t offset, const uint8_t *bytes, size_t length)
{
	(void)offset;
	while (length > 0) {
		ssize_t count = write(STDOUT_FILENO, bytes, length);

		if (count <= 0)
			return false;
		bytes += count;
		length -= (size_t)count;
	}
	return true;
}

static bool pass_input(struct fake_muxd *muxd)
{
	uint8_t typed[64];
	ssize_t count = read(STDIN_FILENO, typed, sizeof(typed));

	return count > 0 && fake_muxd_type(muxd, typed, (size_t)count) == (size_t)count;
}

int main(int argc, char **argv)
{
	static struct fake_muxd muxd = { .fd = -1, .check = show };

	if (argc != 2 || !fake_muxd_start(&muxd, argv[1])) {
		fprintf(stderr, "usage: bare-console SOCKET (that nobody listens on)\n");
		return 2;
	}
	for (;;) {
		struct pollfd waiting[] = {
			{ .fd = muxd.fd < 0 ? muxd.listen_fd : muxd.fd, .events = POLLIN },
			{ .fd = STDIN_FILENO, .events = POLLIN },
		};

		if (poll(waiting, 2, -1) < 0)
			return 1;
		if (waiting[1].revents && !pass_input(&muxd))
			return 1;
		fake_muxd_turn(&muxd, MOST);
		if (muxd.complaint) {
			fprintf(stderr, "bare-console: %s\n", muxd.complaint);
			return 1;
		}
	}
}
