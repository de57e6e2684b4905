/* Any bytes as a configuration file; what is behind the first NUL is a setting. */

#include "config.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static void check_nets(const struct vmm_config *config)
{
	assert(config->net_count <= CONFIG_NETS_MAX);
	for (size_t i = 0; i < config->net_count; i++) {
		const struct config_net *net = &config->nets[i];

		assert(!net->wire != !net->vhost_user && (!net->port || net->wire));
		assert(!(net->mac[0] & 1) && (net->mac_set || net->mac[0] & 2));
		assert(net->mtu == 0 || (net->mtu >= CONFIG_MTU_MIN && net->mtu <= CONFIG_MTU_MAX));
		for (size_t other = 0; other < i; other++)
			assert(memcmp(net->mac, config->nets[other].mac, sizeof(net->mac)) != 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	const uint8_t *end = memchr(input, 0, size);
	size_t length = end ? (size_t)(end - input) : size;
	char *setting = end ? strndup((const char *)end + 1, size - length - 1) : NULL;
	const char *const settings[] = { setting };
	int fd = memfd_create("config", MFD_CLOEXEC);
	struct config_error error = { "" };
	struct vmm_config config;
	char path[32];
	int result;

	assert(fd >= 0 && write(fd, input, length) == (ssize_t)length);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	result = config_load(&config, path, settings, setting ? 1 : 0, &error);
	if (result == 0) {
		assert(config.kernel.image && config.name[0] && config.vcpus > 0 &&
			config.memory > 0);
		check_nets(&config);
	} else {
		assert(error.text[0] && !strchr(error.text, '\n') && !strchr(error.text, '\x1b'));
	}

	config_destroy(&config);
	close(fd);
	free(setting);
	return 0;
}
