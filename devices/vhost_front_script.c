/* What a vhost-user front-end says: messages, their order, and the answers that are right. */

#include "compiler.h"
#include "guest_memory.h"
#include "vhost_front_internal.h"
#include "virtio_device.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#include <linux/virtio_config.h>

#define BIT(number) (1ULL << (number))
#define NO_FD INT_MIN
#define PROTOCOL_WANTED \
	(BIT(VHOST_USER_PROTOCOL_REPLY_ACK) | BIT(VHOST_USER_PROTOCOL_NET_MTU) | \
		BIT(VHOST_USER_PROTOCOL_BACKEND_REQ) | BIT(VHOST_USER_PROTOCOL_CONFIG) | \
		BIT(VHOST_USER_PROTOCOL_STATUS))
#define STATUS_RUNNING \
	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK | \
		VIRTIO_CONFIG_S_DRIVER_OK)

/* One message, or one for each queue. Callbacks are optional. */
struct vhost_step {
	const char *name;
	uint32_t request;
	bool each_queue;
	bool (*due)(const struct vhost_front *front);
	/* The payload and its size; the descriptor to send along, or NO_FD, or -errno. */
	int (*fill)(struct vhost_front *front, struct vhost_user_message *message);
	/* Takes the answer that this request always has, of that size. */
	int (*take)(struct vhost_front *front, const struct vhost_user_message *answer);
	uint32_t answer_size;
};

static const struct virtqueue *current_queue(const struct vhost_front *front)
{
	return &front->device->queue[front->queue];
}

static bool has_protocol_features(const struct vhost_front *front)
{
	return front->features & BIT(VHOST_USER_F_PROTOCOL_FEATURES);
}

static bool agreed(const struct vhost_front *front, unsigned protocol_feature)
{
	return front->protocol & BIT(protocol_feature);
}

static int wrong(struct vhost_front *front, const char *what)
{
	snprintf(front->why, sizeof(front->why), "%s", what);
	return -EPROTO;
}

static int number(struct vhost_user_message *message, uint64_t value)
{
	message->payload.number = value;
	message->header.size = sizeof(value);
	return NO_FD;
}

static int state(const struct vhost_front *front, struct vhost_user_message *message,
	uint32_t value)
{
	message->payload.state = (struct vhost_vring_state){ front->queue, value };
	message->header.size = sizeof(message->payload.state);
	return NO_FD;
}

/* Introduction. */

static int take_features(struct vhost_front *front, const struct vhost_user_message *answer)
{
	front->features = answer->payload.number;
	return 0;
}

static int take_protocol_features(struct vhost_front *front,
	const struct vhost_user_message *answer)
{
	const uint64_t config = BIT(VHOST_USER_PROTOCOL_CONFIG);

	front->protocol_offered = answer->payload.number & PROTOCOL_WANTED;
	if (!front->settings.config_size)
		front->protocol_offered &= ~config;
	/* All that it would ask us is about the configuration. */
	if (!(front->protocol_offered & config))
		front->protocol_offered &= ~BIT(VHOST_USER_PROTOCOL_BACKEND_REQ);
	return 0;
}

/* This message itself is not under what it agrees on. */
static int fill_protocol_features(struct vhost_front *front, struct vhost_user_message *message)
{
	front->protocol = front->protocol_offered;
	return number(message, front->protocol);
}

static bool may_be_asked(const struct vhost_front *front)
{
	return agreed(front, VHOST_USER_PROTOCOL_BACKEND_REQ);
}

static int fill_channel(struct vhost_front *front, struct vhost_user_message *message)
{
	message->header.size = 0;
	return front->channel_far_fd;
}

static bool has_config(const struct vhost_front *front)
{
	return agreed(front, VHOST_USER_PROTOCOL_CONFIG);
}

static int fill_config(struct vhost_front *front, struct vhost_user_message *message)
{
	uint32_t size = (uint32_t)front->settings.config_size;

	front->config_stale = false;
	message->payload.config = (struct vhost_user_config){ .size = size };
	message->header.size = (uint32_t)VHOST_USER_CONFIG_SIZE(size);
	return NO_FD;
}

