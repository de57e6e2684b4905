#ifndef VHOST_FRONT_INTERNAL_H
#define VHOST_FRONT_INTERNAL_H

#include "log.h"
#include "vhost_front.h"
#include "vhost_message.h"

#include <event2/event_struct.h>

#define VHOST_SUBJECT_MAX 32
#define VHOST_WHY_MAX 80

struct vhost_step;

struct vhost_script {
	const struct vhost_step *step;
	unsigned count;
};

/* All under the device's lock. Events are assigned by the main thread only. */
struct vhost_front {
	struct virtio_device *device; /* borrowed, as all of the context's */
	struct event_base *base;
	int memory_fd;
	int (*new_kick)(void *owner, uint16_t queue);
	void *owner;
	int call_fd;
	char subject[VHOST_SUBJECT_MAX];
	char *path; /* owned */
	char *name; /* owned, or NULL */
	struct vhost_front_settings settings; /* without its strings */

	int fd; /* -1: no connection */
	int channel_fd; /* our end of what the back-end asks us on, or -1 */
	int channel_far_fd; /* the back-end's, until it is sent */
	int error_fd; /* where the back-end says that a queue makes no sense */
	struct event readable;
	struct event asked; /* by the back-end */
	struct event complained; /* error_fd is signalled; it is never read, lest that blocks */
	struct event timer; /* the next attempt, or the end of our patience */
	uint64_t timer_ms; /* when it is due */
	unsigned delay_ms; /* before the next attempt */
	uint64_t connected_ms;
	struct vhost_reader answer;
	struct vhost_reader question;

	const struct vhost_script *script; /* under way, or NULL */
	unsigned position; /* in it */
	uint16_t queue; /* of those that each have the step at position */
	bool waiting; /* for the answer to it */
	bool abandoned; /* the script is, once the answer is there */
	char why[VHOST_WHY_MAX]; /* what the back-end did wrong, or "" */

	uint64_t features; /* the back-end's */
	uint64_t protocol_offered;
	uint64_t protocol; /* agreed */
	bool introduced;
	bool wanted; /* the driver is ready */
	bool ready; /* and the back-end serves it */
	bool unfit; /* the driver has accepted what this back-end lacks */
	uint64_t handed; /* a bit for each queue the back-end may touch */
	bool config_known;
	bool config_stale;
	uint8_t config[VHOST_USER_CONFIG_MAX];

	bool reported; /* that the back-end is away */
	struct log_limit complaints;
};

/* vhost_front_script.c: the messages. Each result is 0 or -errno, with front->why where it helps.
 */

/* The script that is due, or NULL. */
const struct vhost_script *vhost_script_due(struct vhost_front *front);
/* Send the message at the current position; front->waiting says whether an answer will come. */
int vhost_script_send(struct vhost_front *front);
/* The answer to it came, in front->answer. */
int vhost_script_answered(struct vhost_front *front);
/* Is there anything to say at the current position? */
bool vhost_script_step_due(const struct vhost_front *front);
/* To the next position; at the end of the script, none is under way. */
void vhost_script_advance(struct vhost_front *front);
/* The driver went away: what the starting script has said so far counts no more. */
void vhost_script_abandon(struct vhost_front *front);
/* The back-end asks something, in front->question. */
int vhost_script_asked(struct vhost_front *front);

#endif
