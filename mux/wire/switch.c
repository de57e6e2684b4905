/* A switch: learns where addresses are, floods what it does not know, and never waits for a port.
 *
 * How it works: each port has a set of ports that it may send to (reach), and each VLAN a set of
 * those that carry it (member); number 0 stands for the ports without VLANs, whose frames pass as
 * they are. A frame goes to the port where its destination was seen last, if that is in both sets,
 * or to all that are; never back; and to each monitor. A port that has no room just then goes
 * without.
 */
#include "compiler.h"
#include "log.h"
#include "mac_table.h"
#include "vlan_frame.h"
#include "wire.h"

#include <string.h>
#include <sys/random.h>

#define ADDRESS_BITS 48
#define ADDRESS_MASK ((UINT64_C(1) << ADDRESS_BITS) - 1)
#define FLOOD MAC_TABLE_NOWHERE
#define NOWHERE (FLOOD - 1)
#define WORD_BITS 64
#define WORDS (WIRE_PORTS_MAX / WORD_BITS)
#define NS_IN_S 1000000000U

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "addresses are read as numbers");
_Static_assert(PORT_BATCH <= WORD_BITS, "a group is a word of bits");

struct port_set {
	uint64_t word[WORDS];
};

struct learning_switch {
	struct wire wire;
	struct mac_table table;
	bool seeded;
	struct port_set plugged;
	struct port_set monitors;
	struct port_set owners; /* ports that have an address of their own: */
	uint64_t owned[WIRE_PORTS_MAX]; /* the one they may send from, and nobody else; 0: none */
	struct port_set reach[WIRE_PORTS_MAX];
	struct port_set member[VLAN_COUNT];
	struct vlan_set carried[WIRE_PORTS_MAX]; /* the same, by port */
	struct vlan_frame tagged; /* the frame being forwarded, where its head is a copy */
	/* Which frames of a batch go to each port: 0 between batches. */
	uint64_t group[WIRE_PORTS_MAX];
	struct frame gathered[PORT_BATCH];
};

