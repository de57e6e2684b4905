/* What a vhost-user front-end may say: one table of requests, and what each does. */

#include "compiler.h"
#include "vhost_parts.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/virtio_config.h>
#include <linux/virtio_net.h>

#define REFUSED 1 /* of a handler: not done; the connection goes on */
#define ALWAYS (-1) /* no protocol feature has to be negotiated */
#define MTU_LEAST 68

#define PROTOCOL_FEATURES \
	(VHOST_BIT(VHOST_USER_PROTOCOL_REPLY_ACK) | VHOST_BIT(VHOST_USER_PROTOCOL_NET_MTU) | \
		VHOST_BIT(VHOST_USER_PROTOCOL_BACKEND_REQ) | \
		VHOST_BIT(VHOST_USER_PROTOCOL_CONFIG) | \
		VHOST_BIT(VHOST_USER_PROTOCOL_RESET_DEVICE) | \
		VHOST_BIT(VHOST_USER_PROTOCOL_CONFIGURE_MEM_SLOTS) | \
		VHOST_BIT(VHOST_USER_PROTOCOL_STATUS))

/* What a request looks like, and who does it. */
struct request_row {
	uint32_t request;
	int protocol; /* feature it needs, or ALWAYS */
	uint32_t least; /* bytes of payload */
	uint32_t most;
	unsigned fds_least;
	unsigned fds_most;
	bool answers; /* by what it leaves in the message */
	/* 0, REFUSED, or -EPROTO and session->reason. Descriptors it leaves are closed. */
	int (*handle)(struct vhost_session *session, struct vhost_reader *request);
};

static int take_request_fd(struct vhost_reader *request)
{
	int fd = request->fd_count ? request->fd[0] : -1;

	request->fd[0] = -1;
	return fd;
}

static void answer_number(struct vhost_reader *request, uint64_t number)
{
	request->message.payload.number = number;
	request->message.header.size = sizeof(number);
}

static uint64_t offered(const struct vhost_session *session)
{
	uint64_t features = vhost_port_features() | VHOST_BIT(VHOST_USER_F_PROTOCOL_FEATURES);

	return session->mtu ? features : features & ~VHOST_BIT(VIRTIO_NET_F_MTU);
}

static int get_features(struct vhost_session *session, struct vhost_reader *request)
{
	answer_number(request, offered(session));
	return 0;
}

static int set_features(struct vhost_session *session, struct vhost_reader *request)
{
	uint64_t wanted = request->message.payload.number;

	if (wanted & ~offered(session))
		return vhost_session_refuse(session, "features that were not offered");
	vhost_rings_pause(session);
	session->features = wanted;
	session->negotiated = true;
	return vhost_rings_update(session);
}

static int get_protocol_features(struct vhost_session *session, struct vhost_reader *request)
{
	(void)session;
	answer_number(request, PROTOCOL_FEATURES);
	return 0;
}

static int set_protocol_features(struct vhost_session *session, struct vhost_reader *request)
{
	uint64_t wanted = request->message.payload.number;

	if (wanted & ~PROTOCOL_FEATURES)
		return vhost_session_refuse(session, "protocol features that were not offered");
	session->protocol = wanted;
	return 0;
}

static int set_owner(struct vhost_session *session, struct vhost_reader *request)
{
	(void)session;
	(void)request;
	return 0;
}

static int reset(struct vhost_session *session, struct vhost_reader *request)
{
	(void)request;
	vhost_rings_reset(session);
	session->status = 0;
	return vhost_rings_update(session);
}

static int add_region(struct vhost_session *session, const struct vhost_user_region *region, int fd)
{
	const char *refusal = shared_memory_add(&session->memory, region, fd);

	session->mappings++;
	return refusal ? vhost_session_refuse(session, refusal) : 0;
}

/* The rings go on in the memory as it is now. */
static int use_memory(struct vhost_session *session)
{
	shared_memory_describe(&session->memory, &session->port.memory);
	return vhost_rings_update(session);
}

