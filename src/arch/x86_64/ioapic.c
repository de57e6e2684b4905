/* The IOAPIC's registers: where the guest says which interrupt each line is. */
#include "ioapic.h"

#include <string.h>

#define WINDOW_SELECT 0x00U
#define WINDOW_DATA 0x10U

#define REGISTER_ID 0U
#define REGISTER_VERSION 1U
#define REGISTER_ARBITRATION 2U
#define REGISTER_ENTRIES 0x10U
#define VERSION 0x11U
#define ID_MASK 0x0f000000U

#define ENTRY_MASKED (1ULL << 16)
#define ENTRY_READ_ONLY 0x5000ULL /* delivery status, remote IRR: never set here */

#define DELIVER_FIXED 0U
#define DELIVER_LOWEST_PRIORITY 1U
#define DELIVER_NMI 4U

void ioapic_init(struct ioapic *ioapic, bool wide_destinations, void (*changed)(void *owner),
	void *owner)
{
	memset(ioapic, 0, sizeof(*ioapic));
	pthread_mutex_init(&ioapic->lock, NULL);
	ioapic->wide_destinations = wide_destinations;
	ioapic->changed = changed;
	ioapic->owner = owner;
	for (unsigned i = 0; i < IOAPIC_PINS; i++)
		ioapic->entry[i] = ENTRY_MASKED;
}

void ioapic_destroy(struct ioapic *ioapic)
{
	pthread_mutex_destroy(&ioapic->lock);
}

static bool translate(const struct ioapic *ioapic, uint64_t entry, struct ioapic_message *message)
{
	uint32_t vector = entry & 0xff, delivery = (entry >> 8) & 7, logical = (entry >> 11) & 1;
	uint32_t destination = (uint32_t)(entry >> 56), high = (entry >> 49) & 0x7f;

	*message = (struct ioapic_message){
		.address_low = LOCAL_APIC_BASE | destination << 12 | logical << 2,
		.address_high = ioapic->wide_destinations ? high << 8 : 0,
		.data = delivery << 8 | vector,
	};
	if (entry & ENTRY_MASKED)
		return false;
	return delivery == DELIVER_FIXED || delivery == DELIVER_LOWEST_PRIORITY ||
		delivery == DELIVER_NMI;
}

bool ioapic_message(const struct ioapic *ioapic, unsigned pin, struct ioapic_message *message)
{
	return pin < IOAPIC_PINS && translate(ioapic, ioapic->entry[pin], message);
}

static bool same(const struct ioapic_message *left, const struct ioapic_message *right)
{
	return left->address_low == right->address_low &&
		left->address_high == right->address_high && left->data == right->data;
}

static void set_entry(struct ioapic *ioapic, unsigned pin, uint64_t entry)
{
	struct ioapic_message before, after;
	bool was_on = translate(ioapic, ioapic->entry[pin], &before);
	bool is_on = translate(ioapic, entry, &after);

	ioapic->entry[pin] = entry & ~ENTRY_READ_ONLY;
	if (was_on != is_on || (is_on && !same(&before, &after)))
		ioapic->changed(ioapic->owner);
}

static uint32_t read_register(const struct ioapic *ioapic)
{
	uint32_t number = ioapic->select - REGISTER_ENTRIES;

	switch (ioapic->select) {
	case REGISTER_ID:
	case REGISTER_ARBITRATION:
		return ioapic->id;
	case REGISTER_VERSION:
		return VERSION | (IOAPIC_PINS - 1) << 16;
	default:
		if (ioapic->select < REGISTER_ENTRIES || number / 2 >= IOAPIC_PINS)
			return 0;
		return (uint32_t)(ioapic->entry[number / 2] >> (number % 2 * 32));
	}
}

static void write_register(struct ioapic *ioapic, uint32_t value)
{
	uint32_t number = ioapic->select - REGISTER_ENTRIES;
	uint64_t entry;

	if (ioapic->select == REGISTER_ID)
		ioapic->id = value & ID_MASK;
	if (ioapic->select < REGISTER_ENTRIES || number / 2 >= IOAPIC_PINS)
		return;
	entry = ioapic->entry[number / 2];
	if (number % 2)
		entry = (entry & UINT32_MAX) | (uint64_t)value << 32;
	else
		entry = (entry & ~(uint64_t)UINT32_MAX) | value;
	set_entry(ioapic, number / 2, entry);
}

uint64_t ioapic_read(void *owner, uint64_t offset, unsigned length)
{
	struct ioapic *ioapic = owner;
	uint32_t value = 0;

	(void)length;
	pthread_mutex_lock(&ioapic->lock);
	if (offset == WINDOW_SELECT)
		value = ioapic->select;
	else if (offset == WINDOW_DATA)
		value = read_register(ioapic);
	pthread_mutex_unlock(&ioapic->lock);
	return value;
}

void ioapic_write(void *owner, uint64_t offset, unsigned length, uint64_t value)
{
	struct ioapic *ioapic = owner;

	(void)length;
	pthread_mutex_lock(&ioapic->lock);
	if (offset == WINDOW_SELECT)
		ioapic->select = value & 0xff;
	else if (offset == WINDOW_DATA)
		write_register(ioapic, (uint32_t)value);
	pthread_mutex_unlock(&ioapic->lock);
}
