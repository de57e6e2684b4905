/* The addresses a switch has learned.
 *
 * How it works: a table of small buckets, chosen by a hash that nobody outside can foresee. In a
 * full bucket a new address takes the place of one of the port that has most addresses in the whole
 * table, if those are more than the newcomer's port has; else of one of its own port; else it is
 * not learned, and frames to it are flooded. So the more addresses a port makes up, the more it
 * loses itself, and a port with fewer never loses one to it.
 */
#include "mac_table.h"

#include <stdbool.h>

#define MAC_TABLE_VLANS 4095

_Static_assert(MAC_TABLE_BUCKETS == 1 << 10, "the hash has ten bits");
_Static_assert(MAC_TABLE_BUCKETS *MAC_TABLE_WAYS <= UINT16_MAX, "a port may hold them all");

void mac_table_init(struct mac_table *table, uint64_t secret, uint64_t another)
{
	table->secret[0] = secret;
	table->secret[1] = another | 1;
}

/* Two multiplications: after one alone, an unlucky secret puts neighbours into a few buckets. */
static unsigned bucket_of(const struct mac_table *table, uint64_t key)
{
	uint64_t hash = (key ^ table->secret[0]) * table->secret[1];

	hash ^= hash >> 32;
	return (unsigned)(hash * 0x9e3779b97f4a7c15 >> (64 - 10));
}

static bool is_fresh(const struct mac_table *table, const struct mac_entry *entry)
{
	return table->now_s - entry->seen_s < table->ageing_s;
}

static void release(struct mac_table *table, struct mac_entry *entry)
{
	table->held[entry->port]--;
	entry->key = 0;
}

static void occupy(struct mac_table *table, struct mac_entry *entry, uint64_t key, uint16_t port)
{
	if (entry->key)
		release(table, entry);
	*entry = (struct mac_entry){ .key = key, .seen_s = table->now_s, .port = port };
	table->held[port]++;
}

uint16_t mac_table_find(const struct mac_table *table, uint64_t key)
{
	const struct mac_entry *entry = table->bucket[bucket_of(table, key)];

	for (unsigned i = 0; i < MAC_TABLE_WAYS; i++, entry++) {
		if (entry->key == key)
			return is_fresh(table, entry) ? entry->port : MAC_TABLE_NOWHERE;
	}
	return MAC_TABLE_NOWHERE;
}

/* Is a to go rather than b? */
static bool goes_first(const struct mac_table *table, const struct mac_entry *a,
	const struct mac_entry *b)
{
	if (table->held[a->port] != table->held[b->port])
		return table->held[a->port] > table->held[b->port];
	return table->now_s - a->seen_s > table->now_s - b->seen_s;
}

/* The place of a newcomer of that port: free, or one that has to give way; NULL if none has. */
static struct mac_entry *place_for(struct mac_table *table, struct mac_entry *bucket, uint16_t port)
{
	struct mac_entry *place = NULL;

	for (unsigned i = 0; i < MAC_TABLE_WAYS; i++) {
		struct mac_entry *entry = &bucket[i];

		if (entry->key && !is_fresh(table, entry))
			release(table, entry);
		if (!entry->key)
			return entry;
		if (entry->port != port && table->held[entry->port] <= table->held[port])
			continue;
		if (!place || goes_first(table, entry, place))
			place = entry;
	}
	return place;
}

void mac_table_learn(struct mac_table *table, uint64_t key, uint16_t port)
{
	struct mac_entry *bucket = table->bucket[bucket_of(table, key)];
	struct mac_entry *place = NULL;

	for (unsigned i = 0; i < MAC_TABLE_WAYS && !place; i++) {
		if (bucket[i].key == key)
			place = &bucket[i];
	}
	if (place && place->port == port) {
		// cppcheck-suppress duplicateConditionalAssign ; a line that is not written stays
		// shared
		if (place->seen_s != table->now_s)
			place->seen_s = table->now_s;
		return;
	}
	if (!place)
		place = place_for(table, bucket, port);
	if (place)
		occupy(table, place, key, port);
}

void mac_table_forget(struct mac_table *table, uint16_t port)
{
	for (unsigned i = 0; table->held[port] && i < MAC_TABLE_BUCKETS; i++) {
		for (unsigned way = 0; way < MAC_TABLE_WAYS; way++) {
			struct mac_entry *entry = &table->bucket[i][way];

			if (entry->key && entry->port == port)
				release(table, entry);
		}
	}
}

void mac_table_forget_address(struct mac_table *table, uint64_t address)
{
	for (uint16_t vlan = 0; vlan < MAC_TABLE_VLANS; vlan++) {
		uint64_t key = mac_table_key(address, vlan);
		struct mac_entry *bucket = table->bucket[bucket_of(table, key)];

		for (unsigned way = 0; way < MAC_TABLE_WAYS; way++) {
			if (bucket[way].key == key)
				release(table, &bucket[way]);
		}
	}
}
