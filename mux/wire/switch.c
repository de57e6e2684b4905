/* A switch: learns where addresses are, floods what it does not know, and never waits for a port.
 *
 * How it works: each port has a set of ports that it may send to (reach), and each VLAN a set of
 * those that carry it (member); number 0 stands for the ports without VLANs, whose frames pass as
 * they are. A frame goes to the port where its destination was seen last, if that is in both sets,
 * or to all that are; never back; and to each monitor. A port that has no room just then goes
 * without.
 */
#include "compiler.h"
#include "mac_table.h"
#include "vlan_frame.h"
#include "wire.h"

#include <string.h>
#include <sys/auxv.h>

#define ADDRESS_LENGTH 6
#define FLOOD MAC_TABLE_NOWHERE
#define WORD_BITS 64
#define WORDS (WIRE_PORTS_MAX / WORD_BITS)
#define NS_IN_S 1000000000U

struct port_set {
	uint64_t word[WORDS];
};

struct learning_switch {
	struct wire wire;
	struct mac_table table;
	bool seeded;
	struct port_set plugged;
	struct port_set monitors;
	struct port_set reach[WIRE_PORTS_MAX];
	struct port_set member[VLAN_COUNT];
	struct vlan_set carried[WIRE_PORTS_MAX]; /* the same, by port */
	struct vlan_frame tagged; /* the frame being forwarded, if its sender is in a VLAN */
};

/* Where a frame goes, decided by a copy of its addresses. */
struct decision {
	uint8_t address[2 * ADDRESS_LENGTH]; /* destination, source */
	uint16_t vlan;
	uint16_t to; /* a port, or FLOOD */
	bool valid; /* the next frame with these addresses goes the same way */
};

static struct learning_switch *of_wire(struct wire *wire)
{
	return CONTAINER_OF(wire, struct learning_switch, wire);
}

static bool contains(const struct port_set *set, unsigned number)
{
	return set->word[number / WORD_BITS] >> number % WORD_BITS & 1;
}

static void assign(struct port_set *set, unsigned number, bool in)
{
	if (contains(set, number) != in)
		set->word[number / WORD_BITS] ^= UINT64_C(1) << number % WORD_BITS;
}

static void drop(struct port *port, enum port_drop reason)
{
	port->counters->dropped[reason]++;
}

static bool may_send(const struct port *from, const struct port *to)
{
	const struct port_settings *settings = &from->settings;

	return from != to && !settings->monitor && !to->settings.monitor &&
		!(settings->isolated && to->settings.isolated) &&
		settings->allowed[to->number / 8] >> to->number % 8 & 1;
}

/* Make the port a member of these VLANs. Whether it was one of others. */
static bool join(struct learning_switch *in, unsigned port, const struct vlan_set *vlans)
{
	struct vlan_set *before = &in->carried[port];
	uint64_t left = 0;

	for (unsigned i = 0; i < VLAN_WORDS; i++) {
		uint64_t changed = before->word[i] ^ vlans->word[i];

		left |= changed & before->word[i];
		for (; changed; changed &= changed - 1) {
			unsigned bit = (unsigned)__builtin_ctzll(changed);

			assign(&in->member[i * WORD_BITS + bit], port, vlans->word[i] >> bit & 1);
		}
	}
	*before = *vlans;
	return left;
}

static void settings_changed(struct wire *wire, struct port *port)
{
	struct learning_switch *in = of_wire(wire);
	struct vlan_set vlans;

	assign(&in->monitors, port->number, port->settings.monitor);
	for (unsigned i = 0; i < WIRE_PORTS_MAX; i++) {
		if (!contains(&in->plugged, i))
			continue;
		assign(&in->reach[port->number], i, may_send(port, wire->port[i]));
		assign(&in->reach[i], port->number, may_send(wire->port[i], port));
	}
	vlan_all_carried(&port->settings, &vlans);
	if (join(in, port->number, &vlans) || !port->settings.link)
		mac_table_forget(&in->table, port->number);
}

