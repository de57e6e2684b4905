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

#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/kvm.h>
#include <linux/virtio_mmio.h>

/* What every machine has, in the order the guest finds it. */
enum {
	CONSOLE,
	RNG,
};

static const char *const always_there[] = {
	[CONSOLE] = "console",
	[RNG] = "rng",
};

static unsigned count_devices(void)
{
	return ARRAY_SIZE(always_there);
}

int machine_map_devices(struct machine *machine)
{
	size_t size = (size_t)count_devices() * VIRTIO_MMIO_SIZE;
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

/* QueueNotify of one queue becomes an eventfd that the main loop waits for. */
static int wire_queue(struct machine_device *device, uint16_t queue)
{
	struct machine *machine = device->machine;
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		return -errno;
	device->notify_fd[queue] = fd;

	int result = kvm_ioctl(machine->vm_fd, KVM_IOEVENTFD,
		&(struct kvm_ioeventfd){
			.addr = device->base + VIRTIO_MMIO_QUEUE_NOTIFY,
			.len = 4,
			.datamatch = queue,
			.fd = fd,
			.flags = KVM_IOEVENTFD_FLAG_DATAMATCH,
		});

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

	device->interrupt_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (device->interrupt_fd < 0)
		return -errno;
	virtio_mmio_init(&device->mmio, device->device, page, device->interrupt_fd);
	device->mmio.replay = replay;
	device->mmio.owner = device->machine;

	if (type->queue_count > MACHINE_DEVICE_QUEUES)
		return -ENOSPC;
	for (uint16_t i = 0; i < type->queue_count; i++) {
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
	if (type) {
		device->device = virtio_device_create(type,
			&(struct device_context){
				.memory = &machine->memory,
				.base = machine->base,
				.link = machine->link,
				.options = options,
			});
		result = device->device
			? wire(device, machine->device_pages + (size_t)number * VIRTIO_MMIO_SIZE)
			: -ENOMEM;
	}
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

int machine_create_devices(struct machine *machine)
{
	for (size_t i = 0; i < ARRAY_SIZE(always_there); i++) {
		int result = add(machine, always_there[i], NULL);

		if (result < 0)
			return result;
	}
	connect_input(machine);
	return 0;
}

static void remove_device(struct machine_device *device)
{
	for (unsigned i = 0; i < MACHINE_DEVICE_QUEUES; i++) {
		if (device->notify_event[i])
			event_free(device->notify_event[i]);
		close_fd(&device->notify_fd[i]);
	}
	if (device->device)
		virtio_device_destroy(device->device);
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
