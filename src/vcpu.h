#ifndef VCPU_H
#define VCPU_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kvm_coalesced_mmio_ring;
struct kvm_run;
struct machine;

/* Why vCPUs left the kernel, counted; read by anybody. */
struct vcpu_exits {
	atomic_uint_fast64_t mmio_read;
	atomic_uint_fast64_t mmio_write;
	atomic_uint_fast64_t pio;
	atomic_uint_fast64_t interrupted; /* by a signal: pause, stop */
	atomic_uint_fast64_t other;
};

/* One virtual CPU and its thread. Owned by the machine; run is its own thread's only. */
struct vcpu {
	struct machine *machine;
	unsigned index;
	int fd; /* owned */
	struct kvm_run *run; /* owned mapping */
	size_t run_size;
	pthread_t thread;
	bool started;
	struct vcpu_exits exits;
};

/* Once a process, before the first vCPU starts: how kicks reach vCPU threads. */
void vcpu_prepare_kicks(void);

/* 0 or -errno with one line logged. */
int vcpu_create(struct vcpu *vcpu, struct machine *machine, unsigned index);
void vcpu_destroy(struct vcpu *vcpu); /* also a half-built or zeroed one, without a thread */

/* Creates the thread; 0 or -errno, logged. Called, as vcpu_kick(), with the machine's lock. */
int vcpu_start(struct vcpu *vcpu);
void vcpu_join(struct vcpu *vcpu); /* if it was started */

/* Make the vCPU leave the guest soon and look at the machine's state; any thread. */
void vcpu_kick(struct vcpu *vcpu);

/* Main thread, before a paused vCPU runs on: lest its guest takes the pause for a lock-up. */
void vcpu_was_paused(const struct vcpu *vcpu);

/* Where KVM keeps coalesced writes of the whole machine; NULL if it does not. */
struct kvm_coalesced_mmio_ring *vcpu_coalesced_ring(const struct vcpu *vcpu);

#endif
