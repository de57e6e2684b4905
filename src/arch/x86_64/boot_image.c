/* The kernel, its initrd and its command line: what a guest starts with. */
#include "arch.h"
#include "boot_data.h"
#include "boot_kernel.h"
#include "command_line.h"
#include "fd.h"
#include "layout.h"
#include "log.h"
#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#define COMMAND_LINE_ROOM 4096U

static int refuse_initrd(const char *path, const char *reason)
{
	log_error("cannot load initrd %s: %s", path, reason);
	return -EINVAL;
}

/* As high as the kernel can reach it, so that nothing the kernel unpacks early is in its way. */
static int place_initrd(const struct machine *machine, const struct boot_kernel *kernel,
	uint64_t size, struct boot_data *data)
{
	uint64_t end = machine->memory.region[0].size;

	end = kernel->initrd_end < end ? kernel->initrd_end : end;
	if (end < kernel->end || size > end - kernel->end) {
		log_error(
			"cannot load initrd %s: its %llu KiB do not fit into the %llu KiB of memory "
			"above the kernel: give the guest more memory",
			machine->config->kernel.initrd, ((unsigned long long)size + 1023) >> 10,
			(unsigned long long)(end > kernel->end ? end - kernel->end : 0) >> 10);
		return -EINVAL;
	}
	data->initrd_address = (end - size) & ~(uint64_t)(PAGE_SIZE - 1);
	if (data->initrd_address < kernel->end)
		data->initrd_address = (kernel->end + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);
	if (!guest_memory_at(&machine->memory, data->initrd_address, size))
		return refuse_initrd(machine->config->kernel.initrd, "it does not fit into memory");
	data->initrd_size = size;
	return 0;
}

static int load_initrd(const struct machine *machine, const struct boot_kernel *kernel,
	struct boot_data *data)
{
	const char *path = machine->config->kernel.initrd;
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct kernel_source source = { .fd = fd };
	struct stat status;
	int result;

	if (fd < 0 || fstat(fd, &status) < 0)
		return refuse_initrd(path, strerror(errno));
	if (!S_ISREG(status.st_mode))
		return refuse_initrd(path, "not a regular file");
	if (status.st_size == 0)
		return refuse_initrd(path, "the file is empty");
	source.size = (uint64_t)status.st_size;
	result = place_initrd(machine, kernel, source.size, data);
	if (result < 0)
		return result;
	result = kernel_source_read(&source, 0,
		guest_memory_at(&machine->memory, data->initrd_address, source.size), source.size);
	if (result == -EINVAL)
		return refuse_initrd(path, "the file ended too early");
	if (result < 0)
		log_error("cannot load initrd %s: %s", path, strerror(-result));
	return result;
}

static int write_data(const struct machine *machine, const struct boot_kernel *kernel,
	struct boot_data *data)
{
	uint8_t seed[BOOT_SEED_SIZE];
	int result;

	if (kernel->pvh)
		return boot_start_info_write(&machine->memory, data);
	if (getrandom(seed, sizeof(seed), 0) == (ssize_t)sizeof(seed))
		data->seed = seed;
	result = boot_page_tables_write(&machine->memory);
	if (result == 0)
		result = boot_params_write(&machine->memory, data);
	explicit_bzero(seed, sizeof(seed));
	data->seed = NULL;
	return result;
}

static int build_command_line(const struct machine *machine, const struct boot_kernel *kernel,
	char *line)
{
	const struct config_kernel *config = &machine->config->kernel;
	const char *words = config->cmdline ? config->cmdline : "";

	if (command_line_build(words, config->defaults, line, COMMAND_LINE_ROOM) == 0 &&
		strlen(line) <= kernel->command_line_limit)
		return 0;
	log_error("cannot boot %s: its command line is longer than the %u bytes it takes",
		config->image, kernel->command_line_limit);
	return -EINVAL;
}

static int load_kernel(const struct machine *machine, struct boot_kernel *kernel)
{
	const struct config_kernel *config = &machine->config->kernel;
	bool randomise = !config->cmdline || !command_line_has(config->cmdline, "nokaslr");
	struct boot_error error;
	int result = boot_kernel_load(config->image, &machine->memory, randomise, kernel, &error);

	if (result < 0)
		log_error("cannot boot %s: %s", config->image,
			result == -EINVAL ? error.text : strerror(-result));
	return result;
}

int arch_load_boot_image(struct machine *machine)
{
	char line[COMMAND_LINE_ROOM];
	struct boot_kernel kernel;
	struct boot_data data = { .command_line = line, .rsdp = FIRMWARE_BASE };
	int result = load_kernel(machine, &kernel);

	if (result == 0)
		result = build_command_line(machine, &kernel, line);
	if (result == 0 && machine->config->kernel.initrd)
		result = load_initrd(machine, &kernel, &data);
	if (result < 0)
		return result;

	data.header = kernel.has_header ? &kernel.header : NULL;
	result = write_data(machine, &kernel, &data);
	machine->entry = (struct boot_entry){
		.mode = kernel.pvh ? BOOT_PVH : BOOT_LONG_MODE,
		.address = kernel.entry,
		.argument = kernel.pvh ? PVH_START_INFO : BOOT_PARAMS,
	};
	return result;
}
