#ifndef MAC_TABLE_H
#define MAC_TABLE_H

#include "wire_control.h"

#include <stdint.h>

#define MAC_TABLE_BUCKETS 1024
#define MAC_TABLE_WAYS 8
#define MAC_TABLE_NOWHERE UINT16_MAX

struct mac_entry {
	uint64_t key; /* 0: free */
	uint32_t seen_s;
	uint16_t port;
};

/*
 * Where addresses were last seen. Bounded: the ports share it fairly, so that one of them who makes
 * up addresses cannot make the switch forget those of others who have fewer.
 */
struct mac_table {
	struct mac_entry bucket[MAC_TABLE_BUCKETS][MAC_TABLE_WAYS];
	uint16_t held[WIRE_PORTS_MAX]; /* entries of each port */
	uint64_t secret[2];
	uint32_t now_s; /* what the time is: set by the owner */
	uint32_t ageing_s; /* how long an address is good that is not seen again */
};

/* Of zeroes; the secrets make it unforeseeable which addresses get in each other's way. */
void mac_table_init(struct mac_table *table, uint64_t secret, uint64_t another);

/* An address (a number, its first byte the lowest) in a VLAN: a number that is never 0. */
static inline uint64_t mac_table_key(uint64_t address, uint16_t vlan)
{
	return address | (uint64_t)vlan << 48 | UINT64_C(1) << 63;
}

/* The port it is at, or MAC_TABLE_NOWHERE. */
uint16_t mac_table_find(const struct mac_table *table, uint64_t key);

/* It is at that port now, wherever it was before, if there is a place for it. */
void mac_table_learn(struct mac_table *table, uint64_t key, uint16_t port);

/* Forgotten is what is at a port, or an address in every VLAN. */
void mac_table_forget(struct mac_table *table, uint16_t port);
void mac_table_forget_address(struct mac_table *table, uint64_t address);

#endif
