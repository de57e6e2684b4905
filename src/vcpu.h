#ifndef VCPU_H
#define VCPU_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

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

/* One virtual CPU and its thread. Owned by the machine; run and arch are its own thread's only. */
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

int vcpu_create(struct vcpu *vcpu, struct machine *machine, unsigned index);
void vcpu_destroy(struct vcpu *vcpu); /* the thread has been joined, or never was */
int vcpu_start(struct vcpu *vcpu); /* creates the thread */

/* Make the vCPU leave the guest soon and look at the machine's state; any thread. */
void vcpu_kick(struct vcpu *vcpu);

#endif
