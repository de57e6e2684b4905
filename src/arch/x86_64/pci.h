#ifndef PCI_H
#define PCI_H

#include "compiler.h"

#include <pthread.h>
#include <stdint.h>

/*
 * PCI's configuration ports with nothing behind them but a host bridge. Devices here are no PCI
 * devices; but a kernel built for PCI calls it an error when it finds no way to ask for any.
 */
#define PCI_PORT_COUNT 8U
#define PCI_RESET_OFFSET 1U

struct pci {
	pthread_mutex_t lock;
	uint32_t address;
	void (*reset)(void *owner); /* the reset control register among the ports was told to */
	void *owner;
};

void pci_init(struct pci *pci, void (*reset)(void *owner), void *owner);
void pci_destroy(struct pci *pci);

/* Bus window; owner is the pci. Any vCPU thread. */
FROM_GUEST uint64_t pci_read(void *owner, uint64_t offset, unsigned length);
FROM_GUEST void pci_write(void *owner, uint64_t offset, unsigned length, uint64_t value);

#endif
