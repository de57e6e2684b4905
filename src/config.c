/* The configuration of one guest: its TOML file, and settings from the command line over it. */

#include "config.h"

#include "config_keys.h"
#include "config_mac.h"
#include "guest_name.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct config_key *key_of(const char *table, const char *name)
{
	return config_key_find(&config_schema, table, name, strlen(name));
}

/* Without a name the guest has its file's, without ".toml". */
static int default_name(struct config_file *file, struct vmm_config *config)
{
	static const char suffix[] = ".toml";
	const char *slash = strrchr(file->path, '/');
	const char *base = slash ? slash + 1 : file->path;
	size_t length = strlen(base);
	const char *problem;

	if (length >= strlen(suffix) && strcmp(base + length - strlen(suffix), suffix) == 0)
		length -= strlen(suffix);
	problem = guest_name_problem(base, length);
	if (problem)
		return config_file_fail(file, config, NULL,
			"name is not set, and cannot be the file's: it %s", problem);
	memcpy(config->name, base, length);
	config->name[length] = '\0';
	return 0;
}

/* The one before this that was given the same address, or NULL. */
static const struct config_net *same_mac(const struct vmm_config *config,
	const struct config_net *net)
{
	const struct config_net *other = config->nets;

	while (other < net &&
		(!other->mac_set || memcmp(other->mac, net->mac, sizeof(net->mac)) != 0))
		other++;
	return other < net ? other : NULL;
}

static int check_net(struct config_file *file, const struct vmm_config *config,
	const struct config_net *net)
{
	if (!net->wire && !net->vhost_user)
		return config_file_fail(file, net, NULL,
			"needs wire, a name of muxd's, or vhost_user, the path of a socket");
	if (net->wire && net->vhost_user)
		return config_file_fail(file, net, key_of("net", "vhost_user"),
			"must not be there beside net.wire: the device has one other end");
	if (net->port && !net->wire)
		return config_file_fail(file, net, key_of("net", "port"),
			"is of a wire, and so needs net.wire");
	if (net->mtu && net->mtu < CONFIG_MTU_MIN)
		return config_file_fail(file, net, key_of("net", "mtu"),
			"must be 0 or %d to %d, not %u", CONFIG_MTU_MIN, CONFIG_MTU_MAX, net->mtu);
	if (net->mac_set && same_mac(config, net))
		return config_file_fail(file, net, key_of("net", "mac"),
			"is already the address of net %td of this guest",
			same_mac(config, net) - config->nets);
	return 0;
}

static int check_nets(struct config_file *file, const struct vmm_config *config)
{
	int result = 0;

	for (size_t i = 0; i < config->net_count && result == 0; i++)
		result = check_net(file, config, &config->nets[i]);
	return result;
}

/* What no key can say alone. */
static int check_whole(struct config_file *file, struct vmm_config *config)
{
	int result;

	if (!config->kernel.image)
		return config_file_fail(file, config, key_of("kernel", "image"),
			"is not set; it names the kernel to boot");
	if (config->affinity.count && config->affinity.count != config->vcpus)
		return config_file_fail(file, config, key_of("machine", "affinity"),
			"must name one host processor for each of %u vcpus, not %zu", config->vcpus,
			config->affinity.count);
	result = check_nets(file, config);
	if (result == 0 && !config->name[0])
		result = default_name(file, config);
	return result;
}

int config_load(struct vmm_config *config, const char *path, const char *const *settings,
	size_t count, struct config_error *error)
{
	struct config_file file = { .schema = &config_schema, .path = path, .error = error };
	int result;

	*config = (struct vmm_config){ 0 };
	result = config_file_read(&file, config, settings, count);
	if (result == 0)
		result = check_whole(&file, config);
	if (result == 0)
		config_derive_macs(config);
	config_file_end(&file);
	return result;
}

void config_destroy(struct vmm_config *config)
{
	config_clear(&config_schema, config, sizeof(*config));
}
