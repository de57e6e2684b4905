#ifndef VIRTIO_NET_CARD_H
#define VIRTIO_NET_CARD_H

#include <stdbool.h>
#include <stdint.h>

struct virtio_device;

#define NET_ADDRESS_SIZE 6
#define NET_INTRODUCTION_MS 500
#define NET_GRACE_MS 1000

/* Options of a network device (device_context.options). Copied. */
struct net_options {
	const char *subject; /* of log lines: "net0" */
	const char *path; /* of the back-end's socket */
	const char *name; /* who we are to the back-end, or NULL */
	uint8_t mac[NET_ADDRESS_SIZE];
	uint16_t mtu; /* 0: what the back-end says */
	bool offloads; /* checksums and segmentation may be left to others */
	unsigned introduction_ms; /* how long a new device waits for what its back-end offers */
	unsigned grace_ms; /* how long a back-end may be away before its driver hears of it */
};

struct net_status {
	uint8_t mac[NET_ADDRESS_SIZE];
	bool connected; /* to the back-end */
	bool carrier; /* as the driver sees it */
};

/* Main thread; takes the device's lock. */
void virtio_net_status(struct virtio_device *device, struct net_status *status);

#endif