static int set_mem_table(struct vhost_session *session, struct vhost_reader *request)
{
	const struct vhost_user_memory *memory = &request->message.payload.memory;

	if (memory->count > VHOST_USER_REGIONS_MAX || memory->count != request->fd_count ||
		request->message.header.size != VHOST_USER_MEMORY_SIZE(memory->count))
		return vhost_session_refuse(session, "memory table of an impossible size");
	vhost_rings_pause(session);
	shared_memory_clear(&session->memory);
	for (unsigned i = 0; i < memory->count; i++) {
		if (add_region(session, &memory->region[i], request->fd[i]))
			return -EPROTO;
	}
	return use_memory(session);
}

static int get_max_mem_slots(struct vhost_session *session, struct vhost_reader *request)
{
	(void)session;
	answer_number(request, GUEST_MEMORY_REGIONS);
	return 0;
}

static int add_mem_reg(struct vhost_session *session, struct vhost_reader *request)
{
	vhost_rings_pause(session);
	if (add_region(session, &request->message.payload.slot.region, request->fd[0]))
		return -EPROTO;
	return use_memory(session);
}

static int rem_mem_reg(struct vhost_session *session, struct vhost_reader *request)
{
	vhost_rings_pause(session);
	if (!shared_memory_remove(&session->memory, &request->message.payload.slot.region))
		return vhost_session_refuse(session, "memory region that is not there");
	return use_memory(session);
}

/* NULL: there is no such ring. */
static struct vhost_ring *ring_of(struct vhost_session *session, uint64_t index)
{
	if (index < VHOST_RINGS)
		return &session->ring[index];
	vhost_session_refuse(session, "ring that does not exist");
	return NULL;
}

/* The same, of one whose set-up may change: it does not run. */
static struct vhost_ring *stopped_ring_of(struct vhost_session *session, uint64_t index)
{
	struct vhost_ring *ring = ring_of(session, index);

	if (!ring || !ring->queue->desc)
		return ring;
	vhost_session_refuse(session, "ring that runs is set up");
	return NULL;
}

static int set_vring_num(struct vhost_session *session, struct vhost_reader *request)
{
	const struct vhost_vring_state *state = &request->message.payload.state;
	struct vhost_ring *ring = stopped_ring_of(session, state->index);

	if (!ring)
		return -EPROTO;
	if (!state->num || state->num > VIRTQUEUE_SIZE_MAX || state->num & (state->num - 1))
		return vhost_session_refuse(session, "ring of an impossible size");
	ring->size = (uint16_t)state->num;
	return vhost_rings_update(session);
}

static int set_vring_addr(struct vhost_session *session, struct vhost_reader *request)
{
	const struct vhost_vring_addr *address = &request->message.payload.address;
	struct vhost_ring *ring = ring_of(session, address->index);

	if (!ring)
		return -EPROTO;
	if (address->flags & 1U << VHOST_VRING_F_LOG)
		return vhost_session_refuse(session, "log of a ring, which is not offered");
	vhost_rings_pause(session);
	ring->placed = true;
	ring->desc_address = address->desc_user_addr;
	ring->avail_address = address->avail_user_addr;
	ring->used_address = address->used_user_addr;
	return vhost_rings_update(session);
}

static int set_vring_base(struct vhost_session *session, struct vhost_reader *request)
{
	const struct vhost_vring_state *state = &request->message.payload.state;
	struct vhost_ring *ring = stopped_ring_of(session, state->index);

	if (!ring)
		return -EPROTO;
	if (state->num > UINT16_MAX)
		return vhost_session_refuse(session, "ring that starts at an impossible index");
	ring->base = (uint16_t)state->num;
	return 0;
}

static int get_vring_base(struct vhost_session *session, struct vhost_reader *request)
{
	struct vhost_vring_state *state = &request->message.payload.state;
	struct vhost_ring *ring = ring_of(session, state->index);

	if (!ring)
		return -EPROTO;
	state->num = vhost_ring_stop(ring);
	return vhost_rings_update(session);
}

