/* Starting, pausing and ending the vCPUs of a machine. */

#include "machine.h"
#include "vcpu.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/kvm.h>

/*
 * How it works. Whoever wants the vCPUs out of the guest first changes the state below the lock,
 * then kicks each. A kick makes the running or the next KVM_RUN return at once, and that
 * KVM_RUN has by then finished the I/O that the vCPU left the kernel for. Then the vCPU
 * comes to machine_may_run(), which looks at the state.
 */

/* With the lock. */
static bool must_wait(const struct machine *machine)
{
	return !machine->stopping && (machine->paused || machine->request != MACHINE_RUN);
}

/* With the lock. */
static void kick_all(struct machine *machine)
{
	for (unsigned i = 0; machine->vcpu && i < machine->config->vcpus; i++)
		vcpu_kick(&machine->vcpu[i]);
}

bool machine_may_run(struct machine *machine)
{
	bool may_run;

	pthread_mutex_lock(&machine->lock);
	if (must_wait(machine)) {
		machine->running--;
		pthread_cond_broadcast(&machine->changed);
		while (must_wait(machine))
			pthread_cond_wait(&machine->changed, &machine->lock);
		machine->running++;
	}
	may_run = !machine->stopping;
	pthread_mutex_unlock(&machine->lock);
	return may_run;
}

/* The lock is held all along, so that no vCPU enters the guest before each of them can be kicked.
 */
int machine_start(struct machine *machine)
{
	int result = 0;

	pthread_mutex_lock(&machine->lock);
	for (unsigned i = 0; result == 0 && i < machine->config->vcpus; i++) {
		result = vcpu_start(&machine->vcpu[i]);
		if (result == 0)
			machine->running++;
	}
	pthread_mutex_unlock(&machine->lock);
	return result;
}

void machine_stop(struct machine *machine)
{
	pthread_mutex_lock(&machine->lock);
	machine->stopping = true;
	kick_all(machine);
	pthread_cond_broadcast(&machine->changed);
	pthread_mutex_unlock(&machine->lock);

	for (unsigned i = 0; machine->vcpu && i < machine->config->vcpus; i++)
		vcpu_join(&machine->vcpu[i]);
}

void machine_pause(struct machine *machine)
{
	pthread_mutex_lock(&machine->lock);
	machine->paused = true;
	kick_all(machine);
	while (machine->running > 0)
		pthread_cond_wait(&machine->changed, &machine->lock);
	pthread_mutex_unlock(&machine->lock);
}

void machine_resume(struct machine *machine)
{
	for (unsigned i = 0; i < machine->config->vcpus; i++)
		vcpu_was_paused(&machine->vcpu[i]);
	pthread_mutex_lock(&machine->lock);
	machine->paused = false;
	pthread_cond_broadcast(&machine->changed);
	pthread_mutex_unlock(&machine->lock);
}

void machine_request(struct machine *machine, enum machine_request request, const char *reason)
{
	static const uint64_t one = 1;

	pthread_mutex_lock(&machine->lock);
	if (machine->request == MACHINE_RUN && !machine->stopping) {
		machine->request = request;
		snprintf(machine->reason, sizeof(machine->reason), "%s", reason ? reason : "");
		kick_all(machine);
		(void)!write(machine->request_fd, &one, sizeof(one));
	}
	pthread_mutex_unlock(&machine->lock);
}

enum machine_request machine_requested(struct machine *machine, char *reason, size_t length)
{
	enum machine_request request;

	pthread_mutex_lock(&machine->lock);
	request = machine->request;
	snprintf(reason, length, "%s", machine->reason);
	pthread_mutex_unlock(&machine->lock);
	return request;
}

/* Only InterruptACK registers are in the ring: writing those takes no device's lock. */
static void replay_one(struct machine *machine, const struct kvm_coalesced_mmio *kept)
{
	uint64_t value = 0;

	if (kept->len > sizeof(kept->data))
		return;
	memcpy(&value, kept->data, kept->len);
	bus_write(&machine->bus, BUS_MMIO, kept->phys_addr, kept->len, value);
}

/*
 * The ring of one page, in whose head KVM counts writes in and we count them out. Another thread
 * that is at it already has to be waited for: its writes must be done when this returns.
 */
void machine_replay(struct machine *machine)
{
	struct kvm_coalesced_mmio_ring *ring = machine->coalesced;

	if (!ring)
		return;
	pthread_mutex_lock(&machine->replay_lock);

	size_t room = (size_t)getpagesize() - sizeof(*ring);
	uint32_t capacity = (uint32_t)(room / sizeof(ring->coalesced_mmio[0]));
	uint32_t first = ring->first;

	while (first != __atomic_load_n(&ring->last, __ATOMIC_ACQUIRE)) {
		replay_one(machine, &ring->coalesced_mmio[first]);
		first = (first + 1) % capacity;
		__atomic_store_n(&ring->first, first, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&machine->replay_lock);
}