/* What the kernel gave the process at its start: no system call, whatever the sandbox allows. */
static void seed(struct mac_table *table)
{
	uint64_t random[2] = { 0 };
	const void *given = (const void *)getauxval(AT_RANDOM);

	if (given)
		memcpy(random, given, sizeof(random));
	mac_table_init(table, random[0] * 0x9e3779b97f4a7c15, random[1] * 0xbf58476d1ce4e5b9);
}

static void plugged(struct wire *wire, struct port *port)
{
	struct learning_switch *into = of_wire(wire);

	if (!into->seeded)
		seed(&into->table);
	into->seeded = true;
	assign(&into->plugged, port->number, true);
	settings_changed(wire, port);
}

static void unplugged(struct wire *wire, struct port *port)
{
	struct learning_switch *from = of_wire(wire);

	assign(&from->plugged, port->number, false);
	assign(&from->monitors, port->number, false);
	from->reach[port->number] = (struct port_set){ 0 };
	for (unsigned i = 0; i < WIRE_PORTS_MAX; i++)
		assign(&from->reach[i], port->number, false);
	join(from, port->number, &(struct vlan_set){ 0 });
	mac_table_forget(&from->table, port->number);
}

static bool is_group(const uint8_t *address)
{
	return address[0] & 1;
}

static bool is_nobody(const uint8_t *address)
{
	static const uint8_t zero[ADDRESS_LENGTH] = { 0 };

	return memcmp(address, zero, ADDRESS_LENGTH) == 0;
}

/* Addresses that never cross a switch (IEEE 802.1D, table 7-10). */
static bool is_reserved(const uint8_t *address)
{
	static const uint8_t prefix[] = { 0x01, 0x80, 0xc2, 0x00, 0x00 };

	return memcmp(address, prefix, sizeof(prefix)) == 0 && address[5] < 16;
}

/* Learn the source, look the destination up. False if the frame goes nowhere, which is counted. */
static bool decide(struct learning_switch *in, struct port *from, struct decision *decision)
{
	const uint8_t *destination = decision->address;
	const uint8_t *source = destination + ADDRESS_LENGTH;

	decision->to = FLOOD;
	if (is_group(source) || is_nobody(source)) {
		drop(from, DROP_MALFORMED);
		return false;
	}
	mac_table_learn(&in->table, mac_table_key(source, decision->vlan), from->number);
	if (is_group(destination)) {
		if (is_reserved(destination))
			drop(from, DROP_NOT_ALLOWED);
		return !is_reserved(destination);
	}
	decision->to = mac_table_find(&in->table, mac_table_key(destination, decision->vlan));
	if (decision->to == FLOOD)
		return true;
	if (decision->to == from->number)
		return false; /* it is there already */
	if (contains(&in->member[decision->vlan], decision->to) &&
		!contains(&in->reach[from->number], decision->to)) {
		drop(from, DROP_NOT_ALLOWED);
		return false;
	}
	if (!contains(&in->member[decision->vlan], decision->to))
		decision->to = FLOOD;
	return true;
}

/* Each gets the form that its settings ask for; frame is NULL for a frame of a VLAN. */
static void give(struct learning_switch *by, struct port *to, const struct frame *frame)
{
	unsigned done = 0;

	if (!frame)
		frame = vlan_frame_leave(&by->tagged, &to->settings);
	if (!frame)
		drop(to, DROP_VLAN);
	else if (wire_deliver(to, frame, &done) == PORT_NO_ROOM)
		drop(to, DROP_NO_ROOM);
}

static void give_all(struct learning_switch *by, const struct port_set *set,
	const struct frame *frame)
{
	for (unsigned i = 0; i < WORDS; i++) {
		for (uint64_t word = set->word[i]; word; word &= word - 1) {
			unsigned bit = (unsigned)__builtin_ctzll(word);

			give(by, by->wire.port[i * WORD_BITS + bit], frame);
		}
	}
}

static void flood(struct learning_switch *by, const struct port *from, uint16_t vlan,
	const struct frame *frame)
{
	struct port_set set;

	for (unsigned i = 0; i < WORDS; i++)
		set.word[i] = by->reach[from->number].word[i] & by->member[vlan].word[i];
	give_all(by, &set, frame);
}