static int take_config(struct vhost_front *front, const struct vhost_user_message *answer)
{
	const struct vhost_user_config *config = &answer->payload.config;
	size_t size = front->settings.config_size;

	if (answer->header.size != VHOST_USER_CONFIG_SIZE(size) || config->offset != 0 ||
		config->size != size)
		return wrong(front, "its configuration space has not the size asked for");
	memcpy(front->config, config->bytes, size);
	front->config_known = true;
	if (front->ready)
		front->settings.changed(front->device);
	return 0;
}

/* Starting. */

static int fill_features(struct vhost_front *front, struct vhost_user_message *message)
{
	uint64_t features = front->device->negotiated & front->features;

	if (has_protocol_features(front))
		features |= BIT(VHOST_USER_F_PROTOCOL_FEATURES);
	return number(message, features);
}

static bool tells_mtu(const struct vhost_front *front)
{
	return agreed(front, VHOST_USER_PROTOCOL_NET_MTU) &&
		front->device->negotiated & front->settings.mtu_feature;
}

static int fill_mtu(struct vhost_front *front, struct vhost_user_message *message)
{
	return number(message, front->settings.mtu);
}

/*
 * Regions of memory follow each other in the file. To the back-end our own addresses are nothing
 * but names: guest addresses do as well, and tell nothing about this process.
 */
static int fill_memory(struct vhost_front *front, struct vhost_user_message *message)
{
	const struct guest_memory *memory = front->device->memory;
	struct vhost_user_memory *table = &message->payload.memory;
	uint64_t offset = 0;

	*table = (struct vhost_user_memory){ .count = memory->count };
	for (unsigned i = 0; i < memory->count; i++) {
		table->region[i] = (struct vhost_user_region){
			.guest_address = memory->region[i].base,
			.size = memory->region[i].size,
			.user_address = memory->region[i].base,
			.mmap_offset = offset,
		};
		offset += memory->region[i].size;
	}
	message->header.size = (uint32_t)VHOST_USER_MEMORY_SIZE(memory->count);
	return front->memory_fd;
}

static bool queue_is_set_up(const struct vhost_front *front)
{
	return current_queue(front)->desc != NULL;
}

static int fill_size(struct vhost_front *front, struct vhost_user_message *message)
{
	return state(front, message, current_queue(front)->size);
}

/* What is not marked as used will be served, again if need be. */
static int fill_base(struct vhost_front *front, struct vhost_user_message *message)
{
	return state(front, message,
		__atomic_load_n(&current_queue(front)->used->idx, __ATOMIC_ACQUIRE));
}

static int fill_addresses(struct vhost_front *front, struct vhost_user_message *message)
{
	const struct virtqueue *queue = current_queue(front);

	message->payload.address = (struct vhost_vring_addr){
		.index = front->queue,
		.desc_user_addr = queue->desc_address,
		.used_user_addr = queue->used_address,
		.avail_user_addr = queue->avail_address,
	};
	message->header.size = sizeof(message->payload.address);
	return NO_FD;
}

static int fill_call(struct vhost_front *front, struct vhost_user_message *message)
{
	number(message, front->queue);
	return front->call_fd;
}

static int fill_error(struct vhost_front *front, struct vhost_user_message *message)
{
	number(message, front->queue);
	return front->error_fd;
}

/*
 * A new one each time, that holds one kick: the back-end looks at what is there already. We never
 * write to it, for who has it could make that block.
 */
static int fill_kick(struct vhost_front *front, struct vhost_user_message *message)
{
	int fd = front->new_kick(front->owner, front->queue);

	number(message, front->queue);
	if (fd >= 0)
		front->handed |= BIT(front->queue);
	return fd;
}

static bool needs_enable(const struct vhost_front *front)
{
	return has_protocol_features(front) && queue_is_set_up(front);
}

static int fill_enable(struct vhost_front *front, struct vhost_user_message *message)
{
	return state(front, message, 1);
}

static bool has_status(const struct vhost_front *front)
{
	return agreed(front, VHOST_USER_PROTOCOL_STATUS);
}

static int fill_running(struct vhost_front *front, struct vhost_user_message *message)
{
	(void)front;
	return number(message, STATUS_RUNNING);
}

