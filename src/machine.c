/* One guest from power-on to power-off: how a machine is put together and taken apart. */

#include "machine.h"

#include "arch.h"
#include "fd.h"
#include "kvm.h"
#include "log.h"
#include "machine_devices.h"
#include "memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <linux/kvm.h>

int machine_add_slot(struct machine *machine, struct address_range range, void *host,
	uint32_t flags)
{
	int result = kvm_ioctl(machine->vm_fd, KVM_SET_USER_MEMORY_REGION,
		&(struct kvm_userspace_memory_region){
			.slot = machine->slot_count,
			.flags = flags,
			.guest_phys_addr = range.base,
			.memory_size = range.size,
			.userspace_addr = (uintptr_t)host,
		});

	if (result < 0)
		log_error("%s: KVM refuses %llu bytes of memory at 0x%llx: %s",
			machine->config->name, (unsigned long long)range.size,
			(unsigned long long)range.base, strerror(-result));
	else
		machine->slot_count++;
	return result;
}

int machine_wire_interrupt(struct machine *machine, int eventfd, uint32_t gsi)
{
	int result = kvm_ioctl(machine->vm_fd, KVM_IRQFD,
		&(struct kvm_irqfd){ .fd = (uint32_t)eventfd, .gsi = gsi });

	if (result < 0)
		log_error("%s: KVM refuses interrupt line %u: %s", machine->config->name, gsi,
			strerror(-result));
	return result;
}

static int create_vcpus(struct machine *machine)
{
	unsigned count = machine->config->vcpus;
	int most = kvm_capability(machine->vm_fd, KVM_CAP_MAX_VCPUS);

	if (most > 0 && count > (unsigned)most) {
		log_error("%s: %u vcpus: KVM allows %d here", machine->config->name, count, most);
		return -EINVAL;
	}
	machine->vcpu = calloc(count, sizeof(*machine->vcpu));
	if (!machine->vcpu)
		return -ENOMEM;
	for (unsigned i = 0; i < count; i++) {
		int result = vcpu_create(&machine->vcpu[i], machine, i);

		if (result < 0)
			return result;
	}
	machine->coalesced = vcpu_coalesced_ring(&machine->vcpu[0]);
	return 0;
}

static int create_serial(struct machine *machine)
{
	machine->serial_interrupt_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (machine->serial_interrupt_fd < 0) {
		log_error("%s: eventfd: %s", machine->config->name, strerror(errno));
		return -EMFILE;
	}
	serial_init(&machine->serial, machine->link, machine->serial_interrupt_fd);
	return 0;
}

static int start_vcpus(struct machine *machine)
{
	for (unsigned i = 0; i < machine->config->vcpus; i++) {
		int result = arch_start_vcpu(&machine->vcpu[i]);

		if (result < 0)
			return result;
	}
	return 0;
}

/* The order matters: memory slots are slow to add once there are interrupt controllers. */
static int build(struct machine *machine)
{
	static int (*const step[])(struct machine * machine) = {
		memory_create,
		machine_map_devices,
		arch_create_interrupt_controller,
		create_vcpus,
		create_serial,
		machine_create_devices,
		arch_load_boot_image,
		arch_describe_machine,
		start_vcpus,
	};

	machine->request_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (machine->request_fd < 0) {
		log_error("%s: eventfd: %s", machine->config->name, strerror(errno));
		return -EMFILE;
	}
	machine->vm_fd = kvm_create_vm(machine->kvm_fd, machine->config->name);
	if (machine->vm_fd < 0)
		return machine->vm_fd;
	for (size_t i = 0; i < sizeof(step) / sizeof(step[0]); i++) {
		int result = step[i](machine);

		if (result < 0)
			return result;
	}
	return 0;
}

int machine_create(struct machine *machine, const struct machine_host *host)
{
	memset(machine, 0, sizeof(*machine));
	machine->config = host->config;
	machine->base = host->base;
	machine->link = host->link;
	machine->mux_dir = host->mux_dir;
	machine->kvm_fd = host->kvm_fd;
	machine->vm_fd = -1;
	machine->memory_fd = -1;
	machine->serial_interrupt_fd = -1;
	machine->request_fd = -1;
	pthread_mutex_init(&machine->lock, NULL);
	pthread_mutex_init(&machine->replay_lock, NULL);
	pthread_cond_init(&machine->changed, NULL);
	return build(machine);
}

void machine_destroy(struct machine *machine)
{
	if (!machine->config)
		return;
	machine_stop(machine);
	console_link_set_consumer(machine->link, NULL);
	machine_destroy_devices(machine);
	arch_destroy_interrupt_controller(machine);
	for (unsigned i = 0; machine->vcpu && i < machine->config->vcpus; i++)
		vcpu_destroy(&machine->vcpu[i]);
	free(machine->vcpu);
	close_fd(&machine->vm_fd);
	memory_destroy(machine);
	close_fd(&machine->serial_interrupt_fd);
	close_fd(&machine->request_fd);
	machine->config = NULL;
}
