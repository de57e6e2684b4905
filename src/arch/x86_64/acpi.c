/* ACPI tables: RSDP, XSDT, FADT, MADT and DSDT (ACPI 6.4, chapter 5). */
#include "acpi.h"

#include "aml.h"
#include "layout.h"

#include <stddef.h>
#include <string.h>

#define FADT_REVISION 6U
#define FADT_MINOR_REVISION 4U
#define FADT_WRITE_BACK_FLUSH (1U << 0)
#define FADT_NO_FIXED_POWER_BUTTON (1U << 4)
#define FADT_NO_FIXED_SLEEP_BUTTON (1U << 5)
#define FADT_RESET_REGISTER (1U << 10)
#define FADT_HARDWARE_REDUCED (1U << 20)
#define BOOT_NO_VGA (1U << 2)
#define BOOT_NO_CLOCK (1U << 5) /* and with bit 1 clear there is no keyboard controller either */

#define SPACE_IO 1U
#define ACCESS_BYTE 1U

#define MADT_LOCAL_APIC 0U
#define MADT_IOAPIC 1U
#define MADT_LOCAL_APIC_NMI 4U
#define MADT_LOCAL_X2APIC 9U
#define MADT_LOCAL_X2APIC_NMI 10U
#define MOST_8_BIT_ID 254U
#define ENABLED 1U
#define NMI_INPUT 1U

struct header {
	char signature[4];
	uint32_t length;
	uint8_t revision;
	uint8_t checksum;
	char oem[6];
	char oem_table[8];
	uint32_t oem_revision;
	char compiler[4];
	uint32_t compiler_revision;
} __attribute__((packed));

struct address {
	uint8_t space;
	uint8_t bits;
	uint8_t offset;
	uint8_t access;
	uint64_t address;
} __attribute__((packed));

struct rsdp {
	char signature[8];
	uint8_t checksum; /* of the first 20 bytes */
	char oem[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
	uint8_t whole_checksum;
	uint8_t reserved[3];
} __attribute__((packed));

struct xsdt {
	struct header header;
	uint64_t table[2];
} __attribute__((packed));

/* Names only for what is used here; all else is zero. */
struct fadt {
	struct header header;
	uint32_t firmware_control;
	uint32_t dsdt;
	uint8_t unused_to_boot[65];
	uint16_t boot_architecture;
	uint8_t reserved;
	uint32_t flags;
	struct address reset_register;
	uint8_t reset_value;
	uint16_t arm_boot;
	uint8_t minor_revision;
	uint64_t wide_firmware_control;
	uint64_t wide_dsdt;
	struct address fixed_hardware[8];
	struct address sleep_control;
	struct address sleep_status;
	char hypervisor[8];
} __attribute__((packed));

_Static_assert(offsetof(struct fadt, flags) == 112, "FADT flags");
_Static_assert(offsetof(struct fadt, sleep_control) == 244, "FADT sleep control");
_Static_assert(sizeof(struct fadt) == 276, "FADT, revision 6");

/* Where tables are being written. */
struct area {
	uint8_t *bytes;
	size_t size;
	size_t used;
	uint64_t address;
	bool full;
};

static void append(struct area *area, const void *bytes, size_t size)
{
	if (area->full || size > area->size - area->used) {
		area->full = true;
		return;
	}
	memcpy(area->bytes + area->used, bytes, size);
	area->used += size;
}

static void append_8(struct area *area, unsigned value)
{
	append(area, &(uint8_t){ (uint8_t)value }, 1);
}

static void append_16(struct area *area, unsigned value)
{
	append_8(area, value);
	append_8(area, value >> 8);
}

static void append_32(struct area *area, uint32_t value)
{
	append_16(area, value);
	append_16(area, value >> 16);
}

static uint8_t checksum_of(const uint8_t *bytes, size_t size)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum = (uint8_t)(sum + bytes[i]);
	return (uint8_t)-sum;
}

static struct header make_header(const char *signature, uint8_t revision)
{
	struct header header = {
		.revision = revision,
		.oem = "VMM   ",
		.oem_revision = 1,
		.compiler_revision = 1,
	};

	memcpy(header.signature, signature, sizeof(header.signature));
	memcpy(header.oem_table, "GUEST   ", sizeof(header.oem_table));
	memcpy(header.compiler, "VMM ", sizeof(header.compiler));
	return header;
}

static size_t align(struct area *area)
{
	static const uint8_t zero[16];

	append(area, zero, -area->used % sizeof(zero));
	return area->used;
}

/* Length and checksum of a table that begins there and ends here. Its guest address. */
static uint64_t finish(struct area *area, size_t start)
{
	struct header *header = (struct header *)(void *)(area->bytes + start);

	if (area->full)
		return 0;
	header->length = (uint32_t)(area->used - start);
	header->checksum = 0;
	header->checksum = checksum_of(area->bytes + start, area->used - start);
	return area->address + start;
}

