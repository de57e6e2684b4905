#ifndef VIRTIO_NET_CARD_H
#define VIRTIO_NET_CARD_H

#include <stdbool.h>
#include <stdint.h>

struct virtio_device;

#define NET_ADDRESS_SIZE 6

/* Options of a network device (device_context.options). Copied. */
struct net_options {
	const char *subject; /* of log lines: "net0" */
	const char *path; /* of the back-end's socket */
	const char *name; /* who we are to the back-end, or NULL */
	uint8_t mac[NET_ADDRESS_SIZE];
	uint16_t mtu; /* 0: what the back-end says */
	bool offloads; /* checksums and segmentation may be left to others */
};

struct net_status {
	uint8_t mac[NET_ADDRESS_SIZE];
	bool connected; /* to the back-end */
	bool carrier; /* as the driver sees it */
};

/* Main thread; takes the device's lock. */
void virtio_net_status(struct virtio_device *device, struct net_status *status);

#endif
