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

struct event;
struct event_base;
struct platform; /* what an architecture keeps of its own, src/arch */

/* Why the vCPUs stop. The first request wins until the main thread has handled it. */
enum machine_request {
	MACHINE_RUN,
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
	int notify_fd[4]; /* ioeventfd of each queue, or -1 */
	struct event *notify_event[4];
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
	const struct vmm_config *config;
	struct event_base *base; /* borrowed */
	struct console_link *link; /* borrowed */
	int kvm_fd;
	int vm_fd;
	int memory_fd; /* sealed memfd behind guest RAM */
	struct guest_memory memory;
	struct bus bus;
	struct machine_device device[MACHINE_DEVICES];
	unsigned device_count;
	struct serial serial;
	int serial_interrupt_fd;
	struct vcpu *vcpu; /* config->vcpus of them */
	struct boot_entry entry;
	struct platform *platform; /* owned by the architecture */
	bool readonly_slots; /* register reads cause no exit */

	pthread_mutex_t lock; /* of the following */
	pthread_cond_t changed;
	enum machine_request request;
	char reason[256];
	bool paused;
	unsigned running; /* vCPU threads between pauses */
	int request_fd; /* eventfd: tells the main loop that a request is due */
};

/* Any thread: ask for an end of the run, with a reason (or NULL). */
void machine_request(struct machine *machine, enum machine_request request, const char *reason);

/* Register an eventfd for an interrupt line of the guest. 0 or -errno. */
int machine_wire_interrupt(struct machine *machine, int eventfd, uint32_t gsi);

#endif
