/*
 * A switch whose ports send, come, go and are set as the input says; and an oracle that knows by
 * simpler means who has to receive each frame, and how.
 */
#include "fake_network.h"

#include <stdlib.h>
#include <string.h>

#define PORTS 8
#define STATIONS 8
#define RECORDS 4096
#define AGEING_S 300
#define TAG_TYPE 0x8100U
#define SERVICE_TAG_TYPE 0x88a8U

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

struct input {
	const uint8_t *bytes;
	size_t left;
};

struct record {
	uint8_t address[FAKE_ADDRESS];
	unsigned vlan;
	unsigned port;
	uint64_t seen_s;
};

struct scene {
	struct fake_network network;
	struct record record[RECORDS];
	unsigned count;
	uint64_t now_s;
};

/* A frame as it was sent, and what is to become of it. */
struct sent {
	unsigned from;
	uint8_t bytes[FAKE_FRAME];
	uint32_t tags[2];
	unsigned tag_count;
	unsigned vlan;
	struct virtio_net_hdr_v1 header;
	bool accepted;
	bool to[PORTS];
};

static void require(bool condition)
{
	if (!condition)
		__builtin_trap();
}

static unsigned next(struct input *input)
{
	if (!input->left)
		return 0;
	input->left--;
	return *input->bytes++;
}

static const struct port_settings *settings_of(const struct scene *scene, unsigned port)
{
	return &scene->network.port[port].port.settings;
}

static bool is_plugged(const struct scene *scene, unsigned port)
{
	return scene->network.wire->port[port] != NULL;
}

static bool carries(const struct port_settings *settings, unsigned vlan)
{
	if (settings->monitor)
		return false;
	if (settings->vlan_mode == PORT_VLAN_NONE)
		return vlan == 0;
	if (vlan < 1 || vlan > 4094)
		return false;
	if (settings->vlan_mode == PORT_VLAN_ACCESS)
		return settings->vlan == vlan;
	return settings->trunk[vlan / 8] & 1 << vlan % 8;
}

static void forget(struct scene *scene, unsigned port)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < scene->count; i++) {
		if (scene->record[i].port != port)
			scene->record[kept++] = scene->record[i];
	}
	scene->count = kept;
}

static void forget_address(struct scene *scene, const uint8_t *address)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < scene->count; i++) {
		if (memcmp(scene->record[i].address, address, FAKE_ADDRESS) != 0)
			scene->record[kept++] = scene->record[i];
	}
	scene->count = kept;
}

static struct record *find(struct scene *scene, const uint8_t *address, unsigned vlan)
{
	for (unsigned i = 0; i < scene->count; i++) {
		struct record *record = &scene->record[i];

		if (record->vlan == vlan && !memcmp(record->address, address, FAKE_ADDRESS))
			return record;
	}
	return NULL;
}

static void learn(struct scene *scene, const uint8_t *address, unsigned vlan, unsigned port)
{
	struct record *record = find(scene, address, vlan);

	if (!record) {
		require(scene->count < RECORDS);
		record = &scene->record[scene->count++];
		memcpy(record->address, address, FAKE_ADDRESS);
		record->vlan = vlan;
	}
	record->port = port;
	record->seen_s = scene->now_s;
}

static void choose_owned(uint8_t mac[FAKE_ADDRESS], unsigned choice)
{
	memset(mac, 0, FAKE_ADDRESS);
	if (choice >= 192)
		fake_address(mac, choice % STATIONS);
}

static void change_settings(struct scene *scene, struct input *input)
{
	unsigned port = next(input) % PORTS;
	struct port_settings before = *settings_of(scene, port);
	struct port_settings after = before;
	unsigned flags = next(input), refused;
	bool lost = false;

	if (!is_plugged(scene, port))
		return;
	after.link = (flags & 3) != 0;
	after.isolated = flags >> 2 & 1;
	after.monitor = (flags >> 3 & 3) == 3;
	after.vlan_mode = (uint8_t)((flags >> 5) % 3);
	after.vlan = (uint16_t)(next(input) % 5);
	after.trunk[0] = (uint8_t)next(input);
	after.trunk[511] = (uint8_t)next(input);
	refused = next(input);
	refused &= next(input);
	after.allowed[0] = (uint8_t)~refused;
	choose_owned(after.mac, next(input));
	if (memcmp(before.mac, after.mac, FAKE_ADDRESS) != 0) {
		forget(scene, port);
		forget_address(scene, after.mac);
	}
	for (unsigned i = 0; i < 16; i++) { /* all that may have changed */
		unsigned vlan = i < 8 ? i : 4080 + i;

		lost |= carries(&before, vlan) && !carries(&after, vlan);
	}
	if (lost || !after.link)
		forget(scene, port);
	wire_set(&scene->network.port[port].port, &after);
}

