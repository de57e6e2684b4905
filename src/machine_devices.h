#ifndef MACHINE_DEVICES_H
#define MACHINE_DEVICES_H

struct machine;
struct virtio_device;

/*
 * The virtio devices of a machine, for machine_create(): first their register pages, one memory
 * slot for all; then, once there are vCPUs and interrupt lines, the devices. 0 or -errno with one
 * line logged.
 */
int machine_map_devices(struct machine *machine);
int machine_create_devices(struct machine *machine);
void machine_destroy_devices(struct machine *machine); /* also half-built ones */

/* Of the configuration's [[net]] of that index; NULL where the machine was not built that far. */
struct virtio_device *machine_net(struct machine *machine, unsigned index);

#endif
