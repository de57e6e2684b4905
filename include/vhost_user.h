#ifndef VHOST_USER_H
#define VHOST_USER_H

#include <stddef.h>
#include <stdint.h>

#include <linux/vhost_types.h>

/*
 * The vhost-user protocol as it stands on the wire, for both ends (QEMU's docs/interop/vhost-user):
 * a header, then a payload of its size; descriptors come along with a message's first byte.
 * Integers are in host byte order.
 */
#define VHOST_USER_F_PROTOCOL_FEATURES 30 /* a feature bit of its own beside those of Virtio */

#define VHOST_USER_VERSION 1U
#define VHOST_USER_VERSION_MASK 3U
#define VHOST_USER_REPLY 4U
#define VHOST_USER_NEED_REPLY 8U

#define VHOST_USER_FDS_MAX 8
#define VHOST_USER_REGIONS_MAX 8 /* of one SET_MEM_TABLE */
#define VHOST_USER_CONFIG_MAX 256
#define VHOST_USER_NO_FD 0x100U /* of SET_VRING_KICK, _CALL, _ERR: no descriptor comes along */

enum vhost_user_request {
	VHOST_USER_GET_FEATURES = 1,
	VHOST_USER_SET_FEATURES = 2,
	VHOST_USER_SET_OWNER = 3,
	VHOST_USER_RESET_OWNER = 4,
	VHOST_USER_SET_MEM_TABLE = 5,
	VHOST_USER_SET_LOG_BASE = 6,
	VHOST_USER_SET_LOG_FD = 7,
	VHOST_USER_SET_VRING_NUM = 8,
	VHOST_USER_SET_VRING_ADDR = 9,
	VHOST_USER_SET_VRING_BASE = 10,
	VHOST_USER_GET_VRING_BASE = 11,
	VHOST_USER_SET_VRING_KICK = 12,
	VHOST_USER_SET_VRING_CALL = 13,
	VHOST_USER_SET_VRING_ERR = 14,
	VHOST_USER_GET_PROTOCOL_FEATURES = 15,
	VHOST_USER_SET_PROTOCOL_FEATURES = 16,
	VHOST_USER_GET_QUEUE_NUM = 17,
	VHOST_USER_SET_VRING_ENABLE = 18,
	VHOST_USER_SEND_RARP = 19,
	VHOST_USER_NET_SET_MTU = 20,
	VHOST_USER_SET_BACKEND_REQ_FD = 21,
	VHOST_USER_GET_CONFIG = 24,
	VHOST_USER_SET_CONFIG = 25,
	VHOST_USER_RESET_DEVICE = 34,
	VHOST_USER_GET_MAX_MEM_SLOTS = 36,
	VHOST_USER_ADD_MEM_REG = 37,
	VHOST_USER_REM_MEM_REG = 38,
	VHOST_USER_SET_STATUS = 39,
	VHOST_USER_GET_STATUS = 40,
};

/* From back-end to front-end, on the channel of SET_BACKEND_REQ_FD. */
enum vhost_user_backend_request {
	VHOST_USER_BACKEND_CONFIG_CHANGED = 2,
};

/* Bits of GET_ and SET_PROTOCOL_FEATURES. */
enum vhost_user_protocol_feature {
	VHOST_USER_PROTOCOL_MQ = 0,
	VHOST_USER_PROTOCOL_RARP = 2,
	VHOST_USER_PROTOCOL_REPLY_ACK = 3,
	VHOST_USER_PROTOCOL_NET_MTU = 4,
	VHOST_USER_PROTOCOL_BACKEND_REQ = 5,
	VHOST_USER_PROTOCOL_CONFIG = 9,
	VHOST_USER_PROTOCOL_BACKEND_SEND_FD = 10,
	VHOST_USER_PROTOCOL_RESET_DEVICE = 13,
	VHOST_USER_PROTOCOL_CONFIGURE_MEM_SLOTS = 15,
	VHOST_USER_PROTOCOL_STATUS = 16,
};

struct vhost_user_header {
	uint32_t request;
	uint32_t flags; /* version, REPLY, NEED_REPLY */
	uint32_t size; /* of the payload */
};

struct vhost_user_region {
	uint64_t guest_address; /* guest physical: what descriptors hold */
	uint64_t size;
	uint64_t user_address; /* in the front-end's process: what SET_VRING_ADDR holds */
	uint64_t mmap_offset; /* of the region in its descriptor's file */
};

struct vhost_user_memory {
	uint32_t count;
	uint32_t padding;
	struct vhost_user_region region[VHOST_USER_REGIONS_MAX]; /* count of them on the wire */
};

struct vhost_user_memory_slot { /* of ADD_ and REM_MEM_REG */
	uint64_t padding;
	struct vhost_user_region region;
};

struct vhost_user_config {
	uint32_t offset;
	uint32_t size;
	uint32_t flags;
	uint8_t bytes[VHOST_USER_CONFIG_MAX]; /* size of them on the wire */
};

union vhost_user_payload {
	uint64_t number;
	struct vhost_vring_state state;
	struct vhost_vring_addr address;
	struct vhost_user_memory memory;
	struct vhost_user_memory_slot slot;
	struct vhost_user_config config;
};

struct vhost_user_message {
	struct vhost_user_header header;
	union vhost_user_payload payload;
};

/* The size on the wire of a memory table and of a piece of configuration. */
#define VHOST_USER_MEMORY_SIZE(count) \
	(offsetof(struct vhost_user_memory, region) + (count) * sizeof(struct vhost_user_region))
#define VHOST_USER_CONFIG_SIZE(size) (offsetof(struct vhost_user_config, bytes) + (size))

/*
 * Who a front-end is, for the back-ends that care: vmm binds its end of the connection to an
 * abstract address, this prefix, the name of the guest, and behind a second slash what makes the
 * address unique ("vmm-net/guest1/5e0f3a9c"). muxd names the port after it.
 */
#define VHOST_USER_NAME_PREFIX "vmm-net/"

#endif