static void change_port(struct scene *scene, struct input *input)
{
	unsigned port = next(input) % PORTS;
	struct fake_port *fake = &scene->network.port[port];
	unsigned how = next(input);

	fake->room = how & 1 ? FAKE_PORT_UNLIMITED : how >> 4;
	fake->longest = how & 2 ? FAKE_PORT_UNLIMITED : FAKE_FRAME;
	fake->port.receives = how & 12;
	if (how != 0x80)
		return;
	forget(scene, port);
	if (is_plugged(scene, port)) {
		wire_unplug(&fake->port);
		return;
	}
	forget_address(scene, fake->port.settings.mac);
	wire_plug(scene->network.wire, &fake->port);
}

static void make_address(uint8_t *address, unsigned choice, unsigned last)
{
	static const uint8_t reserved[FAKE_ADDRESS] = { 0x01, 0x80, 0xc2, 0, 0, 0 };

	fake_address(address, choice % STATIONS);
	if (choice >= 250)
		memset(address, 0xff, FAKE_ADDRESS);
	else if (choice >= 245)
		memset(address, 0, FAKE_ADDRESS);
	else if (choice >= 230)
		memcpy(address, reserved, FAKE_ADDRESS);
	if (choice >= 230 && choice < 245)
		address[5] = (uint8_t)last;
}

static uint32_t make_tag(unsigned kind, unsigned content)
{
	static const uint16_t ids[] = { 0, 1, 2, 3, 4, 7, 4088, 4094, 4095, 17 };
	uint32_t type = kind % 7 == 6 ? SERVICE_TAG_TYPE : TAG_TYPE;

	if (kind % 7 < 2)
		return 0;
	return type << 16 | (content & 0xf0) << 8 | ids[content % 10];
}

static void make_frame(struct sent *sent, struct input *input)
{
	uint8_t to[FAKE_ADDRESS];
	uint8_t from[FAKE_ADDRESS];
	unsigned kind;
	unsigned checksum;

	make_address(to, next(input), next(input));
	make_address(from, next(input), next(input));
	kind = next(input);
	sent->tags[0] = make_tag(kind, next(input));
	sent->tags[1] = sent->tags[0] ? make_tag(kind / 7, next(input)) : 0;
	sent->tag_count = (sent->tags[0] ? 1U : 0U) + (sent->tags[1] ? 1U : 0U);
	fake_frame_make(sent->bytes, to, from, sent->tags);
	checksum = next(input);
	if (checksum & 1) {
		sent->header.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		sent->header.csum_start = (uint16_t)(22 + checksum / 8);
		sent->header.csum_offset = 6;
		sent->header.hdr_len = (uint16_t)(sent->header.csum_start + 8);
	}
}

/* Whether the source address may be that port's. */
static bool may_claim(const struct scene *scene, const struct sent *sent)
{
	static const uint8_t none[FAKE_ADDRESS];
	const uint8_t *source = sent->bytes + FAKE_ADDRESS;
	const uint8_t *own = settings_of(scene, sent->from)->mac;

	if (memcmp(own, none, FAKE_ADDRESS) != 0)
		return !memcmp(own, source, FAKE_ADDRESS);
	for (unsigned i = 0; i < PORTS; i++) {
		if (is_plugged(scene, i) &&
			!memcmp(settings_of(scene, i)->mac, source, FAKE_ADDRESS))
			return false;
	}
	return true;
}

/* Does the switch let it in, and in which VLAN? */
static bool enters(const struct scene *scene, struct sent *sent)
{
	const struct port_settings *from = settings_of(scene, sent->from);
	bool tagged = sent->tags[0] >> 16 == TAG_TYPE;
	unsigned id = tagged ? sent->tags[0] & 0xfff : 0;

	if (!from->link || from->monitor || sent->bytes[FAKE_ADDRESS] & 1)
		return false;
	if (!memcmp(sent->bytes + FAKE_ADDRESS, (uint8_t[FAKE_ADDRESS]){ 0 }, FAKE_ADDRESS))
		return false;
	sent->vlan = from->vlan_mode == PORT_VLAN_ACCESS ? from->vlan : id;
	if (from->vlan_mode == PORT_VLAN_NONE)
		sent->vlan = 0;
	if (from->vlan_mode == PORT_VLAN_TRUNK)
		return tagged && carries(from, id);
	if (from->vlan_mode == PORT_VLAN_ACCESS)
		return carries(from, from->vlan) && !id && sent->tag_count < 2 &&
			(tagged || !sent->tag_count);
	return true;
}

static bool may_reach(const struct scene *scene, const struct sent *sent, unsigned to)
{
	const struct port_settings *from = settings_of(scene, sent->from);

	return is_plugged(scene, to) && to != sent->from && !settings_of(scene, to)->monitor &&
		!(from->isolated && settings_of(scene, to)->isolated) &&
		(from->allowed[0] >> to & 1);
}

