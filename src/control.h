#ifndef CONTROL_H
#define CONTROL_H

struct control;
struct guest;

#define CONTROL_INTERFACE "org.vmm.machine"

/*
 * A guest's control socket, directory/NAME.sock, for its owner only. Claims the name: *control is
 * set, or -EINVAL where another process runs a guest of the name, with one line logged.
 */
int control_create(struct control **control, struct guest *guest, const char *directory);
void control_destroy(struct control *control); /* also removes the socket; NULL is nothing */

#endif
