/*
 * Network device (Virtio 1.2, section 5.1): its queues are served by a vhost-user back-end.
 *
 * How it works. What is offered to the driver is decided once, before it comes: the features of the
 * back-end that is there by then, or all there are. There is a carrier while a back-end has the
 * rings and, where it tells, its own link is up. A back-end that goes away gets a moment to come
 * back before the driver hears of it.
 */
#include "compiler.h"
#include "vhost_front.h"
#include "virtio_device.h"
#include "virtio_net_bits.h"
#include "virtio_net_card.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <string.h>

#include <linux/virtio_ids.h>

#define QUEUES 2 /* the driver receives in the first, transmits in the second */
#define BIT(number) (1ULL << (number))

#define OFFLOADS \
	(BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_GUEST_CSUM) | BIT(VIRTIO_NET_F_HOST_TSO4) | \
		BIT(VIRTIO_NET_F_HOST_TSO6) | BIT(VIRTIO_NET_F_HOST_ECN) | \
		BIT(VIRTIO_NET_F_HOST_USO) | BIT(VIRTIO_NET_F_GUEST_TSO4) | \
		BIT(VIRTIO_NET_F_GUEST_TSO6) | BIT(VIRTIO_NET_F_GUEST_ECN) | \
		BIT(VIRTIO_NET_F_GUEST_USO4) | BIT(VIRTIO_NET_F_GUEST_USO6))
#define OWN_FEATURES (BIT(VIRTIO_NET_F_MAC) | BIT(VIRTIO_NET_F_STATUS) | BIT(VIRTIO_NET_F_MTU))

/* As far as it says something to a driver with our features. */
#define CONFIG_SIZE \
	(offsetof(struct virtio_net_config, mtu) + sizeof(((struct virtio_net_config *)0)->mtu))

struct net {
	struct virtio_device device;
	struct vhost_front *front; /* owned */
	struct virtio_net_config config;
	struct event grace; /* until the back-end is missed */
	unsigned grace_ms;
};

static void set_carrier(struct net *net, bool carrier)
{
	uint16_t status = carrier ? VIRTIO_NET_S_LINK_UP : 0;

	event_del_noblock(&net->grace);
	if (net->config.status == status)
		return;
	net->config.status = status;
	virtio_device_config_changed(&net->device);
}

/* True where the back-end does not tell. */
static bool link_is_up(const struct net *net)
{
	const uint8_t *told = vhost_front_config(net->front);
	uint16_t status;

	if (!told)
		return true;
	memcpy(&status, told + offsetof(struct virtio_net_config, status), sizeof(status));
	return status & VIRTIO_NET_S_LINK_UP;
}

static bool has_carrier(const struct net *net)
{
	return vhost_front_ready(net->front) && link_is_up(net);
}

static void wait_for_return(struct net *net)
{
	const struct timeval grace = {
		.tv_sec = net->grace_ms / 1000,
		.tv_usec = (suseconds_t)(net->grace_ms % 1000) * 1000,
	};

	event_add(&net->grace, &grace);
}

/* A back-end that has just come back says what it knows of a cable's other end, which may still be
 * on its way: within the grace, only good news count. */
static void changed(struct virtio_device *device)
{
	struct net *net = (struct net *)device;
	bool waiting = event_pending(&net->grace, EV_TIMEOUT, NULL);

	if (has_carrier(net))
		set_carrier(net, true);
	else if (vhost_front_ready(net->front) && !waiting)
		set_carrier(net, false);
	else if (net->config.status && !waiting)
		wait_for_return(net);
}

static void missed(evutil_socket_t fd, short events, void *owner)
{
	struct net *net = owner;

	(void)fd;
	(void)events;
	virtio_device_lock(&net->device);
	set_carrier(net, has_carrier(net));
	virtio_device_unlock(&net->device);
}

/* The machine writes no kick here; what is posted before the back-end comes, it finds. */
static void net_notify(struct virtio_device *device, struct virtqueue *queue)
{
	(void)device;
	(void)queue;
}

static void net_start(struct virtio_device *device)
{
	vhost_front_start(((struct net *)device)->front);
}

/* The next driver waits for its own carrier. */
static void net_reset(struct virtio_device *device)
{
	struct net *net = (struct net *)device;

	vhost_front_stop(net->front);
	event_del_noblock(&net->grace);
	net->config.status = 0;
}

/* What the back-end says that is there already. */
static void introduced(struct net *net, uint64_t features)
{
	const uint8_t *told = vhost_front_config(net->front);

	net->device.offered &= features | OWN_FEATURES | BIT(VIRTIO_F_VERSION_1);
	if (told && !net->config.mtu)
		memcpy(&net->config.mtu, told + offsetof(struct virtio_net_config, mtu),
			sizeof(net->config.mtu));
}

static int net_create(struct virtio_device *device, const struct device_context *context)
{
	struct net *net = (struct net *)device;
	const struct net_options *options = context->options;
	uint64_t features;

	event_assign(&net->grace, context->base, -1, 0, missed, net);
	memcpy(net->config.mac, options->mac, sizeof(net->config.mac));
	net->config.mtu = options->mtu;
	net->grace_ms = options->grace_ms;
	device->config = &net->config;
	device->config_size = CONFIG_SIZE;
	net->front = vhost_front_create(device, context,
		&(struct vhost_front_settings){
			.subject = options->subject,
			.path = options->path,
			.name = options->name,
			.own_features = OWN_FEATURES,
			.mtu_feature = options->mtu ? BIT(VIRTIO_NET_F_MTU) : 0,
			.mtu = options->mtu,
			.config_size = CONFIG_SIZE,
			.changed = changed,
		});
	if (!net->front)
		return -ENOMEM;
	if (vhost_front_introduce(net->front, options->introduction_ms, &features))
		introduced(net, features);
	if (!options->offloads)
		device->offered &= ~OFFLOADS;
	if (!net->config.mtu)
		device->offered &= ~BIT(VIRTIO_NET_F_MTU);
	return 0;
}

static void net_destroy(struct virtio_device *device)
{
	struct net *net = (struct net *)device;

	vhost_front_destroy(net->front);
	if (event_initialized(&net->grace))
		event_del(&net->grace);
}

void virtio_net_status(struct virtio_device *device, struct net_status *status)
{
	struct net *net = (struct net *)device;

	virtio_device_lock(device);
	memcpy(status->mac, net->config.mac, sizeof(status->mac));
	status->connected = vhost_front_connected(net->front);
	status->carrier = net->config.status & VIRTIO_NET_S_LINK_UP;
	virtio_device_unlock(device);
}

const struct virtio_device_type virtio_net = {
	.name = "net",
	.id = VIRTIO_ID_NET,
	.queue_count = QUEUES,
	.features = OWN_FEATURES | OFFLOADS | BIT(VIRTIO_NET_F_MRG_RXBUF),
	.instance_size = sizeof(struct net),
	.served_elsewhere = true,
	.create = net_create,
	.destroy = net_destroy,
	.start = net_start,
	.reset = net_reset,
	.notify = net_notify,
};
