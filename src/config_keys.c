/* The table of configuration keys. Each has its entry in vmm.toml(5). */

#include "config_keys.h"

#include "config.h"
#include "config_mac.h"
#include "console_key.h"
#include "guest_name.h"
#include "wire_name.h"

#define CONFIG_FIELD(type, in, called, of, member, ...) \
	{ \
		.table = in, .name = called, .kind = &config_##of, \
		.offset = offsetof(type, member), __VA_ARGS__ \
	}
#define CONFIG_KEY(in, called, of, member, ...) \
	CONFIG_FIELD(struct vmm_config, in, called, of, member, __VA_ARGS__)
#define CONFIG_KEY_OF_NET(in, called, of, member, ...) \
	CONFIG_FIELD(struct config_net, in, called, of, member, __VA_ARGS__)
#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define TIB (UINT64_C(1) << 40)
#define DAY_MS (UINT64_C(24) * 3600 * 1000)

static const char *key_problem(const char *text, size_t length)
{
	(void)length;
	return console_key_problem(*text);
}

/* A row begins with its table and its name: scripts read them there. */
static const struct config_key keys[] = {
	CONFIG_KEY("", "name", name, name, .problem = guest_name_problem,
		.help = "what the guest is called"),
	CONFIG_KEY("kernel", "image", path, kernel.image, .help = "the kernel to boot"),
	CONFIG_KEY("kernel", "initrd", path, kernel.initrd, .help = "the initial RAM disk"),
	CONFIG_KEY("kernel", "cmdline", text, kernel.cmdline, .maximum = 4095, .initial = "",
		.help = "the kernel's command line"),
	CONFIG_KEY("kernel", "defaults", boolean, kernel.defaults, .initial = "true",
		.help = "add the usual words to the command line"),
	CONFIG_KEY("machine", "vcpus", count, vcpus, .minimum = 1, .maximum = CONFIG_VCPUS_MAX,
		.initial = "1", .help = "number of processors"),
	CONFIG_KEY("machine", "memory", size, memory, .minimum = 16 * MIB, .maximum = 4 * TIB,
		.multiple = 2 * MIB, .initial = "128M", .help = "size of the guest's memory"),
	CONFIG_KEY("machine", "on_reboot", choice, on_reboot, .choices = "restart exit ",
		.initial = "restart", .help = "what the guest's reboot does"),
	CONFIG_KEY("machine", "stop_timeout", duration, stop_timeout_ms, .maximum = DAY_MS,
		.initial = "90s", .help = "how long the guest may take to power off"),
	CONFIG_KEY("machine", "hugepages", boolean, huge_pages, .initial = "false",
		.help = "take the memory from the host's huge pages"),
	CONFIG_KEY("machine", "prefault", boolean, prefault, .initial = "false",
		.help = "take all of the memory at the start"),
	CONFIG_KEY("machine", "affinity", numbers, affinity, .maximum = 4095,
		.elements = CONFIG_VCPUS_MAX, .help = "host processor of each virtual one"),
	CONFIG_KEY("console", "key", letter, console.key, .problem = key_problem,
		.help = "shortcut of the guest in muxd"),
	CONFIG_KEY("console", "color", letter, console.color, .choices = "nrgybmcwNRGYBMCW",
		.help = "colour of the guest in muxd"),
	CONFIG_KEY("console", "show", flag, console.flags, .when_true = CONSOLE_SHOW,
		.when_false = CONSOLE_HIDE, .help = "whether muxd shows the guest at first"),
	CONFIG_KEY("console", "keep", flag, console.flags, .when_true = CONSOLE_KEEP,
		.initial = "false",
		.help = "whether muxd keeps the history when the guest is gone"),
	CONFIG_KEY("console", "timestamps", flag, console.flags, .when_true = CONSOLE_TIMESTAMPS,
		.initial = "false", .help = "whether muxd shows the times of lines at first"),
	CONFIG_KEY("console", "buffer", power_of_two, console.ring_size, .minimum = 4 * KIB,
		.maximum = 64 * MIB, .initial = "256K",
		.help = "how much output is kept while muxd is away"),
	CONFIG_KEY("console", "history", size, console.history_size, .minimum = 512,
		.maximum = CONSOLE_HISTORY_MOST, .help = "how much output muxd keeps"),
	CONFIG_KEY("console", "input", choice, console.input, .choices = "auto virtio uart ",
		.initial = "auto", .help = "the device that gets what is typed"),
	CONFIG_KEY_OF_NET("net", "wire", text, wire, .problem = wire_name_problem,
		.maximum = WIRE_NAME_MAX, .help = "the wire of muxd it is plugged into"),
	CONFIG_KEY_OF_NET("net", "vhost_user", path, vhost_user,
		.help = "the socket of another back-end"),
	CONFIG_KEY_OF_NET("net", "port", text, port, .problem = guest_name_problem,
		.maximum = CONSOLE_NAME_MAX, .help = "the port of the wire, by its own socket"),
	CONFIG_KEY_OF_NET("net", "mac", mac, mac, .help = "Ethernet address"),
	CONFIG_KEY_OF_NET("net", "mtu", count, mtu, .maximum = CONFIG_MTU_MAX, .initial = "0",
		.help = "largest packet, or 0"),
	CONFIG_KEY_OF_NET("net", "offloads", boolean, offloads, .initial = "true",
		.help = "leave checksums and segmentation to the other end"),
};

_Static_assert(sizeof(enum config_input) == sizeof(unsigned) &&
		sizeof(enum config_on_reboot) == sizeof(unsigned),
	"choices are stored as numbers");

static const struct config_list lists[] = {
	{
		.name = "net",
		.item_size = sizeof(struct config_net),
		.items = offsetof(struct vmm_config, nets),
		.count = offsetof(struct vmm_config, net_count),
		.maximum = CONFIG_NETS_MAX,
	},
};

const struct config_schema config_schema = {
	.keys = keys,
	.key_count = ARRAY_SIZE(keys),
	.lists = lists,
	.list_count = ARRAY_SIZE(lists),
};