/* Where frames go. */
struct decision {
	uint64_t first_word; /* of the addresses it was decided for; nobody's at the beginning */
	uint32_t last_word;
	uint16_t vlan;
	uint16_t to; /* a port, FLOOD or NOWHERE */
	uint64_t source; /* key of what was learned last; 0 at the beginning */
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

static bool is_empty(const struct port_set *set)
{
	uint64_t any = 0;

	for (unsigned i = 0; i < WORDS; i++)
		any |= set->word[i];
	return !any;
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

/* The address that is the port's alone. */
static void own(struct learning_switch *in, unsigned port, const uint8_t mac[6])
{
	uint64_t address = 0;

	memcpy(&address, mac, 6);
	if (address == in->owned[port])
		return;
	in->owned[port] = address;
	assign(&in->owners, port, address);
	mac_table_forget(&in->table, (uint16_t)port);
	if (address)
		mac_table_forget_address(&in->table, address);
}

/* May it be that a frame with this source address comes from that port? */
static bool may_send_from(const struct learning_switch *in, unsigned port, uint64_t address)
{
	if (in->owned[port])
		return in->owned[port] == address;
	for (unsigned i = 0; i < WORDS; i++) {
		for (uint64_t word = in->owners.word[i]; word; word &= word - 1) {
			if (in->owned[i * WORD_BITS + (unsigned)__builtin_ctzll(word)] == address)
				return false;
		}
	}
	return true;
}

static void settings_changed(struct wire *wire, struct port *port)
{
	struct learning_switch *in = of_wire(wire);
	struct vlan_set vlans;

	assign(&in->monitors, port->number, port->settings.monitor);
	own(in, port->number, port->settings.mac);
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

static void seed(struct mac_table *table)
{
	uint64_t secret[2] = { 0 };

	if (getrandom(secret, sizeof(secret), 0) != sizeof(secret))
		log_warning("switch: no random numbers: which addresses it forgets is foreseeable");
	mac_table_init(table, secret[0], secret[1]);
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
	own(from, port->number, (const uint8_t[6]){ 0 });
	from->reach[port->number] = (struct port_set){ 0 };
	for (unsigned i = 0; i < WIRE_PORTS_MAX; i++)
		assign(&from->reach[i], port->number, false);
	join(from, port->number, &(struct vlan_set){ 0 });
	mac_table_forget(&from->table, port->number);
}

static bool is_group(uint64_t address)
{
	return address & 1;
}

/* Addresses that never cross a switch (IEEE 802.1D, table 7-10): 01:80:c2:00:00:00 to 0f. */
static bool is_reserved(uint64_t address)
{
	return (address & 0xf0ffffffffff) == 0x0000c28001;
}

/* False if nobody can have that address, or another has; which is counted. */
static bool learn(struct learning_switch *in, struct port *from, uint64_t address,
	struct decision *decision)
{
	uint64_t key = mac_table_key(address, decision->vlan);

	if (LIKELY(key == decision->source))
		return true;
	if (is_group(address) || !address) {
		drop(from, DROP_MALFORMED);
		return false;
	}
	if (!may_send_from(in, from->number, address)) {
		drop(from, DROP_NOT_ALLOWED);
		return false;
	}
	mac_table_learn(&in->table, key, from->number);
	decision->source = key;
	return true;
}

static uint16_t find(struct learning_switch *in, struct port *from, uint64_t address, uint16_t vlan)
{
	uint16_t to;

	if (is_group(address)) {
		if (!is_reserved(address))
			return FLOOD;
		drop(from, DROP_NOT_ALLOWED);
		return NOWHERE;
	}
	to = mac_table_find(&in->table, mac_table_key(address, vlan));
	if (to == FLOOD || !contains(&in->member[vlan], to))
		return FLOOD;
	if (to == from->number)
		return NOWHERE; /* it is there already */
	if (!contains(&in->reach[from->number], to)) {
		drop(from, DROP_NOT_ALLOWED);
		return NOWHERE;
	}
	return to;
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

/*
 * Decide by the first bytes of the next frame, unless they are the same as those of the one before
 * in this VLAN: then no table is asked.
 */
static void route(struct learning_switch *by, struct port *from, const uint8_t *bytes,
	struct decision *decision)
{
	uint64_t first_word;
	uint32_t last_word;

	memcpy(&first_word, bytes, sizeof(first_word));
	memcpy(&last_word, bytes + sizeof(first_word), sizeof(last_word));
	/* What is decided by is this copy: the compiler is not to look at the bytes again. */
	__asm__ volatile("" : "+r"(first_word), "+r"(last_word));
	if (LIKELY(first_word == decision->first_word && last_word == decision->last_word &&
		    decision->to != NOWHERE))
		return;
	decision->first_word = first_word;
	decision->last_word = last_word;
	decision->to = NOWHERE;
	if (learn(by, from, first_word >> ADDRESS_BITS | (uint64_t)last_word << 16, decision))
		decision->to = find(by, from, first_word & ADDRESS_MASK, decision->vlan);
}

/* Frames of a batch, one after the other, that all go to the same port. */
static void give_run(struct learning_switch *by, struct port *to, const struct frame *frame,
	unsigned count)
{
	for (unsigned given = 0; given < count;) {
		given += wire_deliver_many(to, &frame[given], count - given);
		if (given < count)
			give(by, to, &frame[given++]);
	}
}

static void route_as_it_is(struct learning_switch *by, struct port *from, const struct frame *frame,
	struct decision *decision)
{
	uint8_t head[FRAME_LENGTH_LEAST];

	if (LIKELY(frame->iov->iov_len >= FRAME_LENGTH_LEAST)) {
		route(by, from, frame->iov->iov_base, decision);
	} else if (frame_copy(frame, 0, head, sizeof(head)) == sizeof(head)) {
		route(by, from, head, decision);
	} else {
		drop(from, DROP_MALFORMED);
		decision->to = NOWHERE;
	}
}

/*
 * Frames of a batch that go to one port each, or nowhere: those to the same port together, in their
 * order.
 */
static void give_groups(struct learning_switch *by, const struct frame *frame, const uint16_t *to,
	unsigned count)
{
	uint16_t port[PORT_BATCH];
	unsigned groups = 0;

	for (unsigned i = 0; i < count; i++) {
		if (to[i] == NOWHERE)
			continue;
		if (!by->group[to[i]])
			port[groups++] = to[i];
		by->group[to[i]] |= UINT64_C(1) << i;
	}
	for (unsigned i = 0; i < groups; i++) {
		uint64_t left = by->group[port[i]];
		unsigned gathered = 0;

		by->group[port[i]] = 0;
		for (; left; left &= left - 1)
			by->gathered[gathered++] = frame[__builtin_ctzll(left)];
		give_run(by, by->wire.port[port[i]], by->gathered, gathered);
	}
}

/* Frames up to one that is for many; what is for one port alone needs no gathering. */
static void give_few(struct learning_switch *by, const struct frame *frame, const uint16_t *to,
	unsigned count)
{
	unsigned alike = 0;

	while (alike < count && to[alike] == to[0])
		alike++;
	if (alike < count)
		give_groups(by, frame, to, count);
	else if (count && to[0] != NOWHERE)
		give_run(by, by->wire.port[to[0]], frame, count);
}

/* Frames of a port without VLANs. */
static void forward_as_they_are(struct learning_switch *by, struct port *from,
	const struct frame *frame, unsigned count)
{
	struct decision decision = { .to = NOWHERE };
	bool monitored = !is_empty(&by->monitors);
	uint16_t to[PORT_BATCH];
	unsigned few = 0; /* frames before this one that are not for many */

	for (unsigned i = 0; i < count; i++) {
		route_as_it_is(by, from, &frame[i], &decision);
		to[i] = decision.to;
		if (to[i] != FLOOD) {
			few++;
			continue;
		}
		give_few(by, &frame[i - few], &to[i - few], few);
		flood(by, from, 0, &frame[i]);
		few = 0;
	}
	give_few(by, &frame[count - few], &to[count - few], few);
	for (unsigned i = 0; monitored && i < count; i++) {
		if (to[i] != NOWHERE)
			give_all(by, &by->monitors, &frame[i]);
	}
}

/*
 * The same where addresses are somebody's own: receivers get those that were judged, not what the
 * sender has put there since.
 */
static void forward_pinned(struct learning_switch *by, struct port *from, const struct frame *frame,
	unsigned count)
{
	struct decision decision = { .to = NOWHERE };

	for (unsigned i = 0; i < count; i++) {
		const struct frame *pinned = vlan_frame_pin(&by->tagged, &frame[i]);

		if (!pinned) {
			drop(from, DROP_MALFORMED);
			continue;
		}
		route(by, from, by->tagged.bare_head, &decision);
		if (decision.to == NOWHERE)
			continue;
		if (decision.to == FLOOD)
			flood(by, from, 0, pinned);
		else
			give(by, by->wire.port[decision.to], pinned);
		give_all(by, &by->monitors, pinned);
	}
}

static void forward_tagged(struct learning_switch *by, struct port *from, const struct frame *frame,
	unsigned count)
{
	struct decision decision = { .to = NOWHERE };
	bool monitored = !is_empty(&by->monitors);
	enum port_drop reason;

	for (unsigned i = 0; i < count; i++) {
		if (!vlan_frame_enter(&by->tagged, &from->settings, &frame[i], &reason)) {
			drop(from, reason);
			continue;
		}
		if (decision.vlan != by->tagged.vlan)
			decision.to = NOWHERE;
		decision.vlan = by->tagged.vlan;
		route(by, from, by->tagged.head, &decision);
		if (decision.to == NOWHERE)
			continue;
		if (decision.to == FLOOD)
			flood(by, from, decision.vlan, NULL);
		else
			give(by, by->wire.port[decision.to], NULL);
		if (monitored)
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
	else if (from->settings.vlan_mode != PORT_VLAN_NONE)
		forward_tagged(by, from, frame, count);
	else if (is_empty(&by->owners))
		forward_as_they_are(by, from, frame, count);
	else
		forward_pinned(by, from, frame, count);
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
