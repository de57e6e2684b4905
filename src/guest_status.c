/* A guest's state as data, for `vmm status` and for scripts. */

#include "guest_status.h"

#include "console_link.h"
#include "guest.h"
#include "machine.h"
#include "machine_devices.h"
#include "virtio_net_card.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/virtio_mmio.h>

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *vcpu_status(const struct vcpu *vcpu)
{
	const struct vcpu_exits *exits = &vcpu->exits;

	return json_pack("{s:i, s:{s:o, s:o, s:o, s:o, s:o}}", "index", (int)vcpu->index, "exits",
		"mmio_read", number(atomic_load(&exits->mmio_read)), "mmio_write",
		number(atomic_load(&exits->mmio_write)), "pio", number(atomic_load(&exits->pio)),
		"interrupted", number(atomic_load(&exits->interrupted)), "other",
		number(atomic_load(&exits->other)));
}

static json_t *vcpus_status(const struct machine *machine)
{
	json_t *list = json_array();

	for (unsigned i = 0; machine->vcpu && i < machine->config->vcpus; i++)
		json_array_append_new(list, vcpu_status(&machine->vcpu[i]));
	return list;
}

static json_t *queue_status(const struct virtqueue *queue)
{
	return json_pack("{s:i, s:b, s:s?}", "size", (int)queue->size, "ready", queue->desc != NULL,
		"broken", queue->broken);
}

static json_t *device_status(struct machine_device *slot)
{
	struct virtio_device *device = slot->device;
	uint64_t status = virtio_mmio_read(&slot->mmio, VIRTIO_MMIO_STATUS, 4);
	json_t *queues = json_array();

	virtio_device_lock(device);
	for (unsigned i = 0; i < device->type->queue_count; i++)
		json_array_append_new(queues, queue_status(&device->queue[i]));
	virtio_device_unlock(device);
	return json_pack("{s:s, s:o, s:i, s:o, s:o, s:o}", "name", device->type->name, "address",
		number(slot->base), "interrupt", (int)slot->interrupt, "status", number(status),
		"features", number(device->negotiated), "queues", queues);
}

static json_t *devices_status(struct machine *machine)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < machine->device_count && machine->device[i].device; i++)
		json_array_append_new(list, device_status(&machine->device[i]));
	return list;
}

/* Where the queues are served: the wire and its port, or a socket. */
static json_t *net_status(const struct config_net *net, struct virtio_device *device)
{
	struct net_status status = { .connected = false };
	char mac[3 * NET_ADDRESS_SIZE];

	memcpy(status.mac, net->mac, sizeof(status.mac));
	if (device)
		virtio_net_status(device, &status);
	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", status.mac[0], status.mac[1],
		status.mac[2], status.mac[3], status.mac[4], status.mac[5]);
	return json_pack("{s:s?, s:s?, s:s?, s:s, s:b, s:b}", "wire", net->wire, "port", net->port,
		"vhost_user", net->vhost_user, "mac", mac, "connected", status.connected, "carrier",
		status.carrier);
}

static json_t *nets_status(struct machine *machine, const struct vmm_config *config)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < config->net_count; i++)
		json_array_append_new(list, net_status(&config->nets[i], machine_net(machine, i)));
	return list;
}

static json_t *console_status(struct console_link *link)
{
	struct console_link_status status;

	console_link_status(link, &status);
	return json_pack("{s:b, s:o, s:o, s:o}", "connected", status.connected, "output",
		number(status.output), "lost", number(status.lost), "input", number(status.input));
}

/* Also of a machine that could not be built again. */
json_t *guest_status(struct guest *guest)
{
	struct machine *machine = &guest->machine;

	return json_pack("{s:s, s:s, s:b, s:i, s:o, s:i, s:o, s:b, s:o, s:o, s:o, s:o}", "name",
		guest->config->name, "state", guest_state_name(guest->state), "stopping",
		guest->stopping, "pid", (int)getpid(), "uptime_ms", number(guest_uptime_ms(guest)),
		"reboots", (int)guest->reboots, "memory", number(guest->config->memory),
		"register_pages", machine->readonly_slots, "vcpus", vcpus_status(machine),
		"devices", devices_status(machine), "nets", nets_status(machine, guest->config),
		"console", console_status(guest->link));
}