static int set_vring_enable(struct vhost_session *session, struct vhost_reader *request)
{
	const struct vhost_vring_state *state = &request->message.payload.state;
	struct vhost_ring *ring = ring_of(session, state->index);

	if (!ring)
		return -EPROTO;
	if (state->num > 1)
		return vhost_session_refuse(session, "ring neither enabled nor disabled");
	ring->enabled = state->num;
	return vhost_rings_update(session);
}

/* The ring a descriptor is for, which comes along or is said not to. NULL: malformed. */
static struct vhost_ring *ring_of_fd(struct vhost_session *session, struct vhost_reader *request,
	int *fd)
{
	uint64_t number = request->message.payload.number;
	bool comes = !(number & VHOST_USER_NO_FD);
	struct vhost_ring *ring = ring_of(session, number & ~(uint64_t)VHOST_USER_NO_FD);

	if (ring && comes == (request->fd_count == 1)) {
		*fd = take_request_fd(request);
		return ring;
	}
	if (ring)
		vhost_session_refuse(session, "descriptor of a ring that is missing, or too many");
	return NULL;
}

static int set_vring_kick(struct vhost_session *session, struct vhost_reader *request)
{
	int fd;
	struct vhost_ring *ring = ring_of_fd(session, request, &fd);

	return ring ? vhost_ring_set_kick(ring, fd) : -EPROTO;
}

static int set_vring_call(struct vhost_session *session, struct vhost_reader *request)
{
	int fd;
	struct vhost_ring *ring = ring_of_fd(session, request, &fd);

	return ring ? vhost_ring_set_call(ring, fd) : -EPROTO;
}

static int set_vring_error(struct vhost_session *session, struct vhost_reader *request)
{
	int fd;
	struct vhost_ring *ring = ring_of_fd(session, request, &fd);

	return ring ? vhost_ring_set_error(ring, fd) : -EPROTO;
}

/* Pairs of queues. */
static int get_queue_num(struct vhost_session *session, struct vhost_reader *request)
{
	(void)session;
	answer_number(request, VHOST_RINGS / 2);
	return 0;
}

static int net_set_mtu(struct vhost_session *session, struct vhost_reader *request)
{
	uint64_t mtu = request->message.payload.number;

	if (mtu < MTU_LEAST || mtu > UINT16_MAX)
		return REFUSED;
	session->mtu = (uint32_t)mtu;
	return 0;
}

/* Of no other socket it is known that closing it does not wait. */
static bool is_local_socket(int fd)
{
	int domain = 0;
	socklen_t size = sizeof(domain);

	return !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) && domain == AF_UNIX;
}

static int set_backend_req_fd(struct vhost_session *session, struct vhost_reader *request)
{
	if (!is_local_socket(request->fd[0]))
		return vhost_session_refuse(session, "channel that is no local socket");
	if (session->backend_fd >= 0)
		close(session->backend_fd);
	session->backend_fd = take_request_fd(request);
	return 0;
}

/* Whether a piece of configuration has the size its message says. */
static bool config_fits(const struct vhost_reader *request)
{
	const struct vhost_user_config *config = &request->message.payload.config;

	return config->size <= VHOST_USER_CONFIG_MAX &&
		config->offset <= VHOST_USER_CONFIG_MAX - config->size &&
		request->message.header.size == VHOST_USER_CONFIG_SIZE(config->size);
}

static int get_config(struct vhost_session *session, struct vhost_reader *request)
{
	const struct virtio_net_config config = {
		.status = session->link_up ? VIRTIO_NET_S_LINK_UP : 0,
		.max_virtqueue_pairs = VHOST_RINGS / 2,
		.mtu = (uint16_t)session->mtu,
	};
	uint8_t space[VHOST_USER_CONFIG_MAX] = { 0 };
	struct vhost_user_config *wanted = &request->message.payload.config;

	if (!config_fits(request))
		return vhost_session_refuse(session, "configuration of an impossible size");
	memcpy(space, &config, sizeof(config));
	memcpy(wanted->bytes, space + wanted->offset, wanted->size);
	return 0;
}

