/*
 * The least that a virtual machine takes: the limit for starting and for memory. One vCPU, 32 MiB,
 * and a guest that halts. Stays until it is killed, as an idle machine does.
 */

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/kvm.h>

#define MEMORY_SIZE (32UL << 20)
#define CPUID_ROOM 128
#define START 0x1000
#define HALT 0xf4

union cpuid {
	struct kvm_cpuid2 table;
	uint8_t room[sizeof(struct kvm_cpuid2) + CPUID_ROOM * sizeof(struct kvm_cpuid_entry2)];
};

static int need(int result, const char *what)
{
	if (result >= 0)
		return result;
	perror(what);
	exit(1);
}

static void *map(int fd, size_t size, int flags)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (memory == MAP_FAILED)
		need(-1, "mmap");
	return memory;
}

static int create_machine(int kvm)
{
	int machine = need(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	int memory_fd = need(memfd_create("memory", MFD_CLOEXEC), "memfd_create");
	uint8_t *memory;

	need(ftruncate(memory_fd, MEMORY_SIZE), "ftruncate");
	memory = map(memory_fd, MEMORY_SIZE, MAP_SHARED);
	memory[START] = HALT;
	need(ioctl(machine, KVM_SET_USER_MEMORY_REGION,
		     &(struct kvm_userspace_memory_region){
			     .memory_size = MEMORY_SIZE,
			     .userspace_addr = (uintptr_t)memory,
		     }),
		"KVM_SET_USER_MEMORY_REGION");
	return machine;
}

static int create_vcpu(int kvm, int machine)
{
	static union cpuid cpuid = { .table = { .nent = CPUID_ROOM } };
	struct kvm_regs registers = { .rip = START, .rflags = 2 };
	struct kvm_sregs special;
	int vcpu = need(ioctl(machine, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");

	need(ioctl(kvm, KVM_GET_SUPPORTED_CPUID, &cpuid), "KVM_GET_SUPPORTED_CPUID");
	need(ioctl(vcpu, KVM_SET_CPUID2, &cpuid), "KVM_SET_CPUID2");
	need(ioctl(vcpu, KVM_GET_SREGS, &special), "KVM_GET_SREGS");
	special.cs.base = 0;
	special.cs.selector = 0;
	need(ioctl(vcpu, KVM_SET_SREGS, &special), "KVM_SET_SREGS");
	need(ioctl(vcpu, KVM_SET_REGS, &registers), "KVM_SET_REGS");
	return vcpu;
}

int main(void)
{
	int kvm = need(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
	int machine = create_machine(kvm);
	int vcpu = create_vcpu(kvm, machine);
	size_t size = (size_t)need(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
	struct kvm_run *run = map(vcpu, size, MAP_SHARED);

	need(ioctl(vcpu, KVM_RUN, 0), "KVM_RUN");
	if (run->exit_reason != KVM_EXIT_HLT) {
		fprintf(stderr, "the guest did not halt: exit %u\n", run->exit_reason);
		return 1;
	}
	puts("idle");
	fflush(stdout);
	for (;;)
		pause();
}
