/* The virtio devices of a machine: their register pages, notifications and interrupts. */

#include "machine_devices.h"

#include "arch.h"
#include "compiler.h"
#include "console_input.h"
#include "fd.h"
#include "kvm.h"
#include "log.h"
#include "machine.h"
#include "virtio_console.h"
#include "virtio_net_card.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/kvm.h>
#include <linux/virtio_mmio.h>

#define SOCKET_PATH_MAX ((int)sizeof(((struct sockaddr_un *)0)->sun_path))

/* What every machine has, in the order the guest finds it. */
enum {
	CONSOLE,
	RNG,
	ALWAYS_THERE,
};

static const char *const always_there[ALWAYS_THERE] = {
	[CONSOLE] = "console",
	[RNG] = "rng",
};

static size_t count_devices(const struct machine *machine)
{
	return ARRAY_SIZE(always_there) + machine->config->net_count;
}

int machine_map_devices(struct machine *machine)
{
	size_t size = count_devices(machine) * VIRTIO_MMIO_SIZE;
	struct address_range window = arch_device_window();
	void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED) {
		log_error("%s: no memory for device registers: %s", machine->config->name,
			strerror(errno));
		return -ENOMEM;
	}
	machine->device_pages = pages;
	machine->device_pages_size = size;
	machine->readonly_slots = kvm_capability(machine->kvm_fd, KVM_CAP_READONLY_MEM);
	if (!machine->readonly_slots)
		return 0;
	return machine_add_slot(machine, (struct address_range){ window.base, size }, pages,
		KVM_MEM_READONLY);
}

/* The driver kicked a queue. */
static void queue_kicked(evutil_socket_t fd, short events, void *owner)
{
	struct machine_device *device = owner;
	uint64_t count;

	(void)events;
	if (read(fd, &count, sizeof(count)) != (ssize_t)sizeof(count))
		return;
	for (uint16_t i = 0; i < MACHINE_DEVICE_QUEUES; i++)
		if (device->notify_fd[i] == fd)
			virtio_mmio_notified(&device->mmio, i);
}

/* QueueNotify of one queue becomes an eventfd; or, by a flag, does so no more. */
static int set_ioeventfd(const struct machine_device *device, uint16_t queue, int fd,
	uint32_t flags)
{
	return kvm_ioctl(device->machine->vm_fd, KVM_IOEVENTFD,
		&(struct kvm_ioeventfd){
			.addr = device->base + VIRTIO_MMIO_QUEUE_NOTIFY,
			.len = 4,
			.datamatch = queue,
			.fd = fd,
			.flags = KVM_IOEVENTFD_FLAG_DATAMATCH | flags,
		});
}

/* For another process. A kick in between goes into the register, where it changes nothing. */
static int new_kick(void *owner, uint16_t queue)
{
	struct machine_device *device = owner;
	AUTO_CLOSE int fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	int result;

	if (fd < 0)
		return -errno;
	if (device->notify_fd[queue] >= 0) {
		set_ioeventfd(device, queue, device->notify_fd[queue], KVM_IOEVENTFD_FLAG_DEASSIGN);
		close(device->notify_fd[queue]);
		device->notify_fd[queue] = -1;
	}
	result = set_ioeventfd(device, queue, fd, 0);
	if (result == 0)
		result = device->notify_fd[queue] = take_fd(&fd);
	return result;
}

/* The main loop waits for the queue's kicks. */
static int wire_queue(struct machine_device *device, uint16_t queue)
{
	struct machine *machine = device->machine;
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int result;

	if (fd < 0)
		return -errno;
	device->notify_fd[queue] = fd;
	result = set_ioeventfd(device, queue, fd, 0);
	if (result < 0)
		return result;
	device->notify_event[queue] =
		event_new(machine->base, fd, EV_READ | EV_PERSIST, queue_kicked, device);
	if (!device->notify_event[queue] || event_add(device->notify_event[queue], NULL) < 0)
		return -ENOMEM;
	return 0;
}

/* InterruptACK needs no answer: KVM keeps the writes until somebody looks. */
static void coalesce_acknowledgements(const struct machine_device *device)
{
	const struct machine *machine = device->machine;

	if (machine->coalesced)
		kvm_ioctl(machine->vm_fd, KVM_REGISTER_COALESCED_MMIO,
			&(struct kvm_coalesced_mmio_zone){
				.addr = device->base + VIRTIO_MMIO_INTERRUPT_ACK,
				.size = 4,
			});
}

static void replay(void *owner)
{
	machine_replay(owner);
}

static int put_on_bus(struct machine_device *device)
{
	return bus_add(&device->machine->bus,
		&(struct bus_region){
			.kind = BUS_MMIO,
			.base = device->base,
			.size = VIRTIO_MMIO_SIZE,
			.name = device->device->type->name,
			.owner = &device->mmio,
			.read = virtio_mmio_read,
			.write = virtio_mmio_write,
		});
}

static int wire(struct machine_device *device, uint8_t *page)
{
	const struct virtio_device_type *type = device->device->type;
	int result;

	virtio_mmio_init(&device->mmio, device->device, page, device->interrupt_fd);
	device->mmio.replay = replay;
	device->mmio.owner = device->machine;

	if (type->queue_count > MACHINE_DEVICE_QUEUES)
		return -ENOSPC;
	for (uint16_t i = 0; !type->served_elsewhere && i < type->queue_count; i++) {
		result = wire_queue(device, i);
		if (result < 0)
			return result;
	}
	result = put_on_bus(device);
	if (result < 0)
		return result;
	coalesce_acknowledgements(device);
	return machine_wire_interrupt(device->machine, device->interrupt_fd, device->interrupt);
}

