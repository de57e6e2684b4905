#ifndef MEMORY_H
#define MEMORY_H

struct machine;

/*
 * Guest RAM: one sealed memfd, mapped once and put into KVM's first memory slots. Before interrupt
 * controllers exist, which make a new slot slow. 0, or -errno with one line logged; -EINVAL: the
 * host cannot give that much.
 */
int memory_create(struct machine *machine);
void memory_destroy(struct machine *machine); /* also of a half-built one */

#endif
