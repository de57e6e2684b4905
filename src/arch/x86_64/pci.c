/* PCI configuration mechanism 1 (PCI 3.0, section 3.2.2.3.2) of an empty bus. */
#include "pci.h"

#include <stddef.h>

#define ADDRESS_OFFSET 0U
#define DATA_OFFSET 4U
#define ADDRESS_ENABLE 0x80000000U
#define ADDRESS_DEVICE 0x00ffff00U
#define ADDRESS_REGISTER 0xfcU
#define RESET_CPU 0x04U

#define REGISTER_IDENTITY 0x00U
#define REGISTER_CLASS 0x08U
#define HOST_BRIDGE_IDENTITY 0x00081b36U /* the generic host bridge of virtual machines */
#define HOST_BRIDGE_CLASS 0x06000000U

void pci_init(struct pci *pci, void (*reset)(void *owner), void *owner)
{
	*pci = (struct pci){ .reset = reset, .owner = owner };
	pthread_mutex_init(&pci->lock, NULL);
}

void pci_destroy(struct pci *pci)
{
	pthread_mutex_destroy(&pci->lock);
}

/* Function 0 of device 0 on bus 0 is the host bridge; other functions are not there. */
static uint32_t configuration(uint32_t address)
{
	if (!(address & ADDRESS_ENABLE) || address & ADDRESS_DEVICE)
		return UINT32_MAX;
	switch (address & ADDRESS_REGISTER) {
	case REGISTER_IDENTITY:
		return HOST_BRIDGE_IDENTITY;
	case REGISTER_CLASS:
		return HOST_BRIDGE_CLASS;
	default:
		return 0;
	}
}

uint64_t pci_read(void *owner, uint64_t offset, unsigned length)
{
	struct pci *pci = owner;
	uint32_t address;

	pthread_mutex_lock(&pci->lock);
	address = pci->address;
	pthread_mutex_unlock(&pci->lock);
	if (offset >= DATA_OFFSET)
		return configuration(address) >> (offset - DATA_OFFSET) * 8;
	return offset == ADDRESS_OFFSET && length == sizeof(address) ? address : 0;
}

void pci_write(void *owner, uint64_t offset, unsigned length, uint64_t value)
{
	struct pci *pci = owner;

	if (offset == ADDRESS_OFFSET && length == sizeof(pci->address)) {
		pthread_mutex_lock(&pci->lock);
		pci->address = (uint32_t)value;
		pthread_mutex_unlock(&pci->lock);
	}
	if (offset == PCI_RESET_OFFSET && length == 1 && value & RESET_CPU)
		pci->reset(pci->owner);
}
