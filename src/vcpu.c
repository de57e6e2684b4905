/* A virtual CPU: its thread, its way in and out of the guest, and its accesses to memory. */

#include "vcpu.h"

#include "arch.h"
#include "fd.h"
#include "kvm.h"
#include "log.h"
#include "machine.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/kvm.h>

#define KICK_SIGNAL SIGRTMIN
#define STACK_SIZE ((size_t)128 * 1024)
#define AFFINITY_SETS (4096 / CPU_SETSIZE) /* as many CPUs as a configuration can name */

static void kicked(int signal)
{
	(void)signal;
}

/* Without SA_RESTART: the signal's one effect is that KVM_RUN returns. */
void vcpu_prepare_kicks(void)
{
	struct sigaction action = { .sa_handler = kicked };

	sigaction(KICK_SIGNAL, &action, NULL);
}

int vcpu_create(struct vcpu *vcpu, struct machine *machine, unsigned index)
{
	int size = kvm_ioctl(machine->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, NULL);
	int result;

	vcpu->machine = machine;
	vcpu->index = index;
	vcpu->fd = ioctl(machine->vm_fd, KVM_CREATE_VCPU, (unsigned long)index);
	if (vcpu->fd < 0 || size < 0) {
		result = vcpu->fd < 0 ? -errno : size;
		log_error("%s: KVM makes no vcpu%u: %s", machine->config->name, index,
			strerror(-result));
		return result;
	}

	void *run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);

	if (run == MAP_FAILED) {
		result = -errno;
		log_error("%s: vcpu%u cannot be mapped: %s", machine->config->name, index,
			strerror(-result));
		return result;
	}
	vcpu->run = run;
	vcpu->run_size = (size_t)size;
	return arch_create_vcpu(vcpu);
}

void vcpu_destroy(struct vcpu *vcpu)
{
	if (!vcpu->machine)
		return;
	if (vcpu->run)
		munmap(vcpu->run, vcpu->run_size);
	close_fd(&vcpu->fd);
	vcpu->machine = NULL;
}

struct kvm_coalesced_mmio_ring *vcpu_coalesced_ring(const struct vcpu *vcpu)
{
	int page = kvm_capability(vcpu->machine->kvm_fd, KVM_CAP_COALESCED_MMIO);
	size_t offset = (size_t)page * (size_t)getpagesize();

	if (page == 0 || offset >= vcpu->run_size)
		return NULL;
	return (void *)((uint8_t *)vcpu->run + offset);
}