static int create(struct machine_device *device, const struct virtio_device_type *type,
	const void *options)
{
	struct machine *machine = device->machine;

	device->interrupt_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (device->interrupt_fd < 0)
		return -errno;
	device->device = virtio_device_create(type,
		&(struct device_context){
			.memory = &machine->memory,
			.base = machine->base,
			.link = machine->link,
			.options = options,
			.memory_fd = machine->memory_fd,
			.interrupt_fd = device->interrupt_fd,
			.new_kick = new_kick,
			.owner = device,
		});
	return device->device ? 0 : -ENOMEM;
}

static int add(struct machine *machine, const char *name, const void *options)
{
	unsigned number = machine->device_count;
	struct machine_device *device = &machine->device[number];
	const struct virtio_device_type *type = virtio_device_type_named(name);
	int result = -ENOENT;

	*device = (struct machine_device){
		.machine = machine,
		.base = arch_device_window().base + (uint64_t)number * VIRTIO_MMIO_SIZE,
		.interrupt = arch_interrupt_number(number),
		.interrupt_fd = -1,
		.notify_fd = { -1, -1, -1, -1 },
	};
	machine->device_count++;
	if (type)
		result = create(device, type, options);
	if (result == 0)
		result = wire(device, machine->device_pages + (size_t)number * VIRTIO_MMIO_SIZE);
	if (result < 0)
		log_error("%s: no device %s: %s", machine->config->name, name, strerror(-result));
	return result;
}

/* One of the two consoles gets what the operator types; output comes from both. */
static void connect_input(struct machine *machine)
{
	const struct vmm_config *config = machine->config;
	bool serial = config->console.input == INPUT_SERIAL ||
		(config->console.input == INPUT_AUTO &&
			console_input_is_serial(config->kernel.cmdline));

	console_link_set_consumer(machine->link,
		serial ? &machine->serial.consumer
		       : virtio_console_consumer(machine->device[CONSOLE].device));
}

/* Where the back-end listens; false if that is too long for an address. */
static bool find_back_end(const struct machine *machine, const struct config_net *net,
	char path[SOCKET_PATH_MAX])
{
	int length;

	if (net->vhost_user)
		length = snprintf(path, SOCKET_PATH_MAX, "%s", net->vhost_user);
	else
		length = snprintf(path, SOCKET_PATH_MAX, "%s/net/%s%s%s.sock", machine->mux_dir,
			net->wire, net->port ? "." : "", net->port ? net->port : "");
	return length < SOCKET_PATH_MAX;
}

/* The first is known by the guest's name alone. */
static int add_net(struct machine *machine, unsigned index)
{
	const struct vmm_config *config = machine->config;
	const struct config_net *net = &config->nets[index];
	char subject[16], path[SOCKET_PATH_MAX], name[CONSOLE_NAME_MAX + 16];
	struct net_options options = {
		.subject = subject,
		.path = path,
		.name = name,
		.mtu = (uint16_t)net->mtu,
		.offloads = net->offloads,
		.introduction_ms = NET_INTRODUCTION_MS,
		.grace_ms = NET_GRACE_MS,
	};

	memcpy(options.mac, net->mac, sizeof(options.mac));
	snprintf(subject, sizeof(subject), "net%u", index);
	if (index > 0)
		snprintf(name, sizeof(name), "%s.%u", config->name, index);
	else
		snprintf(name, sizeof(name), "%s", config->name);
	if (find_back_end(machine, net, path))
		return add(machine, "net", &options);
	log_error("%s: %s: the path of the back-end's socket is too long", config->name, subject);
	return -EINVAL;
}

int machine_create_devices(struct machine *machine)
{
	for (size_t i = 0; i < ARRAY_SIZE(always_there); i++) {
		int result = add(machine, always_there[i], NULL);

		if (result < 0)
			return result;
	}
	connect_input(machine);
	for (unsigned i = 0; i < machine->config->net_count; i++) {
		int result = add_net(machine, i);

		if (result < 0)
			return result;
	}
	return 0;
}

struct virtio_device *machine_net(struct machine *machine, unsigned index)
{
	unsigned number = ALWAYS_THERE + index;

	return number < machine->device_count ? machine->device[number].device : NULL;
}

static void remove_device(struct machine_device *device)
{
	for (unsigned i = 0; i < MACHINE_DEVICE_QUEUES; i++)
		if (device->notify_event[i])
			event_free(device->notify_event[i]);
	if (device->device)
		virtio_device_destroy(device->device);
	for (unsigned i = 0; i < MACHINE_DEVICE_QUEUES; i++)
		close_fd(&device->notify_fd[i]);
	close_fd(&device->interrupt_fd);
}

void machine_destroy_devices(struct machine *machine)
{
	for (unsigned i = 0; i < machine->device_count; i++)
		remove_device(&machine->device[i]);
	machine->device_count = 0;
	if (machine->device_pages)
		munmap(machine->device_pages, machine->device_pages_size);
	machine->device_pages = NULL;
}
