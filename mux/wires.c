/* The wires of a muxd: which there are. */

#include "wires.h"

#include "fd.h"
#include "mux.h"
#include "runtime_dir.h"
#include "wire_name.h"
#include "wires_parts.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define COUNTERS_SIZE (WIRE_PORTS_MAX * sizeof(struct port_counters))

struct wires *wires_create(struct mux *mux, const struct wires_options *options)
{
	struct wires *wires = calloc(1, sizeof(*wires));

	if (!wires)
		return NULL;
	wires->mux = mux;
	wires->options = options;
	TAILQ_INIT(&wires->list);
	LIST_INIT(&wires->processes);
	return wires;
}

void wires_destroy(struct wires *wires)
{
	if (!wires)
		return;
	while (!TAILQ_EMPTY(&wires->list))
		wires_remove(TAILQ_FIRST(&wires->list));
	wires_processes_wait(wires);
	free(wires);
}

void wires_unlink(struct wires *wires)
{
	struct mux_wire *wire;

	TAILQ_FOREACH(wire, &wires->list, link)
	{
		wires_sockets_unlink(wire);
	}
}

struct mux_wire *wires_find(const struct wires *wires, const char *name)
{
	struct mux_wire *wire;

	if (!wires)
		return NULL;
	TAILQ_FOREACH(wire, &wires->list, link)
	{
		if (!strcmp(wire->name, name))
			return wire;
	}
	return NULL;
}

static int fail(char message[WIRES_MESSAGE_MAX], const char *name, int error)
{
	snprintf(message, WIRES_MESSAGE_MAX, "%s: %s", name, strerror(-error));
	return error;
}

/* The worker writes them, but cannot take them away from us. */
static int open_counters(struct mux_wire *wire)
{
	void *counters;

	wire->counters_fd = memfd_create("counters", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (wire->counters_fd < 0 || ftruncate(wire->counters_fd, COUNTERS_SIZE) ||
		fcntl(wire->counters_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return -errno;
	counters = mmap(NULL, COUNTERS_SIZE, PROT_READ, MAP_SHARED, wire->counters_fd, 0);
	if (counters == MAP_FAILED)
		return -errno;
	wire->counters = counters;
	return 0;
}

static int add_port(struct mux_wire *wire, const struct mux_config_port *config,
	char message[WIRES_MESSAGE_MAX])
{
	struct mux_port *port = wires_port_create(wire, config->name);

	if (!port)
		return fail(message, wire->name, -ENOMEM);
	port->fixed = true;
	port->settings = config->settings;
	if (config->allow_listed && wires_port_allow(port, &config->allow))
		return fail(message, wire->name, -ENOMEM);
	return config->socket ? wires_listen(wire, config->name, message) : 0;
}

static int set_up(struct mux_wire *wire, const struct mux_config_wire *config,
	char message[WIRES_MESSAGE_MAX])
{
	const char *directory = wire->wires->options->directory;
	int error = open_counters(wire);

	if (error)
		return fail(message, wire->name, error);
	error = runtime_dir_create(directory, 0755);
	if (error)
		return fail(message, directory, error);
	for (size_t i = 0; !error && i < config->port_count; i++)
		error = add_port(wire, &config->ports[i], message);
	if (!error)
		error = wires_listen(wire, "", message);
	if (!error && *config->uplink)
		error = wires_uplink_open(wire, config->uplink, message);
	return error;
}

static struct mux_wire *wire_make(struct wires *wires, const struct mux_config_wire *config)
{
	struct mux_wire *wire = calloc(1, sizeof(*wire));

	if (!wire)
		return NULL;
	wire->wires = wires;
	wire->kind = config->kind;
	wire->poll_ns = config->poll_ns;
	wire->ageing_s = config->ageing_s;
	wire->mtu = config->mtu;
	wire->open = config->open;
	wire->ports_most = config->kind == WIRE_CABLE ? 2 : WIRE_PORTS_MAX;
	wire->counters_fd = wire->control = -1;
	memcpy(wire->name, config->name, sizeof(wire->name));
	LIST_INIT(&wire->sockets);
	TAILQ_INSERT_TAIL(&wires->list, wire, link);
	wires->count++;
	return wire;
}

static void wire_free(struct mux_wire *wire)
{
	wires_sockets_close(wire);
	for (unsigned i = 0; i < wire->ports_most; i++) {
		if (wire->port[i])
			wires_port_destroy(wire->port[i]);
	}
	if (wire->counters)
		munmap((void *)(uintptr_t)wire->counters, COUNTERS_SIZE);
	close_fd(&wire->counters_fd);
	TAILQ_REMOVE(&wire->wires->list, wire, link);
	wire->wires->count--;
	free(wire);
}

int wires_add(struct wires *wires, const struct mux_config_wire *config,
	char message[WIRES_MESSAGE_MAX])
{
	const char *problem = wire_name_problem(config->name, strlen(config->name));
	struct mux_wire *wire;
	int error;

	assert(wires);
	if (problem) {
		snprintf(message, WIRES_MESSAGE_MAX, "the name of a wire %s", problem);
		return -EINVAL;
	}
	if (wires_find(wires, config->name) || wires->count >= WIRES_MAX) {
		snprintf(message, WIRES_MESSAGE_MAX, "%s: %s", config->name,
			wires->count >= WIRES_MAX ? "there are too many wires"
						  : "there is such a wire already");
		return -EEXIST;
	}
	wire = wire_make(wires, config);
	if (!wire)
		return fail(message, config->name, -ENOMEM);
	error = set_up(wire, config, message);
	if (error) {
		wire_free(wire);
		return error;
	}
	wires_log_open(wire);
	wires_worker_start(wire);
	return 0;
}

void wires_remove(struct mux_wire *wire)
{
	wires_worker_end(wire);
	wires_log_close(wire);
	wire_free(wire);
}