static void count(atomic_uint_fast64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static bool is_access_length(uint32_t length)
{
	return length == 1 || length == 2 || length == 4 || length == 8;
}

/* Nobody there: reads are all ones, writes vanish, as on a bus of wires. */
static void handle_mmio(struct vcpu *vcpu)
{
	const struct bus *bus = &vcpu->machine->bus;
	uint64_t address = vcpu->run->mmio.phys_addr, value = UINT64_MAX;
	uint32_t length = vcpu->run->mmio.len;

	count(vcpu->run->mmio.is_write ? &vcpu->exits.mmio_write : &vcpu->exits.mmio_read);
	if (vcpu->run->mmio.is_write && is_access_length(length)) {
		value = 0;
		memcpy(&value, vcpu->run->mmio.data, length);
		bus_write(bus, BUS_MMIO, address, length, value);
	} else if (!vcpu->run->mmio.is_write) {
		if (is_access_length(length))
			bus_read(bus, BUS_MMIO, address, length, &value);
		memcpy(vcpu->run->mmio.data, &value, sizeof(value));
	}
}

static void crash(struct vcpu *vcpu)
{
	char reason[MACHINE_REASON] = "";

	arch_describe_vcpu(vcpu, reason, sizeof(reason));
	machine_request(vcpu->machine, MACHINE_CRASH, reason);
}

static void handle_exit(struct vcpu *vcpu)
{
	machine_replay(vcpu->machine);
	if (vcpu->run->exit_reason == KVM_EXIT_MMIO) {
		handle_mmio(vcpu);
		return;
	}
	count(vcpu->run->exit_reason == KVM_EXIT_IO ? &vcpu->exits.pio : &vcpu->exits.other);
	if (arch_handle_exit(vcpu) < 0)
		crash(vcpu);
}

/*
 * Until somebody kicks. The flag is cleared before the caller looks at the machine's state, and
 * kicks set it after changing the state: so no kick is lost, wherever it meets this thread.
 */
static void run_until_kicked(struct vcpu *vcpu)
{
	char reason[MACHINE_REASON];

	for (;;) {
		if (ioctl(vcpu->fd, KVM_RUN, 0) == 0) {
			handle_exit(vcpu);
		} else if (errno == EINTR) {
			count(&vcpu->exits.interrupted);
			break;
		} else if (errno != EAGAIN) {
			snprintf(reason, sizeof(reason), "vcpu%u: KVM_RUN: %s", vcpu->index,
				strerror(errno));
			machine_request(vcpu->machine, MACHINE_FAIL, reason);
			break;
		}
	}
	__atomic_store_n(&vcpu->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
}

static void unblock_kicks(void)
{
	sigset_t kick;

	sigemptyset(&kick);
	sigaddset(&kick, KICK_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &kick, NULL);
}

static void *vcpu_thread(void *argument)
{
	struct vcpu *vcpu = argument;
	char name[16];

	snprintf(name, sizeof(name), "vcpu%u", vcpu->index);
	pthread_setname_np(pthread_self(), name);
	unblock_kicks();
	while (machine_may_run(vcpu->machine))
		run_until_kicked(vcpu);
	return NULL;
}

/* Threads inherit the mask: no signal is delivered here before the thread wants it. */
static int create_thread(struct vcpu *vcpu, const pthread_attr_t *attributes)
{
	sigset_t all, before;
	int result;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	result = pthread_create(&vcpu->thread, attributes, vcpu_thread, vcpu);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -result;
}

/* Bind the thread to the host's CPU of that number, if there is one for this vCPU. */
static int set_affinity(const struct vcpu *vcpu, pthread_attr_t *attributes)
{
	const struct vmm_config *config = vcpu->machine->config;
	cpu_set_t set[AFFINITY_SETS];

	if (vcpu->index >= config->affinity.count)
		return 0;
	CPU_ZERO_S(sizeof(set), set);
	CPU_SET_S(config->affinity.items[vcpu->index], sizeof(set), set);
	return -pthread_attr_setaffinity_np(attributes, sizeof(set), set);
}

static void explain_start(const struct vcpu *vcpu, int error)
{
	const struct vmm_config *config = vcpu->machine->config;

	if (error == -EINVAL && config->affinity.count)
		log_error("%s: vcpu%u cannot run on CPU %u: see machine.affinity", config->name,
			vcpu->index, config->affinity.items[vcpu->index]);
	else
		log_error("%s: no thread for vcpu%u: %s", config->name, vcpu->index,
			strerror(-error));
}

int vcpu_start(struct vcpu *vcpu)
{
	pthread_attr_t attributes;
	int result = -pthread_attr_init(&attributes);

	if (result == 0)
		result = -pthread_attr_setstacksize(&attributes, STACK_SIZE);
	if (result == 0)
		result = set_affinity(vcpu, &attributes);
	if (result == 0)
		result = create_thread(vcpu, &attributes);
	pthread_attr_destroy(&attributes);
	vcpu->started = result == 0;
	if (result < 0)
		explain_start(vcpu, result);
	return result;
}

void vcpu_join(struct vcpu *vcpu)
{
	if (vcpu->started)
		pthread_join(vcpu->thread, NULL);
	vcpu->started = false;
}

void vcpu_kick(struct vcpu *vcpu)
{
	if (!vcpu->started)
		return;
	__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	pthread_kill(vcpu->thread, KICK_SIGNAL);
}

/* Guests that do not use KVM's clock cannot be told. */
void vcpu_was_paused(const struct vcpu *vcpu)
{
	kvm_ioctl(vcpu->fd, KVM_KVMCLOCK_CTRL, NULL);
}