/* Nothing in it can be written. */
static int set_config(struct vhost_session *session, struct vhost_reader *request)
{
	if (!config_fits(request))
		return vhost_session_refuse(session, "configuration of an impossible size");
	return REFUSED;
}

static int set_status(struct vhost_session *session, struct vhost_reader *request)
{
	uint64_t status = request->message.payload.number;

	if (status > UINT8_MAX)
		return vhost_session_refuse(session, "status of an impossible size");
	if (!status)
		return reset(session, request);
	session->status = (uint8_t)status;
	return 0;
}

static int get_status(struct vhost_session *session, struct vhost_reader *request)
{
	answer_number(request, session->status);
	return 0;
}

#define NUMBER sizeof(uint64_t), sizeof(uint64_t)
#define STATE sizeof(struct vhost_vring_state), sizeof(struct vhost_vring_state)
#define ADDRESS sizeof(struct vhost_vring_addr), sizeof(struct vhost_vring_addr)
#define SLOT sizeof(struct vhost_user_memory_slot), sizeof(struct vhost_user_memory_slot)
#define TABLE VHOST_USER_MEMORY_SIZE(0), VHOST_USER_MEMORY_SIZE(VHOST_USER_REGIONS_MAX)
#define CONFIG VHOST_USER_CONFIG_SIZE(0), VHOST_USER_CONFIG_SIZE(VHOST_USER_CONFIG_MAX)

/* Request, what has to be negotiated, payload from and to, descriptors from and to, answers. */
static const struct request_row rows[] = {
	{ VHOST_USER_GET_FEATURES, ALWAYS, 0, 0, 0, 0, true, get_features },
	{ VHOST_USER_SET_FEATURES, ALWAYS, NUMBER, 0, 0, false, set_features },
	{ VHOST_USER_GET_PROTOCOL_FEATURES, ALWAYS, 0, 0, 0, 0, true, get_protocol_features },
	{ VHOST_USER_SET_PROTOCOL_FEATURES, ALWAYS, NUMBER, 0, 0, false, set_protocol_features },
	{ VHOST_USER_SET_OWNER, ALWAYS, 0, 0, 0, 0, false, set_owner },
	{ VHOST_USER_RESET_OWNER, ALWAYS, 0, 0, 0, 0, false, reset },
	{ VHOST_USER_RESET_DEVICE, VHOST_USER_PROTOCOL_RESET_DEVICE, 0, 0, 0, 0, false, reset },
	{ VHOST_USER_SET_MEM_TABLE, ALWAYS, TABLE, 0, VHOST_USER_REGIONS_MAX, false,
		set_mem_table },
	{ VHOST_USER_GET_MAX_MEM_SLOTS, VHOST_USER_PROTOCOL_CONFIGURE_MEM_SLOTS, 0, 0, 0, 0, true,
		get_max_mem_slots },
	{ VHOST_USER_ADD_MEM_REG, VHOST_USER_PROTOCOL_CONFIGURE_MEM_SLOTS, SLOT, 1, 1, false,
		add_mem_reg },
	{ VHOST_USER_REM_MEM_REG, VHOST_USER_PROTOCOL_CONFIGURE_MEM_SLOTS, SLOT, 0, 1, false,
		rem_mem_reg },
	{ VHOST_USER_SET_VRING_NUM, ALWAYS, STATE, 0, 0, false, set_vring_num },
	{ VHOST_USER_SET_VRING_ADDR, ALWAYS, ADDRESS, 0, 0, false, set_vring_addr },
	{ VHOST_USER_SET_VRING_BASE, ALWAYS, STATE, 0, 0, false, set_vring_base },
	{ VHOST_USER_GET_VRING_BASE, ALWAYS, STATE, 0, 0, true, get_vring_base },
	{ VHOST_USER_SET_VRING_KICK, ALWAYS, NUMBER, 0, 1, false, set_vring_kick },
	{ VHOST_USER_SET_VRING_CALL, ALWAYS, NUMBER, 0, 1, false, set_vring_call },
	{ VHOST_USER_SET_VRING_ERR, ALWAYS, NUMBER, 0, 1, false, set_vring_error },
	{ VHOST_USER_SET_VRING_ENABLE, ALWAYS, STATE, 0, 0, false, set_vring_enable },
	{ VHOST_USER_GET_QUEUE_NUM, ALWAYS, 0, 0, 0, 0, true, get_queue_num },
	{ VHOST_USER_NET_SET_MTU, VHOST_USER_PROTOCOL_NET_MTU, NUMBER, 0, 0, false, net_set_mtu },
	{ VHOST_USER_SET_BACKEND_REQ_FD, VHOST_USER_PROTOCOL_BACKEND_REQ, 0, 0, 1, 1, false,
		set_backend_req_fd },
	{ VHOST_USER_GET_CONFIG, VHOST_USER_PROTOCOL_CONFIG, CONFIG, 0, 0, true, get_config },
	{ VHOST_USER_SET_CONFIG, VHOST_USER_PROTOCOL_CONFIG, CONFIG, 0, 0, false, set_config },
	{ VHOST_USER_SET_STATUS, VHOST_USER_PROTOCOL_STATUS, NUMBER, 0, 0, false, set_status },
	{ VHOST_USER_GET_STATUS, VHOST_USER_PROTOCOL_STATUS, 0, 0, 0, 0, true, get_status },
};