/* Where nothing is acknowledged, an answer after all the rest says that the rest was read. */
static bool needs_barrier(const struct vhost_front *front)
{
	return !agreed(front, VHOST_USER_PROTOCOL_REPLY_ACK);
}

/* Stopping. */

static bool is_handed(const struct vhost_front *front)
{
	return front->handed & BIT(front->queue);
}

static int fill_stop(struct vhost_front *front, struct vhost_user_message *message)
{
	return state(front, message, 0);
}

static int take_base(struct vhost_front *front, const struct vhost_user_message *answer)
{
	if (answer->payload.state.index != front->queue)
		return wrong(front, "it stopped another ring than it was told to");
	front->handed &= ~BIT(front->queue);
	return 0;
}

static int fill_reset(struct vhost_front *front, struct vhost_user_message *message)
{
	(void)front;
	return number(message, 0);
}

#define STEP(message) .name = #message, .request = VHOST_USER_##message

static const struct vhost_step introduction_steps[] = {
	{ STEP(SET_OWNER) },
	{ STEP(GET_FEATURES), .take = take_features, .answer_size = 8 },
	{ STEP(GET_PROTOCOL_FEATURES), .due = has_protocol_features, .take = take_protocol_features,
		.answer_size = 8 },
	{ STEP(SET_PROTOCOL_FEATURES), .due = has_protocol_features,
		.fill = fill_protocol_features },
	{ STEP(SET_BACKEND_REQ_FD), .due = may_be_asked, .fill = fill_channel },
	{ STEP(GET_CONFIG), .due = has_config, .fill = fill_config, .take = take_config },
};

static const struct vhost_step starting_steps[] = {
	{ STEP(SET_FEATURES), .fill = fill_features },
	{ STEP(NET_SET_MTU), .due = tells_mtu, .fill = fill_mtu },
	{ STEP(SET_MEM_TABLE), .fill = fill_memory },
	{ STEP(SET_VRING_NUM), true, queue_is_set_up, fill_size },
	{ STEP(SET_VRING_BASE), true, queue_is_set_up, fill_base },
	{ STEP(SET_VRING_ADDR), true, queue_is_set_up, fill_addresses },
	{ STEP(SET_VRING_CALL), true, queue_is_set_up, fill_call },
	{ STEP(SET_VRING_ERR), true, queue_is_set_up, fill_error },
	/* Before the kick: what a driver sends through a queue not enabled is thrown away. */
	{ STEP(SET_VRING_ENABLE), true, needs_enable, fill_enable },
	{ STEP(SET_VRING_KICK), true, queue_is_set_up, fill_kick },
	{ STEP(SET_STATUS), .due = has_status, .fill = fill_running },
	{ STEP(GET_FEATURES), .due = needs_barrier, .take = take_features, .answer_size = 8 },
};

static const struct vhost_step stopping_steps[] = {
	{ STEP(GET_VRING_BASE), true, is_handed, fill_stop, take_base,
		sizeof(struct vhost_vring_state) },
	{ STEP(SET_STATUS), .due = has_status, .fill = fill_reset },
};

static const struct vhost_step refreshing_steps[] = {
	{ STEP(GET_CONFIG), .fill = fill_config, .take = take_config },
};

static const struct vhost_script introduction = { introduction_steps,
	ARRAY_SIZE(introduction_steps) };
static const struct vhost_script starting = { starting_steps, ARRAY_SIZE(starting_steps) };
static const struct vhost_script stopping = { stopping_steps, ARRAY_SIZE(stopping_steps) };
static const struct vhost_script refreshing = { refreshing_steps, ARRAY_SIZE(refreshing_steps) };

/* Can it serve what the driver has accepted? */
static bool fits(struct vhost_front *front)
{
	uint64_t lacking = front->device->negotiated & ~front->features &
		~front->settings.own_features;

	if (lacking && !front->unfit)
		log_limited(&front->complaints,
			"%s: the back-end at %s lacks features that the driver uses: 0x%llx; "
			"no carrier until the driver starts anew without them",
			front->subject, front->path, (unsigned long long)lacking);
	front->unfit = lacking != 0;
	return !lacking;
}

