/* Guest RAM: a sealed memfd, mapped once and handed to KVM in slots. */

#include "memory.h"

#include "arch.h"
#include "fd.h"
#include "kvm.h"
#include "log.h"
#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

#include <linux/kvm.h>

#define MIB (1024ULL * 1024)

static int refuse(const struct machine *machine, const char *reason)
{
	log_error("%s: %llu MiB of memory cannot be had: %s", machine->config->name,
		machine->config->memory / MIB, reason);
	return -EINVAL;
}

/*
 * A memfd promises nothing: its pages are only found missing when the guest touches them. So ask
 * first, by the rule the kernel has for private memory: not more than there is at all, and
 * what the host's overcommit policy allows.
 */
static int check_available(const struct machine *machine)
{
	uint64_t size = machine->config->memory;
	struct sysinfo info;
	char text[80];

	if (sysinfo(&info) < 0)
		return -errno;

	uint64_t all = ((uint64_t)info.totalram + info.totalswap) * info.mem_unit;

	if (size > all) {
		snprintf(text, sizeof(text), "this host has %llu MiB", all / MIB);
		return refuse(machine, text);
	}

	void *trial = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (trial == MAP_FAILED)
		return refuse(machine, strerror(errno));
	munmap(trial, size);
	return 0;
}

static int seal(int fd, uint64_t size)
{
	if (ftruncate(fd, (off_t)size) < 0)
		return -errno;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	return 0;
}

static int open_memory(struct machine *machine)
{
	const struct vmm_config *config = machine->config;
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	AUTO_CLOSE int fd =
		memfd_create("guest-memory", config->huge_pages ? flags | MFD_HUGETLB : flags);

	if (fd < 0)
		return -errno;

	int result = seal(fd, config->memory);

	if (result == 0)
		machine->memory_fd = take_fd(&fd);
	return result;
}

/* Have every page now, so that none can be missing later. */
static int prefault(void *memory, uint64_t size)
{
	return madvise(memory, size, MADV_POPULATE_WRITE) < 0 ? -errno : 0;
}

static int map_memory(struct machine *machine)
{
	const struct vmm_config *config = machine->config;
	void *memory = mmap(NULL, config->memory, PROT_READ | PROT_WRITE, MAP_SHARED,
		machine->memory_fd, 0);

	if (memory == MAP_FAILED)
		return -errno;
	machine->ram = memory;
	machine->ram_size = config->memory;
	madvise(memory, config->memory, MADV_DONTDUMP);
	return config->prefault ? prefault(memory, config->memory) : 0;
}

static int add_slots(struct machine *machine)
{
	struct address_range range[GUEST_MEMORY_REGIONS];
	unsigned count = arch_ram_layout(machine->ram_size, range);
	uint8_t *host = machine->ram;

	for (unsigned i = 0; i < count; i++) {
		int result = machine_add_slot(machine, range[i], host, 0);

		if (result < 0)
			return result;
		machine->memory.region[machine->memory.count++] = (struct guest_memory_region){
			.base = range[i].base,
			.size = range[i].size,
			.host = host,
		};
		host += range[i].size;
	}
	return 0;
}

int memory_create(struct machine *machine)
{
	int result = check_available(machine);

	if (result < 0)
		return result;
	result = open_memory(machine);
	if (result == 0)
		result = map_memory(machine);
	if (result < 0 && machine->config->huge_pages)
		return refuse(machine,
			"too few free huge pages, or no multiple of their size (see "
			"/proc/meminfo and vm.nr_hugepages)");
	if (result < 0)
		return refuse(machine, strerror(-result));
	return add_slots(machine);
}

void memory_destroy(struct machine *machine)
{
	if (machine->ram)
		munmap(machine->ram, machine->ram_size);
	machine->ram = NULL;
	machine->memory.count = 0;
	close_fd(&machine->memory_fd);
	machine->memory_fd = -1;
}
