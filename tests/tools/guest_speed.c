/*
 * Says how this machine runs guest kernel code: prints "native", "emulated" or "none REASON".
 *
 * A loop of known length runs at privilege level 0 in a guest of one page. On a processor it takes
 * nanoseconds per turn; where KVM interprets each instruction, it takes a microsecond. The boundary
 * is far from both, also under a software-emulated processor.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <linux/kvm.h>

enum {
	PAGE_SIZE = 4096,
	SHORT_LOOP = 10,
	LONG_LOOP = 2010,
	ATTEMPTS = 5,
	EMULATED_NS = 200, /* per turn; and above */
};

/* 32-bit: dec ecx; jnz back to it; hlt */
static const uint8_t loop_code[] = { 0x49, 0x75, 0xfd, 0xf4 };

struct guest {
	int kvm;
	int vm;
	int vcpu;
	void *memory;
	struct kvm_run *run;
	size_t run_size;
};

static int create_vm(struct guest *guest)
{
	guest->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (guest->kvm < 0)
		return -errno;
	guest->vm = ioctl(guest->kvm, KVM_CREATE_VM, 0UL);
	if (guest->vm < 0)
		return -errno;
	guest->memory =
		mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (guest->memory == MAP_FAILED)
		return -errno;
	memcpy(guest->memory, loop_code, sizeof(loop_code));

	struct kvm_userspace_memory_region region = {
		.memory_size = PAGE_SIZE,
		.userspace_addr = (uintptr_t)guest->memory,
	};
	return ioctl(guest->vm, KVM_SET_USER_MEMORY_REGION, &region) < 0 ? -errno : 0;
}

/* Flat protected mode, level 0: what kernels run in, unlike real mode, which older processors
 * leave to KVM's interpreter although they run kernels natively. */
static int enter_protected_mode(struct guest *guest)
{
	struct kvm_sregs sregs;
	const struct kvm_segment code = { .limit = 0xffffffff,
		.selector = 8,
		.type = 11,
		.present = 1,
		.db = 1,
		.s = 1,
		.g = 1 };
	struct kvm_segment data = code;

	if (ioctl(guest->vcpu, KVM_GET_SREGS, &sregs) < 0)
		return -errno;
	data.selector = 16;
	data.type = 3;
	sregs.cs = code;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.cr0 |= 1;
	return ioctl(guest->vcpu, KVM_SET_SREGS, &sregs) < 0 ? -errno : 0;
}

static int create_vcpu(struct guest *guest)
{
	int size = ioctl(guest->kvm, KVM_GET_VCPU_MMAP_SIZE, 0UL);

	if (size < 0)
		return -errno;
	guest->vcpu = ioctl(guest->vm, KVM_CREATE_VCPU, 0UL);
	if (guest->vcpu < 0)
		return -errno;
	guest->run_size = (size_t)size;
	guest->run =
		mmap(NULL, guest->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, guest->vcpu, 0);
	if (guest->run == MAP_FAILED)
		return -ENOMEM;
	return enter_protected_mode(guest);
}

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

/* Nanoseconds for one run of the loop, or -errno. */
static int64_t run_loop(struct guest *guest, uint64_t turns)
{
	struct kvm_regs regs = { .rcx = turns, .rflags = 2 };
	int64_t begin;

	if (ioctl(guest->vcpu, KVM_SET_REGS, &regs) < 0)
		return -errno;
	begin = now();
	if (ioctl(guest->vcpu, KVM_RUN, 0UL) < 0)
		return -errno;
	// NOLINTNEXTLINE(clang-analyzer-core.NullDereference): errno is not 0 after a failure
	if (guest->run->exit_reason != KVM_EXIT_HLT)
		return -EIO;
	return now() - begin;
}

/* The shortest of several runs: what disturbs a run only makes it longer. */
static int64_t shortest_run(struct guest *guest, uint64_t turns)
{
	int64_t shortest = INT64_MAX;

	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		int64_t duration = run_loop(guest, turns);

		if (duration < shortest)
			shortest = duration;
		if (duration < 0)
			break;
	}
	return shortest;
}

static int measure(struct guest *guest)
{
	int64_t brief, extended, per_turn;

	brief = shortest_run(guest, SHORT_LOOP);
	if (brief < 0)
		return (int)brief;
	extended = shortest_run(guest, LONG_LOOP);
	if (extended < 0)
		return (int)extended;
	per_turn = (extended - brief) / (LONG_LOOP - SHORT_LOOP);
	printf("%s\n", per_turn < EMULATED_NS ? "native" : "emulated");
	return 0;
}

static void destroy(struct guest *guest)
{
	if (guest->run && guest->run != MAP_FAILED)
		munmap(guest->run, guest->run_size);
	if (guest->memory && guest->memory != MAP_FAILED)
		munmap(guest->memory, PAGE_SIZE);
	if (guest->vcpu >= 0)
		close(guest->vcpu);
	if (guest->vm >= 0)
		close(guest->vm);
	if (guest->kvm >= 0)
		close(guest->kvm);
}

int main(void)
{
	struct guest guest = { .kvm = -1, .vm = -1, .vcpu = -1 };
	int error = create_vm(&guest);

	if (!error)
		error = create_vcpu(&guest);
	if (!error)
		error = measure(&guest);
	if (error)
		printf("none /dev/kvm: %s\n", strerror(-error));
	destroy(&guest);
	return 0;
}