const struct vhost_script *vhost_script_due(struct vhost_front *front)
{
	if (!front->introduced)
		return &introduction;
	if (front->handed && !front->wanted)
		return &stopping;
	if (front->wanted && !front->ready && fits(front))
		return &starting;
	if (front->config_stale)
		return &refreshing;
	return NULL;
}

bool vhost_script_step_due(const struct vhost_front *front)
{
	const struct vhost_step *step = &front->script->step[front->position];

	return !step->due || step->due(front);
}

/* Each region of memory has a descriptor of its own, be they all of one file. */
static unsigned descriptors(const struct vhost_user_message *message)
{
	return message->header.request == VHOST_USER_SET_MEM_TABLE ? message->payload.memory.count
								   : 1;
}

/* All with the same descriptor, or NO_FD. */
static int send_with(const struct vhost_front *front, const struct vhost_user_message *message,
	int fd)
{
	int fds[VHOST_USER_FDS_MAX];

	for (unsigned i = 0; i < VHOST_USER_FDS_MAX; i++)
		fds[i] = fd;
	return vhost_send(front->fd, message, fds, fd == NO_FD ? 0 : descriptors(message));
}

int vhost_script_send(struct vhost_front *front)
{
	const struct vhost_step *step = &front->script->step[front->position];
	bool acknowledged = !step->take && agreed(front, VHOST_USER_PROTOCOL_REPLY_ACK);
	struct vhost_user_message message = {
		.header = {
			.request = step->request,
			.flags = VHOST_USER_VERSION | (acknowledged ? VHOST_USER_NEED_REPLY : 0),
		},
	};
	int fd = step->fill ? step->fill(front, &message) : NO_FD;
	int result = fd;

	if (fd >= 0 || fd == NO_FD)
		result = send_with(front, &message, fd);
	front->waiting = result == 0 && (acknowledged || step->take);
	return result;
}

/* An acknowledgement is a number: 0 for success. */
int vhost_script_answered(struct vhost_front *front)
{
	const struct vhost_step *step = &front->script->step[front->position];
	const struct vhost_user_message *answer = &front->answer.message;
	uint32_t size = step->take ? step->answer_size : (uint32_t)sizeof(uint64_t);

	if (answer->header.request != step->request || !(answer->header.flags & VHOST_USER_REPLY) ||
		front->answer.fd_count > 0)
		return wrong(front, "it answers what was not asked");
	if (size && answer->header.size != size)
		return wrong(front, "its answer has not the size that it must have");
	if (step->take)
		return step->take(front, answer);
	if (answer->payload.number == 0)
		return 0;
	snprintf(front->why, sizeof(front->why), "it refuses %s", step->name);
	return -EPROTO;
}

/* The back-end before may have died between using buffers and saying so. */
static void started(struct vhost_front *front)
{
	eventfd_write(front->call_fd, 1);
	front->ready = true;
	front->settings.changed(front->device);
}

static void finished(struct vhost_front *front)
{
	if (front->script == &introduction)
		front->introduced = true;
	if (front->script == &starting)
		started(front);
	front->script = NULL;
}

void vhost_script_advance(struct vhost_front *front)
{
	bool each = front->script->step[front->position].each_queue;

	if (each && front->queue + 1 < front->device->type->queue_count) {
		front->queue++;
	} else {
		front->queue = 0;
		front->position++;
	}
	if (front->abandoned)
		front->script = NULL;
	else if (front->position == front->script->count)
		finished(front);
	front->abandoned = false;
}

void vhost_script_abandon(struct vhost_front *front)
{
	front->abandoned = front->script == &starting;
}

int vhost_script_asked(struct vhost_front *front)
{
	const struct vhost_user_header *header = &front->question.message.header;

	if (header->request != VHOST_USER_BACKEND_CONFIG_CHANGED || header->size != 0 ||
		front->question.fd_count > 0 || header->flags & VHOST_USER_REPLY)
		return wrong(front, "it asks for what it must not");
	front->config_stale = true;
	if (!(header->flags & VHOST_USER_NEED_REPLY))
		return 0;
	return vhost_send(front->channel_fd,
		&(struct vhost_user_message){
			.header = { header->request, VHOST_USER_VERSION | VHOST_USER_REPLY,
				sizeof(uint64_t) },
		},
		NULL, 0);
}
