#ifndef MACHINE_H
#define MACHINE_H

#include "bus.h"
#include "config.h"
#include "console_link.h"
#include "guest_memory.h"
#include "serial.h"
#include "vcpu.h"
#include "virtio_mmio.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define MACHINE_DEVICES 32
#define MACHINE_DEVICE_QUEUES 4
#define MACHINE_REASON 256

struct address_range;
struct event;
struct event_base;
struct kvm_coalesced_mmio_ring;
struct platform; /* what an architecture keeps of its own, src/arch */

/* Why the vCPUs stop. The first request wins; a machine that has stopped never runs again. */
enum machine_request {
	MACHINE_RUN, /* no request */
	MACHINE_POWER_OFF, /* the guest powered off */
	MACHINE_REBOOT, /* the guest, or a command, wants a reset */
	MACHINE_CRASH, /* it cannot go on; machine->reason says why */
	MACHINE_FAIL, /* the host failed us */
};

/* A virtio device in its place on the bus. Owned by the machine. */
struct machine_device {
	struct virtio_device *device;
	struct virtio_mmio mmio;
	uint64_t base; /* guest address of the register page */
	uint32_t interrupt; /* GSI */
	int interrupt_fd;
	int notify_fd[MACHINE_DEVICE_QUEUES]; /* ioeventfd of each queue, or -1 */
	struct event *notify_event[MACHINE_DEVICE_QUEUES];
	struct machine *machine;
};

/* How the boot processor starts; written by arch_load_boot_image, read by arch_start_vcpu. */
struct boot_entry {
	unsigned mode; /* the architecture's own */
	uint64_t address; /* of the first instruction */
	uint64_t argument; /* handed over in the register the protocol names */
};

/*
 * One guest from power-on to power-off. Built and torn down by the main thread; a reboot is a
 * tear-down and a new build, with the console link and the control socket going on.
 */
struct machine {
	const struct vmm_config *config; /* borrowed, as the next four */
	struct event_base *base;
	struct console_link *link;
	const char *mux_dir;
	int kvm_fd;
	int vm_fd;
	int memory_fd; /* sealed memfd behind guest RAM */
	uint8_t *ram; /* owned mapping of it */
	uint64_t ram_size;
	struct guest_memory memory;
	unsigned slot_count; /* KVM's memory slots in use */
	struct bus bus;
	struct machine_device device[MACHINE_DEVICES];
	unsigned device_count;
	uint8_t *device_pages; /* owned: the register pages, in the order of the devices */
	size_t device_pages_size;
	struct serial serial;
	int serial_interrupt_fd;
	struct vcpu *vcpu; /* config->vcpus of them */
	struct boot_entry entry;
	struct platform *platform; /* owned by the architecture */
	bool readonly_slots; /* register reads cause no exit */

	pthread_mutex_t replay_lock; /* of the ring that KVM puts coalesced writes in */
	struct kvm_coalesced_mmio_ring *coalesced; /* in the first vCPU's mapping, or NULL */

	pthread_mutex_t lock; /* of the following, and of vcpu[].started */
	pthread_cond_t changed;
	enum machine_request request;
	char reason[MACHINE_REASON];
	bool paused;
	bool stopping; /* vCPU threads end */
	unsigned running; /* vCPU threads that may be in the guest */
	int request_fd; /* eventfd: tells the main loop that a request is due */
};

/* What a machine borrows from the process that runs it. */
struct machine_host {
	const struct vmm_config *config;
	struct event_base *base;
	struct console_link *link;
	const char *mux_dir; /* muxd's runtime directory: its wires are in net/ below it */
	int kvm_fd;
};

/*
 * Main thread. Build the whole machine up to the first instruction; then let its vCPUs run. 0, or
 * -errno with one line logged; -EINVAL: the operator can mend it. Destroying stops the vCPUs, and
 * accepts a half-built or zeroed machine; a second time it does nothing.
 */
int machine_create(struct machine *machine, const struct machine_host *host);
int machine_start(struct machine *machine);
void machine_stop(struct machine *machine); /* ends the vCPU threads */
void machine_destroy(struct machine *machine);

/* Main thread: no vCPU is in the guest, and none has I/O left half done, once pause returns. */
void machine_pause(struct machine *machine);
void machine_resume(struct machine *machine);

/* Any thread: ask for an end of the run, with a reason (or NULL); not heard while it stops. */
void machine_request(struct machine *machine, enum machine_request request, const char *reason);

/* Main thread: the request that stopped the machine, and its reason. */
enum machine_request machine_requested(struct machine *machine, char *reason, size_t length);

/* For an architecture: an eventfd for an interrupt line of the guest. 0 or -errno, logged. */
int machine_wire_interrupt(struct machine *machine, int eventfd, uint32_t gsi);

/* One more of KVM's memory slots; while the machine is being built. 0 or -errno, logged. */
int machine_add_slot(struct machine *machine, struct address_range range, void *host,
	uint32_t flags);

/* vCPU threads: wait until the machine may run; false when the thread is to end. */
bool machine_may_run(struct machine *machine);

/* Any thread: carry out the register writes that KVM kept for later. */
void machine_replay(struct machine *machine);

#endif
