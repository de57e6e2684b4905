/* Delay, loss and a limited rate on the way to a port.
 *
 * How it works: a line that sends one frame after the other at its rate, and at whose end they come
 * out after the delay. Frames that would have to wait too long for the line are not taken: so a
 * slow line has a short queue, and not seconds of delay that nobody asked for.
 */
#include "impair.h"

#include <stdlib.h>
#include <string.h>

#define HELD_BYTES_MOST (16U << 20) /* of memory, for one port */
#define WAIT_NS_MOST UINT64_C(20000000) /* for the line */
#define LOSS_SCALE 10000
#define NS_IN_S 1000000000U
#define NS_IN_US 1000U

struct held_frame {
	struct held_frame *next;
	uint64_t due_ns;
	struct virtio_net_hdr_v1 header;
	uint32_t length;
	unsigned done; /* segments delivered */
	bool plain;
	uint8_t bytes[];
};

struct impairment {
	uint64_t delay_ns;
	uint64_t rate;
	uint32_t loss_per_10000;
	uint64_t random;
	uint64_t line_free_ns; /* when it has sent all it has taken */
	struct held_frame *first;
	struct held_frame *last;
	size_t held_bytes;
};

struct impairment *impairment_create(const struct port_settings *settings)
{
	struct impairment *impairment = calloc(1, sizeof(*impairment));

	if (!impairment)
		return NULL;
	impairment->random = (uintptr_t)impairment * 0x9e3779b97f4a7c15 | 1;
	impairment_set(impairment, settings);
	return impairment;
}

static void forget_first(struct impairment *impairment)
{
	struct held_frame *first = impairment->first;

	impairment->first = first->next;
	impairment->held_bytes -= sizeof(*first) + first->length;
	free(first);
}

void impairment_destroy(struct impairment *impairment)
{
	while (impairment && impairment->first)
		forget_first(impairment);
	free(impairment);
}

void impairment_set(struct impairment *impairment, const struct port_settings *settings)
{
	impairment->delay_ns = (uint64_t)settings->delay_us * NS_IN_US;
	impairment->rate = settings->rate;
	impairment->loss_per_10000 = settings->loss_per_10000;
	impairment->line_free_ns = 0;
	for (struct held_frame *held = impairment->first; held; held = held->next)
		held->due_ns = 0;
}

bool impairment_wanted(const struct port_settings *settings)
{
	return settings->delay_us || settings->rate || settings->loss_per_10000;
}

bool impairment_empty(const struct impairment *impairment)
{
	return !impairment->first;
}

/* Marsaglia's xorshift with a multiplication: chance enough for frames. */
static uint32_t any_number(struct impairment *impairment)
{
	uint64_t state = impairment->random;

	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	impairment->random = state;
	return (uint32_t)(state * 0x2545f4914f6cdd1d >> 32);
}

static bool is_lost(struct impairment *impairment)
{
	return impairment->loss_per_10000 &&
		(uint64_t)any_number(impairment) * LOSS_SCALE >> 32 < impairment->loss_per_10000;
}

static struct held_frame *hold(const struct frame *frame)
{
	struct held_frame *held = malloc(sizeof(*held) + frame->length);

	if (!held)
		return NULL;
	*held = (struct held_frame){
		.header = frame->header,
		.length = frame->length,
		.plain = frame->plain,
	};
	frame_copy(frame, 0, held->bytes, frame->length);
	return held;
}

static void append(struct impairment *impairment, struct held_frame *held)
{
	if (impairment->first)
		impairment->last->next = held;
	else
		impairment->first = held;
	impairment->last = held;
	impairment->held_bytes += sizeof(*held) + held->length;
}

/* When a frame that takes the line now comes out at its end: never before those ahead of it. */
static uint64_t due(struct impairment *impairment, uint32_t length, uint64_t now_ns)
{
	if (impairment->line_free_ns < now_ns)
		impairment->line_free_ns = now_ns;
	if (impairment->rate)
		impairment->line_free_ns += (uint64_t)length * NS_IN_S / impairment->rate;
	return impairment->line_free_ns + impairment->delay_ns;
}

enum port_result impairment_take(struct impairment *impairment, const struct frame *frame,
	uint64_t now_ns)
{
	struct held_frame *held;

	if (impairment->held_bytes + sizeof(*held) + frame->length > HELD_BYTES_MOST ||
		impairment->line_free_ns > now_ns + WAIT_NS_MOST)
		return PORT_NO_ROOM;
	if (is_lost(impairment))
		return PORT_DROPPED;
	held = hold(frame);
	if (!held)
		return PORT_DROPPED;
	held->due_ns = due(impairment, frame->length, now_ns);
	append(impairment, held);
	return PORT_DELIVERED;
}

uint64_t impairment_run(struct impairment *impairment, uint64_t now_ns, struct port *to,
	enum port_result (*deliver)(struct port *to, const struct frame *frame, unsigned *done))
{
	while (impairment->first && impairment->first->due_ns <= now_ns) {
		struct held_frame *first = impairment->first;
		struct iovec iov = { first->bytes, first->length };
		struct frame frame = {
			.header = first->header,
			.iov = &iov,
			.count = 1,
			.length = first->length,
			.plain = first->plain,
		};

		if (deliver(to, &frame, &first->done) == PORT_NO_ROOM)
			return UINT64_MAX;
		forget_first(impairment);
	}
	return impairment->first ? impairment->first->due_ns : UINT64_MAX;
}
