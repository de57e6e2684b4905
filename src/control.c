/* A guest's control socket: varlink methods of its operator. */

#include "control.h"

#include "compiler.h"
#include "fd.h"
#include "guest.h"
#include "guest_status.h"
#include "log.h"
#include "runtime_dir.h"
#include "unix_socket.h"
#include "varlink.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WRONG_STATE CONTROL_INTERFACE ".WrongState"

struct control {
	struct varlink_service *service;
	char path[PATH_MAX];
};

static const char description[] =
	"# A virtual machine and the process that runs it.\n"
	"interface " CONTROL_INTERFACE "\n"
	"\n"
	"# How often a vCPU left the guest for this process.\n"
	"type Exits (mmio_read: int, mmio_write: int, pio: int, interrupted: int, other: int)\n"
	"\n"
	"type Vcpu (index: int, exits: Exits)\n"
	"\n"
	"type Queue (size: int, ready: bool, broken: ?string)\n"
	"\n"
	"type Device (name: string, address: int, interrupt: int, status: int, features: int,\n"
	"  queues: []Queue)\n"
	"\n"
	"# A network device: where its queues are served, whether somebody is there, and whether\n"
	"# the guest has a carrier.\n"
	"type Net (wire: ?string, port: ?string, vhost_user: ?string, mac: string,\n"
	"  connected: bool, carrier: bool)\n"
	"\n"
	"# Bytes, and whether the console multiplexer is there.\n"
	"type Console (connected: bool, output: int, lost: int, input: int)\n"
	"\n"
	"# What the guest is and does. memory is in bytes.\n"
	"method Status() -> (name: string, state: string, stopping: bool, pid: int,\n"
	"  uptime_ms: int, reboots: int, memory: int, register_pages: bool, vcpus: []Vcpu,\n"
	"  devices: []Device, nets: []Net, console: Console)\n"
	"\n"
	"# Press the power button; the guest is powered off when it does not do so in time.\n"
	"method Stop() -> ()\n"
	"\n"
	"# Power off at once.\n"
	"method Kill() -> ()\n"
	"\n"
	"# Start the guest anew.\n"
	"method Reset() -> ()\n"
	"\n"
	"method Pause() -> ()\n"
	"\n"
	"method Resume() -> ()\n"
	"\n"
	"error WrongState (state: string)\n";

static void status(struct varlink_call *call, json_t *parameters)
{
	(void)parameters;
	varlink_reply(call, guest_status(varlink_owner(call)));
}

static void stop(struct varlink_call *call, json_t *parameters)
{
	(void)parameters;
	guest_stop(varlink_owner(call));
	varlink_reply(call, NULL);
}

static void kill_guest(struct varlink_call *call, json_t *parameters)
{
	(void)parameters;
	guest_kill(varlink_owner(call));
	varlink_reply(call, NULL);
}

static void reset(struct varlink_call *call, json_t *parameters)
{
	(void)parameters;
	guest_reset(varlink_owner(call));
	varlink_reply(call, NULL);
}

static void answer(struct varlink_call *call, bool done)
{
	const struct guest *guest = varlink_owner(call);

	if (done)
		varlink_reply(call, NULL);
	else
		varlink_fail(call, WRONG_STATE,
			json_pack("{s:s}", "state", guest_state_name(guest->state)));
}

static void pause_guest(struct varlink_call *call, json_t *parameters)
{
	(void)parameters;
	answer(call, guest_pause(varlink_owner(call)));
}

static void resume(struct varlink_call *call, json_t *parameters)
{
	(void)parameters;
	answer(call, guest_resume(varlink_owner(call)));
}

static const struct varlink_method methods[] = {
	{ "Status", status },
	{ "Stop", stop },
	{ "Kill", kill_guest },
	{ "Reset", reset },
	{ "Pause", pause_guest },
	{ "Resume", resume },
};

static const struct varlink_interface interface = {
	.name = CONTROL_INTERFACE,
	.description = description,
	.methods = methods,
	.count = ARRAY_SIZE(methods),
};

static int listen_at(const struct control *control, const char *name, const char *directory)
{
	int fd = runtime_dir_create(directory, 0755);

	if (fd == 0)
		fd = unix_listen(control->path, 0600);
	if (fd == -EADDRINUSE)
		log_error("%s is already running: it answers at %s", name, control->path);
	else if (fd < 0)
		log_error("%s: %s: %s", name, control->path, strerror(-fd));
	return fd < 0 ? -EINVAL : fd;
}

int control_create(struct control **control, struct guest *guest, const char *directory)
{
	const char *name = guest->config->name;
	struct control *created = calloc(1, sizeof(*created));

	if (!created)
		return -ENOMEM;

	int length = snprintf(created->path, sizeof(created->path), "%s/%s.sock", directory, name);
	int fd = -EINVAL;

	if (length > 0 && (size_t)length < sizeof(created->path))
		fd = listen_at(created, name, directory);
	else
		log_error("%s: %s: path too long", name, directory);
	if (fd >= 0)
		created->service = varlink_service_create(guest->base, fd, &interface, guest);
	if (!created->service) {
		if (fd >= 0)
			unlink(created->path);
		free(created);
		return fd < 0 ? fd : -ENOMEM;
	}
	*control = created;
	return 0;
}

void control_destroy(struct control *control)
{
	if (!control)
		return;
	unlink(control->path);
	varlink_service_destroy(control->service);
	free(control);
}
