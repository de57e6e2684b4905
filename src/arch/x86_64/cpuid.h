#ifndef CPUID_H
#define CPUID_H

#include <stdbool.h>

struct kvm_cpuid2;

/*
 * What the guest's CPUID instruction says: the host's processor as far as KVM can offer it, as one
 * socket of single-threaded cores whose APIC ids are their numbers.
 */
struct cpuid_machine {
	unsigned vcpus;
	bool tsc_deadline; /* KVM's local APIC has that timer */
	bool wide_destinations; /* the IOAPIC reaches APIC ids of 15 bits */
};

/* KVM's supported leaves, with room for those that are added; malloc'ed, NULL with errno. */
struct kvm_cpuid2 *cpuid_supported(int kvm_fd);

/* Once for a machine; the table has room for two more entries. */
void cpuid_describe_machine(struct kvm_cpuid2 *cpuid, const struct cpuid_machine *machine);

/* Before each vCPU's KVM_SET_CPUID2. */
void cpuid_set_number(struct kvm_cpuid2 *cpuid, unsigned vcpu);

#endif