static void expect(struct scene *scene, struct sent *sent)
{
	static const uint8_t reserved[] = { 0x01, 0x80, 0xc2, 0, 0 };
	const struct record *record;

	sent->accepted = enters(scene, sent) && may_claim(scene, sent);
	if (!sent->accepted)
		return;
	learn(scene, sent->bytes + FAKE_ADDRESS, sent->vlan, sent->from);
	if (!memcmp(sent->bytes, reserved, 5) && sent->bytes[5] < 16) {
		sent->accepted = false;
		return;
	}
	record = sent->bytes[0] & 1 ? NULL : find(scene, sent->bytes, sent->vlan);
	if (record && scene->now_s - record->seen_s >= AGEING_S)
		record = NULL;
	for (unsigned i = 0; i < PORTS; i++)
		sent->to[i] = (!record || record->port == i) && may_reach(scene, sent, i) &&
			carries(settings_of(scene, i), sent->vlan);
	if (record && !sent->to[record->port])
		sent->accepted = false;
	for (unsigned i = 0; i < PORTS && sent->accepted; i++)
		sent->to[i] |= is_plugged(scene, i) && settings_of(scene, i)->monitor;
}

/* Tags as that port is to see them. */
static unsigned tags_for(const struct scene *scene, const struct sent *sent, unsigned to,
	uint32_t tags[2])
{
	const struct port_settings *settings = settings_of(scene, to);
	bool own = sent->vlan && sent->tags[0]; /* the first tag is the VLAN's, or a priority */
	unsigned count = 0;

	if (!sent->vlan) {
		memcpy(tags, sent->tags, sizeof(sent->tags));
		return sent->tag_count;
	}
	if (settings->monitor || settings->vlan_mode == PORT_VLAN_TRUNK)
		tags[count++] = TAG_TYPE << 16 | (own ? sent->tags[0] & 0xf000 : 0) | sent->vlan;
	if (sent->tag_count == 2)
		tags[count++] = sent->tags[1];
	return count;
}

static void check_frame(const struct scene *scene, const struct sent *sent, unsigned to,
	const struct fake_frame *frame)
{
	uint32_t tags[2] = { 0 };
	uint32_t head = 14 + 4 * tags_for(scene, sent, to, tags);
	uint32_t head_sent = 14 + 4 * sent->tag_count;
	uint8_t bytes[FAKE_FRAME];

	fake_frame_make(bytes, sent->bytes, sent->bytes + FAKE_ADDRESS, tags);
	require(frame->length == FAKE_FRAME - head_sent + head);
	require(!memcmp(frame->bytes, bytes, head));
	require(!memcmp(frame->bytes + head, sent->bytes + head_sent, FAKE_FRAME - head_sent));
	require(frame->header.flags == sent->header.flags);
	if (sent->header.flags)
		require(frame->header.csum_start + FAKE_FRAME ==
			sent->header.csum_start + frame->length);
}

static uint64_t drops(const struct scene *scene, unsigned port)
{
	const struct port_counters *counters = scene->network.port[port].port.counters;
	uint64_t sum = 0;

	for (unsigned i = 0; i < DROP_REASONS; i++)
		sum += counters->dropped[i];
	return sum;
}

/* Who has to receive it has, or there is a reason; nobody else has. */
static void check(struct scene *scene, const struct sent *sent, const uint64_t before[PORTS])
{
	for (unsigned i = 0; i < PORTS; i++) {
		struct fake_port *fake = &scene->network.port[i];
		const struct fake_frame *frame = fake_port_take(fake);
		uint64_t dropped = drops(scene, i) - before[i];

		require(!frame || (sent->to[i] && sent->accepted));
		require(!fake_port_take(fake));
		require(fake->received_count == fake->port.counters->frames_received);
		require(fake->received_bytes == fake->port.counters->bytes_received);
		if (frame)
			check_frame(scene, sent, i, frame);
		if (i == sent->from)
			require(dropped <= 1 && (!dropped || !sent->accepted));
		else
			require(dropped + (frame ? 1 : 0) == (sent->accepted && sent->to[i]));
		fake_port_clear(fake);
	}
	require(!fake_port_waiting(&scene->network.port[sent->from]));
}

static void send(struct scene *scene, struct input *input)
{
	struct sent sent = { .from = next(input) % PORTS };
	struct fake_port *from = &scene->network.port[sent.from];
	uint64_t before[PORTS];

	from->piece = next(input) % 20;
	make_frame(&sent, input);
	if (!is_plugged(scene, sent.from))
		return;
	expect(scene, &sent);
	for (unsigned i = 0; i < PORTS; i++)
		before[i] = drops(scene, i);
	fake_port_queue(from, &sent.header, sent.bytes, sizeof(sent.bytes));
	fake_network_run(&scene->network);
	check(scene, &sent, before);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct input input = { bytes, size };
	struct scene *scene = calloc(1, sizeof(*scene));

	require(scene);
	fake_network_create(&scene->network, &wire_switch, PORTS);
	for (unsigned i = 0; i < PORTS; i++)
		scene->network.port[i].port.accepted = UINT64_MAX;
	while (input.left) {
		unsigned what = next(&input);

		if (what < 48)
			change_settings(scene, &input);
		else if (what < 64)
			change_port(scene, &input);
		else if (what < 72)
			scene->now_s += next(&input) * 2;
		else
			send(scene, &input);
		scene->network.wire->now_ns = scene->now_s * 1000000000;
	}
	fake_network_destroy(&scene->network);
	free(scene);
	return 0;
}
