#ifndef VIRTIO_CONSOLE_H
#define VIRTIO_CONSOLE_H

struct console_consumer;
struct virtio_device;

/*
 * What a device of type virtio_console gives to console_link_set_consumer() to have the input and
 * the size. The console itself belongs to the machine; take it from the link before it goes.
 */
struct console_consumer *virtio_console_consumer(struct virtio_device *device);

#endif
