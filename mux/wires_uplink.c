/* The uplink of a switch: a TAP interface of this host (Linux' tuntap), opened here. */

#include "fd.h"
#include "wires_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/if.h>
#include <linux/if_tun.h>

#define TUN_DEVICE "/dev/net/tun"

/* One that is there, or one of our own, which is gone with us. A descriptor or -errno. */
static int open_tap(const char *interface)
{
	AUTO_CLOSE int fd = open(TUN_DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };

	if (fd < 0)
		return -errno;
	strncat(request.ifr_name, interface, IFNAMSIZ - 1);
	if (ioctl(fd, TUNSETIFF, &request))
		return -errno;
	return take_fd(&fd);
}

static const char *explain(int error)
{
	switch (error) {
	case -EBUSY:
		return "somebody else has it";
	case -EINVAL:
		return "it is there, and no TAP interface";
	case -EPERM:
		return "it is not there, or another user's, and making one needs CAP_NET_ADMIN";
	case -ENOENT:
		return "the host has no " TUN_DEVICE;
	default:
		return strerror(-error);
	}
}

int wires_uplink_open(struct mux_wire *wire, const char *interface, char message[WIRES_MESSAGE_MAX])
{
	struct mux_port *port = wires_port_create(wire, interface);
	int fd = port ? open_tap(interface) : -ENOSPC;

	if (fd < 0) {
		snprintf(message, WIRES_MESSAGE_MAX, "%s: uplink %s: %s", wire->name, interface,
			explain(fd));
		return fd;
	}
	port->tap = fd;
	port->tap_untold = true;
	port->fixed = true;
	wires_port_plug(port);
	strncat(wire->uplink, interface, sizeof(wire->uplink) - 1);
	return 0;
}
