/* What a virtual processor is and how it starts (Intel SDM volume 3; Linux and PVH boot entries).
 */
#include "arch.h"
#include "boot_data.h"
#include "compiler.h"
#include "cpuid.h"
#include "kvm.h"
#include "layout.h"
#include "log.h"
#include "machine.h"
#include "platform.h"

#include <errno.h>
#include <string.h>

#include <linux/kvm.h>

#define CR0_PROTECTED 0x1U
#define CR0_EXTENSION_TYPE 0x10U
#define CR0_PAGING 0x80000000U
#define CR4_PHYSICAL_EXTENSION 0x20U
#define EFER_LONG_MODE_ENABLED 0x100U
#define EFER_LONG_MODE_ACTIVE 0x400U
#define FLAGS_RESERVED 0x2U

#define APIC_BASE_X2APIC 0x400U

#define CODE_SELECTOR 0x10U
#define DATA_SELECTOR 0x18U
#define TYPE_CODE 0xbU /* read, accessed */
#define TYPE_DATA 0x3U /* write, accessed */
#define TYPE_TASK 0xbU /* busy */

#define MSR_MISC_ENABLE 0x1a0U
#define MISC_FAST_STRINGS 0x1U
#define MSR_MTRR_DEFAULT 0x2ffU
#define MTRR_ENABLED_WRITE_BACK 0x806U

static int fail(const struct vcpu *vcpu, const char *what, int error)
{
	log_error("%s: KVM refuses vcpu%u's %s: %s", vcpu->machine->config->name, vcpu->index, what,
		strerror(-error));
	return error;
}

static int make_cpuid(struct machine *machine)
{
	struct cpuid_machine description = {
		.vcpus = machine->config->vcpus,
		.tsc_deadline = kvm_capability(machine->kvm_fd, KVM_CAP_TSC_DEADLINE_TIMER),
		.wide_destinations = machine->platform->ioapic.wide_destinations,
	};

	machine->platform->cpuid = cpuid_supported(machine->kvm_fd);
	if (!machine->platform->cpuid) {
		log_error("%s: KVM does not say what processor it offers: %s",
			machine->config->name, strerror(errno));
		return -errno;
	}
	cpuid_describe_machine(machine->platform->cpuid, &description);
	return 0;
}

union one_register {
	struct kvm_msrs list;
	uint8_t room[sizeof(struct kvm_msrs) + sizeof(struct kvm_msr_entry)];
};

/* What firmware would have left behind. A register that KVM does not know is none the guest has. */
static void set_firmware_registers(const struct vcpu *vcpu)
{
	static const struct kvm_msr_entry registers[] = {
		{ .index = MSR_MTRR_DEFAULT, .data = MTRR_ENABLED_WRITE_BACK },
		{ .index = MSR_MISC_ENABLE, .data = MISC_FAST_STRINGS },
	};

	for (size_t i = 0; i < ARRAY_SIZE(registers); i++) {
		union one_register one = { .room = { 0 } };

		one.list.nmsrs = 1;
		one.list.entries[0] = registers[i];
		kvm_ioctl(vcpu->fd, KVM_SET_MSRS, &one);
	}
}

int arch_create_vcpu(struct vcpu *vcpu)
{
	struct platform *platform = vcpu->machine->platform;
	int result = platform->cpuid ? 0 : make_cpuid(vcpu->machine);

	if (result < 0)
		return result;
	cpuid_set_number(platform->cpuid, vcpu->index);
	result = kvm_ioctl(vcpu->fd, KVM_SET_CPUID2, platform->cpuid);
	if (result < 0)
		return fail(vcpu, "features", result);
	set_firmware_registers(vcpu);
	return 0;
}

static struct kvm_segment segment(uint16_t selector, uint8_t type, bool long_mode)
{
	return (struct kvm_segment){
		.limit = UINT32_MAX,
		.selector = selector,
		.type = type,
		.present = 1,
		.s = 1,
		.g = 1,
		.l = long_mode,
		.db = !long_mode,
	};
}

static void set_segments(struct kvm_sregs *registers, bool long_mode)
{
	struct kvm_segment data = segment(DATA_SELECTOR, TYPE_DATA, false);

	registers->cs = segment(CODE_SELECTOR, TYPE_CODE, long_mode);
	registers->ds = registers->es = registers->fs = registers->gs = registers->ss = data;
	registers->tr = (struct kvm_segment){ .limit = 0x67, .type = TYPE_TASK, .present = 1 };
	registers->gdt = (struct kvm_dtable){ .base = BOOT_GDT, .limit = 4 * 8 - 1 };
	registers->idt = (struct kvm_dtable){ 0 };
}

static void set_mode(struct kvm_sregs *registers, bool long_mode)
{
	registers->cr0 = CR0_PROTECTED | CR0_EXTENSION_TYPE;
	registers->cr4 = 0;
	registers->efer = 0;
	if (!long_mode)
		return;
	registers->cr0 |= CR0_PAGING;
	registers->cr3 = BOOT_PAGE_TABLES;
	registers->cr4 = CR4_PHYSICAL_EXTENSION;
	registers->efer = EFER_LONG_MODE_ENABLED | EFER_LONG_MODE_ACTIVE;
}

/* Ids beyond 8 bits are usable only by processors that firmware left in x2APIC mode. */
static void set_apic_mode(const struct vcpu *vcpu, struct kvm_sregs *registers)
{
	if (vcpu->machine->platform->ioapic.wide_destinations)
		registers->apic_base |= APIC_BASE_X2APIC;
}

static int set_entry(const struct vcpu *vcpu)
{
	const struct boot_entry *entry = &vcpu->machine->entry;
	bool long_mode = entry->mode == BOOT_LONG_MODE;
	struct kvm_regs general = {
		.rip = entry->address,
		.rflags = FLAGS_RESERVED,
		.rsp = BOOT_STACK,
		.rsi = long_mode ? entry->argument : 0,
		.rbx = long_mode ? 0 : entry->argument,
	};
	int result = kvm_ioctl(vcpu->fd, KVM_SET_REGS, &general);

	return result < 0 ? fail(vcpu, "registers", result) : 0;
}

/* Others wait for the start-up interrupt already: that is how KVM makes them. */
int arch_start_vcpu(struct vcpu *vcpu)
{
	bool long_mode = vcpu->machine->entry.mode == BOOT_LONG_MODE;
	bool boots = vcpu->index == 0;
	struct kvm_sregs system = { 0 };
	int result;

	if (!boots && !vcpu->machine->platform->ioapic.wide_destinations)
		return 0;
	result = kvm_ioctl(vcpu->fd, KVM_GET_SREGS, &system);
	if (result < 0)
		return fail(vcpu, "system registers", result);
	if (boots) {
		set_segments(&system, long_mode);
		set_mode(&system, long_mode);
	}
	set_apic_mode(vcpu, &system);
	result = kvm_ioctl(vcpu->fd, KVM_SET_SREGS, &system);
	if (result < 0)
		return fail(vcpu, "system registers", result);
	return boots ? set_entry(vcpu) : 0;
}
