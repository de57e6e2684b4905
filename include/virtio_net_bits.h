#ifndef VIRTIO_NET_BITS_H
#define VIRTIO_NET_BITS_H

#include <linux/virtio_net.h>

/* What the system's headers may be too old for (Virtio 1.2, section 5.1.3). */
#define VIRTIO_NET_F_GUEST_USO4 54
#define VIRTIO_NET_F_GUEST_USO6 55
#define VIRTIO_NET_F_HOST_USO 56
#define VIRTIO_NET_HDR_GSO_UDP_L4 5

#endif
