/* CPUID (Intel SDM volume 2A; AMD64 APM volume 3, appendix E; KVM's own leaves). */
#include "cpuid.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/kvm.h>

#define LEAF_MAXIMUM 0x0U
#define LEAF_FEATURES 0x1U
#define LEAF_CACHES 0x4U
#define LEAF_TOPOLOGY 0xbU
#define LEAF_TOPOLOGY_V2 0x1fU
#define LEAF_KVM_FEATURES 0x40000001U
#define LEAF_AMD_FEATURES 0x80000001U
#define LEAF_AMD_SIZES 0x80000008U
#define LEAF_AMD_CACHES 0x8000001dU
#define LEAF_AMD_TOPOLOGY 0x8000001eU

#define VENDOR_AMD 0x68747541U /* "Auth", the first part */
#define VENDOR_HYGON 0x6f677948U

#define FEATURE_X2APIC (1U << 21) /* ecx */
#define FEATURE_TSC_DEADLINE (1U << 24) /* ecx */
#define FEATURE_HYPERVISOR (1U << 31) /* ecx */
#define FEATURE_MANY (1U << 28) /* edx: the logical processor count is valid */
#define FEATURE_AMD_CORES (1U << 1) /* ecx: those are cores, not threads */
#define FEATURE_WIDE_MESSAGES (1U << 15) /* eax of KVM's features */

#define LEVEL_THREAD 1U
#define LEVEL_CORE 2U
#define SHARED_CACHE_LEVEL 3U

#define FIRST_ROOM 128U
#define MOST_ROOM 1024U
#define ADDED_ENTRIES 2U

static struct kvm_cpuid2 *allocate(unsigned entries)
{
	return calloc(1,
		sizeof(struct kvm_cpuid2) +
			(entries + ADDED_ENTRIES) * sizeof(struct kvm_cpuid_entry2));
}

struct kvm_cpuid2 *cpuid_supported(int kvm_fd)
{
	for (unsigned entries = FIRST_ROOM; entries <= MOST_ROOM; entries *= 2) {
		struct kvm_cpuid2 *cpuid = allocate(entries);

		if (!cpuid)
			return NULL;
		cpuid->nent = entries;
		if (ioctl(kvm_fd, KVM_GET_SUPPORTED_CPUID, cpuid) == 0)
			return cpuid;
		free(cpuid);
		if (errno != E2BIG)
			return NULL;
	}
	errno = E2BIG;
	return NULL;
}

static struct kvm_cpuid_entry2 *find(struct kvm_cpuid2 *cpuid, uint32_t leaf)
{
	for (uint32_t i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == leaf)
			return &cpuid->entries[i];
	return NULL;
}

static void drop(struct kvm_cpuid2 *cpuid, uint32_t leaf)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function != leaf)
			cpuid->entries[kept++] = cpuid->entries[i];
	cpuid->nent = kept;
}

/* Bits that number so many cores. */
static uint32_t width(unsigned vcpus)
{
	uint32_t bits = 0;

	while (bits < 31 && 1U << bits < vcpus)
		bits++;
	return bits;
}

static uint32_t at_most(uint32_t value, uint32_t limit)
{
	return value < limit ? value : limit;
}

static void describe_features(struct kvm_cpuid2 *cpuid, const struct cpuid_machine *machine)
{
	struct kvm_cpuid_entry2 *leaf = find(cpuid, LEAF_FEATURES);
	uint32_t count = at_most(1U << width(machine->vcpus), 255);

	if (!leaf)
		return;
	leaf->ecx |= FEATURE_HYPERVISOR | FEATURE_X2APIC;
	if (machine->tsc_deadline)
		leaf->ecx |= FEATURE_TSC_DEADLINE;
	leaf->ebx = (leaf->ebx & 0xff00ffffU) | count << 16;
	leaf->edx = machine->vcpus > 1 ? leaf->edx | FEATURE_MANY : leaf->edx & ~FEATURE_MANY;
}