/* The VLAN and a copy of the addresses. False if the frame must not enter, which is counted. */
static bool enter(struct learning_switch *by, struct port *from, const struct frame *frame,
	struct decision *next)
{
	enum port_drop reason = DROP_MALFORMED;

	next->vlan = 0;
	if (from->settings.vlan_mode == PORT_VLAN_NONE) {
		if (frame->length >= FRAME_LENGTH_LEAST &&
			frame_copy_head(frame, next->address, sizeof(next->address)))
			return true;
	} else if (vlan_frame_enter(&by->tagged, &from->settings, frame, &reason)) {
		memcpy(next->address, by->tagged.head, sizeof(next->address));
		next->vlan = by->tagged.vlan;
		return true;
	}
	drop(from, reason);
	return false;
}

/* Where the next frame goes; as long as addresses stay the same, no table is asked. */
static bool route(struct learning_switch *by, struct port *from, const struct frame *frame,
	struct decision *last)
{
	struct decision next = { .valid = true };

	if (!enter(by, from, frame, &next))
		return false;
	if (last->valid && next.vlan == last->vlan &&
		memcmp(next.address, last->address, sizeof(next.address)) == 0)
		return true;
	last->valid = false;
	if (!decide(by, from, &next))
		return false;
	*last = next;
	return true;
}

/* Plain members of a batch, one after the other, that all go to the same port. */
static void give_run(struct learning_switch *by, struct port *to, const struct frame *frame,
	unsigned count)
{
	for (unsigned given = 0; given < count;) {
		given += wire_deliver_many(to, &frame[given], count - given);
		if (given < count)
			give(by, to, &frame[given++]);
	}
}

/* Frames of a port without VLANs. */
static void forward_as_they_are(struct learning_switch *by, struct port *from,
	const struct frame *frame, unsigned count)
{
	struct decision decision = { .valid = false };
	unsigned run = 0; /* frames before this one that wait for it to go the same way */
	uint16_t to = FLOOD;

	for (unsigned i = 0; i < count; i++) {
		bool goes = route(by, from, &frame[i], &decision);

		if (run && (!goes || decision.to != to)) {
			give_run(by, by->wire.port[to], &frame[i - run], run);
			run = 0;
		}
		to = decision.to;
		if (goes && to == FLOOD)
			flood(by, from, 0, &frame[i]);
		else if (goes)
			run++;
		if (goes)
			give_all(by, &by->monitors, &frame[i]);
	}
	if (run)
		give_run(by, by->wire.port[to], &frame[count - run], run);
}

static void forward_tagged(struct learning_switch *by, struct port *from, const struct frame *frame,
	unsigned count)
{
	struct decision decision = { .valid = false };

	for (unsigned i = 0; i < count; i++) {
		if (!route(by, from, &frame[i], &decision))
			continue;
		if (decision.to == FLOOD)
			flood(by, from, decision.vlan, NULL);
		else
			give(by, by->wire.port[decision.to], NULL);
		give_all(by, &by->monitors, NULL);
	}
}

static unsigned forward(struct wire *wire, struct port *from)
{
	struct learning_switch *by = of_wire(wire);
	const struct frame *frame;
	unsigned count = from->ops->peek(from, &frame);

	if (!count)
		return 0;
	by->table.now_s = (uint32_t)(wire->now_ns / NS_IN_S);
	by->table.ageing_s = wire->ageing_s;
	if (from->settings.link)
		wire_sent(from, frame, count);
	if (!from->settings.link)
		from->counters->dropped[DROP_LINK_DOWN] += count;
	else if (from->settings.monitor)
		from->counters->dropped[DROP_NOT_ALLOWED] += count;
	else if (from->settings.vlan_mode == PORT_VLAN_NONE)
		forward_as_they_are(by, from, frame, count);
	else
		forward_tagged(by, from, frame, count);
	from->ops->consume(from, count);
	return count;
}

const struct wire_type wire_switch = {
	.name = "switch",
	.ports_most = WIRE_PORTS_MAX,
	.instance_size = sizeof(struct learning_switch),
	.plugged = plugged,
	.unplugged = unplugged,
	.forward = forward,
	.settings_changed = settings_changed,
};
