/* Why a vCPU left the guest, other than for memory: port accesses, and the ends there are. */
#include "arch.h"
#include "kvm.h"
#include "machine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/kvm.h>

#define RESET_VECTOR 0xfff0U /* AMD processors leave a triple fault as if they had been reset */
#define INSTRUCTION_BYTES 15U

/* One access, or the repetitions of a string instruction. Nobody there: reads are all ones. */
static void handle_port(const struct vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;
	uint8_t *data = (uint8_t *)vcpu->run + run->io.data_offset;
	const struct bus *bus = &vcpu->machine->bus;

	for (uint32_t i = 0; i < run->io.count; i++, data += run->io.size) {
		uint64_t value = UINT64_MAX;

		if (run->io.direction == KVM_EXIT_IO_IN) {
			bus_read(bus, BUS_PIO, run->io.port, run->io.size, &value);
			memcpy(data, &value, run->io.size);
		} else {
			value = 0;
			memcpy(&value, data, run->io.size);
			bus_write(bus, BUS_PIO, run->io.port, run->io.size, value);
		}
	}
}

int arch_handle_exit(struct vcpu *vcpu)
{
	switch (vcpu->run->exit_reason) {
	case KVM_EXIT_IO:
		handle_port(vcpu);
		return 0;
	case KVM_EXIT_IOAPIC_EOI:
	case KVM_EXIT_INTR:
		return 0;
	default:
		return -ENOTSUP;
	}
}

/* The bytes at the instruction pointer, as far as they are there. */
static unsigned read_instruction(const struct vcpu *vcpu, uint64_t rip, uint8_t *bytes)
{
	const struct kvm_run *run = vcpu->run;
	struct kvm_translation where = { .linear_address = rip };
	const uint8_t *place;
	unsigned size = 0;

	if (run->exit_reason == KVM_EXIT_INTERNAL_ERROR &&
		run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION &&
		run->emulation_failure.ndata >= 4 &&
		run->emulation_failure.flags &
			KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES &&
		run->emulation_failure.insn_size <= INSTRUCTION_BYTES) {
		memcpy(bytes, run->emulation_failure.insn_bytes, INSTRUCTION_BYTES);
		return run->emulation_failure.insn_size;
	}
	if (kvm_ioctl(vcpu->fd, KVM_TRANSLATE, &where) < 0 || !where.valid)
		return 0;
	while (size < INSTRUCTION_BYTES &&
		(place = guest_memory_at(&vcpu->machine->memory, where.physical_address + size, 1)))
		bytes[size++] = *place;
	return size;
}

static void describe_cause(const struct kvm_run *run, char *text, size_t length)
{
	switch (run->exit_reason) {
	case KVM_EXIT_SHUTDOWN:
		snprintf(text, length, "triple fault");
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		if (run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION)
			snprintf(text, length, "KVM cannot emulate an instruction");
		else
			snprintf(text, length, "KVM internal error %u", run->internal.suberror);
		break;
	case KVM_EXIT_FAIL_ENTRY:
		snprintf(text, length, "the processor refuses to enter the guest (0x%llx)",
			(unsigned long long)run->fail_entry.hardware_entry_failure_reason);
		break;
	default:
		snprintf(text, length, "KVM exit %u, which nothing here causes", run->exit_reason);
		break;
	}
}

void arch_describe_vcpu(struct vcpu *vcpu, char *text, size_t length)
{
	char cause[96], code[2 * INSTRUCTION_BYTES + 8] = "";
	uint8_t bytes[INSTRUCTION_BYTES];
	struct kvm_regs registers = { 0 };
	unsigned size;

	describe_cause(vcpu->run, cause, sizeof(cause));
	if (kvm_ioctl(vcpu->fd, KVM_GET_REGS, &registers) < 0 ||
		(vcpu->run->exit_reason == KVM_EXIT_SHUTDOWN && registers.rip == RESET_VECTOR)) {
		snprintf(text, length, "vcpu%u: %s", vcpu->index, cause);
		return;
	}
	size = read_instruction(vcpu, registers.rip, bytes);
	for (unsigned i = 0; i < size; i++)
		snprintf(code + (size_t)2 * i, 3, "%02x", bytes[i]);
	snprintf(text, length, "vcpu%u: %s at rip 0x%llx%s%s", vcpu->index, cause,
		(unsigned long long)registers.rip, size ? ", code " : "", code);
}