static const struct request_row *row_of(const struct vhost_session *session, uint32_t request)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].request == request)
			return rows[i].protocol == ALWAYS ||
					vhost_session_speaks(session, (unsigned)rows[i].protocol)
				? &rows[i]
				: NULL;
	}
	return NULL;
}

/* Whether such a message may come at all, judged by its header and the descriptors. */
static int check(struct vhost_session *session, const struct vhost_reader *request,
	const struct request_row *row)
{
	const struct vhost_user_header *header = &request->message.header;

	if ((header->flags & ~VHOST_USER_NEED_REPLY) != VHOST_USER_VERSION)
		return vhost_session_refuse(session, "message of another protocol");
	if (header->size < row->least || header->size > row->most)
		return vhost_session_refuse(session, "request of an impossible size");
	if (request->fd_count < row->fds_least || request->fd_count > row->fds_most)
		return vhost_session_refuse(session, "descriptors that do not belong");
	return 0;
}

static int answer(struct vhost_session *session, const struct vhost_reader *request)
{
	if (vhost_send(session->fd, &request->message, NULL, 0))
		return vhost_session_refuse(session, "it does not read its answers");
	return 0;
}

int vhost_request_handle(struct vhost_session *session, struct vhost_reader *request)
{
	struct vhost_user_header *header = &request->message.header;
	const struct request_row *row = row_of(session, header->request);
	bool asks = header->flags & VHOST_USER_NEED_REPLY &&
		vhost_session_speaks(session, VHOST_USER_PROTOCOL_REPLY_ACK);
	int result;

	if (!row)
		return vhost_session_refuse(session, "request that was not negotiated");
	if (check(session, request, row))
		return -EPROTO;
	result = row->handle(session, request);
	header->flags = VHOST_USER_VERSION | VHOST_USER_REPLY;
	if (row->answers)
		return result ? result : answer(session, request);
	if (asks) {
		const char *reason = session->reason;

		answer_number(request, result ? 1 : 0);
		if (answer(session, request) && result >= 0)
			return -EPROTO;
		session->reason = reason;
	}
	return result < 0 ? result : 0;
}