static uint64_t write_dsdt(struct area *area, const struct acpi_machine *machine)
{
	struct header header = make_header("DSDT", 2);
	size_t start = align(area);
	struct aml aml;

	append(area, &header, sizeof(header));
	if (area->full)
		return 0;
	aml = (struct aml){ area->bytes + area->used, area->size - area->used, 0, false };
	acpi_write_devices(machine, &aml);
	area->used += aml.length;
	area->full = aml.full;
	return finish(area, start);
}

static struct address port(unsigned number)
{
	return (struct address){ SPACE_IO, 8, 0, ACCESS_BYTE, number };
}

static uint64_t write_fadt(struct area *area, uint64_t dsdt)
{
	struct fadt fadt = {
		.header = make_header("FACP", FADT_REVISION),
		.dsdt = (uint32_t)dsdt,
		.boot_architecture = BOOT_NO_VGA | BOOT_NO_CLOCK,
		.flags = FADT_WRITE_BACK_FLUSH | FADT_NO_FIXED_POWER_BUTTON |
			FADT_NO_FIXED_SLEEP_BUTTON | FADT_RESET_REGISTER | FADT_HARDWARE_REDUCED,
		.reset_register = port(PORT_RESET),
		.reset_value = RESET_VALUE,
		.minor_revision = FADT_MINOR_REVISION,
		.wide_dsdt = dsdt,
		.sleep_control = port(PORT_SLEEP_CONTROL),
		.sleep_status = port(PORT_SLEEP_STATUS),
		.hypervisor = "VMM",
	};
	size_t start = align(area);

	append(area, &fadt, sizeof(fadt));
	return finish(area, start);
}

static void append_processor(struct area *area, unsigned number)
{
	if (number <= MOST_8_BIT_ID) {
		append_8(area, MADT_LOCAL_APIC);
		append_8(area, 8);
		append_8(area, number);
		append_8(area, number);
		append_32(area, ENABLED);
		return;
	}
	append_8(area, MADT_LOCAL_X2APIC);
	append_8(area, 16);
	append_16(area, 0);
	append_32(area, number);
	append_32(area, ENABLED);
	append_32(area, number);
}

static void append_ioapic(struct area *area)
{
	append_8(area, MADT_IOAPIC);
	append_8(area, 12);
	append_8(area, 0); /* its id */
	append_8(area, 0);
	append_32(area, IOAPIC_BASE);
	append_32(area, 0); /* its first GSI */
}

/* Of every processor, by both kinds of ids. */
static void append_nmi(struct area *area, unsigned vcpus)
{
	append_8(area, MADT_LOCAL_APIC_NMI);
	append_8(area, 6);
	append_8(area, 0xff);
	append_16(area, 0);
	append_8(area, NMI_INPUT);
	if (vcpus <= MOST_8_BIT_ID + 1)
		return;
	append_8(area, MADT_LOCAL_X2APIC_NMI);
	append_8(area, 12);
	append_16(area, 0);
	append_32(area, UINT32_MAX);
	append_32(area, NMI_INPUT); /* and three reserved bytes */
}

static uint64_t write_madt(struct area *area, const struct acpi_machine *machine)
{
	struct header header = make_header("APIC", 5);
	size_t start = align(area);

	append(area, &header, sizeof(header));
	append_32(area, LOCAL_APIC_BASE);
	append_32(area, 0); /* no 8259 */
	for (unsigned i = 0; i < machine->vcpus; i++)
		append_processor(area, i);
	append_ioapic(area);
	append_nmi(area, machine->vcpus);
	return finish(area, start);
}

static uint64_t write_xsdt(struct area *area, uint64_t fadt, uint64_t madt)
{
	struct xsdt xsdt = { make_header("XSDT", 1), { fadt, madt } };
	size_t start = align(area);

	append(area, &xsdt, sizeof(xsdt));
	return finish(area, start);
}

static void write_rsdp(struct area *area, uint64_t xsdt)
{
	struct rsdp rsdp = {
		.oem = "VMM   ",
		.revision = 2,
		.length = sizeof(rsdp),
		.xsdt = xsdt,
	};

	memcpy(rsdp.signature, "RSD PTR ", sizeof(rsdp.signature));
	rsdp.checksum = checksum_of((const uint8_t *)&rsdp, 20);
	rsdp.whole_checksum = checksum_of((const uint8_t *)&rsdp, sizeof(rsdp));
	memcpy(area->bytes, &rsdp, sizeof(rsdp));
}

// NOLINTNEXTLINE(readability-non-const-parameter): written through the struct
size_t acpi_build(const struct acpi_machine *machine, uint8_t *area, size_t size, uint64_t address)
{
	struct area tables = { area, size, sizeof(struct rsdp), address, false };
	uint64_t dsdt, fadt, madt, xsdt;

	if (size < sizeof(struct rsdp))
		return 0;
	dsdt = write_dsdt(&tables, machine);
	fadt = write_fadt(&tables, dsdt);
	madt = write_madt(&tables, machine);
	xsdt = write_xsdt(&tables, fadt, madt);
	if (tables.full)
		return 0;
	write_rsdp(&tables, xsdt);
	return tables.used;
}
