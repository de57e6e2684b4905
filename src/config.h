#ifndef CONFIG_H
#define CONFIG_H

#include "config_file.h"
#include "console_protocol.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum config_on_reboot {
	ON_REBOOT_RESTART,
	ON_REBOOT_EXIT,
};

enum config_input {
	INPUT_AUTO, /* the console that the kernel's command line names last */
	INPUT_VIRTIO,
	INPUT_SERIAL,
};

struct config_kernel {
	char *image; /* path; the one key without a default */
	char *initrd; /* path or NULL */
	char *cmdline; /* "" if none */
	bool defaults; /* add the words to it that vmm.toml(5) lists */
};

struct config_console {
	char key; /* shortcut in muxd, or 0 */
	char color; /* letter as in console_protocol.h, or 0 */
	uint8_t flags; /* enum console_flag */
	size_t ring_size; /* a power of two */
	size_t history_size; /* that muxd is to keep; 0: as it likes */
	enum config_input input;
};

/* One [[net]]: a virtio-net device and where its rings are served. */
struct config_net {
	char *wire; /* muxd's name of it, or NULL */
	char *vhost_user; /* path of a socket, or NULL; exactly one of the two is there */
	char *port; /* of the wire: connect to net/WIRE.PORT.sock; or NULL */
	uint8_t mac[6]; /* as given, or derived from the guest's name and the device's index */
	bool mac_set; /* it was given */
	unsigned mtu; /* 0: none is told */
	bool offloads; /* offer checksum and segmentation offloads */
};

/* One guest as its file and --set describe it, checked. Strings are owned. Constant once loaded. */
struct vmm_config {
	char name[CONSOLE_NAME_MAX + 1];
	struct config_kernel kernel;
	unsigned vcpus; /* at least 1 */
	uint64_t memory; /* bytes; a multiple of 2 MiB */
	bool huge_pages;
	bool prefault;
	struct config_numbers affinity; /* host CPU of each vCPU, or none */
	enum config_on_reboot on_reboot;
	uint64_t stop_timeout_ms;
	struct config_console console;
	struct config_net *nets; /* net_count of them, owned */
	size_t net_count;
};

#define CONFIG_VCPUS_MAX 4096 /* KVM may allow fewer */
#define CONFIG_NETS_MAX 8
#define CONFIG_MTU_MIN 68
#define CONFIG_MTU_MAX 65535

/*
 * Read path, then settings ("machine.vcpus=2"), over the defaults. Paths in the file are relative
 * to its directory, those in settings to the current one. Nothing but path is opened. 0, or -EINVAL
 * with *error filled and nothing logged. Destroying is due in either case, and accepts a zeroed or
 * half-loaded one.
 */
int config_load(struct vmm_config *config, const char *path, const char *const *settings,
	size_t count, struct config_error *error);
void config_destroy(struct vmm_config *config);

#endif