/* Both vendors number in one format who shares a cache: all cores the last level, else nobody. */
static void describe_caches(struct kvm_cpuid2 *cpuid, const struct cpuid_machine *machine)
{
	uint32_t last = (1U << width(machine->vcpus)) - 1;

	for (uint32_t i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *leaf = &cpuid->entries[i];
		uint32_t level = leaf->eax >> 5 & 7, type = leaf->eax & 0x1f;
		uint32_t shared = level >= SHARED_CACHE_LEVEL ? at_most(last, 0xfff) : 0;

		if (type == 0 ||
			(leaf->function != LEAF_CACHES && leaf->function != LEAF_AMD_CACHES))
			continue;
		leaf->eax = (leaf->eax & 0x3fffU) | shared << 14;
		if (leaf->function == LEAF_CACHES)
			leaf->eax |= at_most(last, 0x3f) << 26;
	}
}

static void add_level(struct kvm_cpuid2 *cpuid, uint32_t index, uint32_t shift, uint32_t count)
{
	cpuid->entries[cpuid->nent++] = (struct kvm_cpuid_entry2){
		.function = LEAF_TOPOLOGY,
		.index = index,
		.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
		.eax = shift,
		.ebx = at_most(count, 0xffff),
		.ecx = index | (index == 0 ? LEVEL_THREAD : LEVEL_CORE) << 8,
	};
}

static void describe_topology(struct kvm_cpuid2 *cpuid, const struct cpuid_machine *machine)
{
	struct kvm_cpuid_entry2 *maximum;

	drop(cpuid, LEAF_TOPOLOGY);
	drop(cpuid, LEAF_TOPOLOGY_V2);
	add_level(cpuid, 0, 0, 1);
	add_level(cpuid, 1, width(machine->vcpus), machine->vcpus);
	maximum = find(cpuid, LEAF_MAXIMUM);
	if (maximum && maximum->eax < LEAF_TOPOLOGY)
		maximum->eax = LEAF_TOPOLOGY;
}

static void describe_amd(struct kvm_cpuid2 *cpuid, const struct cpuid_machine *machine)
{
	struct kvm_cpuid_entry2 *vendor = find(cpuid, LEAF_MAXIMUM);
	struct kvm_cpuid_entry2 *features = find(cpuid, LEAF_AMD_FEATURES);
	struct kvm_cpuid_entry2 *sizes = find(cpuid, LEAF_AMD_SIZES);

	if (!vendor || (vendor->ebx != VENDOR_AMD && vendor->ebx != VENDOR_HYGON))
		return;
	if (features && machine->vcpus > 1)
		features->ecx |= FEATURE_AMD_CORES;
	if (sizes)
		sizes->ecx = at_most(machine->vcpus - 1, 0xff) | width(machine->vcpus) << 12;
}

void cpuid_describe_machine(struct kvm_cpuid2 *cpuid, const struct cpuid_machine *machine)
{
	struct kvm_cpuid_entry2 *kvm;

	describe_features(cpuid, machine);
	describe_caches(cpuid, machine);
	describe_topology(cpuid, machine);
	describe_amd(cpuid, machine);
	kvm = find(cpuid, LEAF_KVM_FEATURES);
	if (kvm && machine->wide_destinations)
		kvm->eax |= FEATURE_WIDE_MESSAGES;
}

void cpuid_set_number(struct kvm_cpuid2 *cpuid, unsigned vcpu)
{
	for (uint32_t i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *leaf = &cpuid->entries[i];

		switch (leaf->function) {
		case LEAF_FEATURES:
			leaf->ebx = (leaf->ebx & 0x00ffffffU) | at_most(vcpu, 0xff) << 24;
			break;
		case LEAF_TOPOLOGY:
			leaf->edx = vcpu;
			break;
		case LEAF_AMD_TOPOLOGY:
			leaf->eax = vcpu;
			leaf->ebx = vcpu & 0xff;
			leaf->ecx = 0;
			break;
		default:
			break;
		}
	}
}
