/* Learned addresses: who is remembered when there are too many, and for how long. */

#include "mac_table.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define PLACES (MAC_TABLE_BUCKETS * MAC_TABLE_WAYS)
#define NOWHERE MAC_TABLE_NOWHERE

static struct mac_table table;

static void make(uint64_t secret, uint64_t another)
{
	memset(&table, 0, sizeof(table));
	mac_table_init(&table, secret, another);
	table.ageing_s = 300;
	table.now_s = 1000;
}

static void start(void)
{
	make(0x123456789abcdef, 0xfedcba987654321);
}

static uint64_t key(unsigned number)
{
	return mac_table_key(UINT64_C(0x020000000000) + number, 0);
}

static void learn(unsigned first, unsigned count, uint16_t port)
{
	for (unsigned i = 0; i < count; i++)
		mac_table_learn(&table, key(first + i), port);
}

/* How many of these are known to be at the port. */
static unsigned known(unsigned first, unsigned count, uint16_t port)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < count; i++)
		sum += mac_table_find(&table, key(first + i)) == port;
	return sum;
}

/* What each port is said to hold is what is there. */
static void check_accounts(void)
{
	unsigned held[WIRE_PORTS_MAX] = { 0 };

	for (unsigned i = 0; i < MAC_TABLE_BUCKETS; i++) {
		for (unsigned way = 0; way < MAC_TABLE_WAYS; way++) {
			if (table.bucket[i][way].key)
				held[table.bucket[i][way].port]++;
		}
	}
	for (unsigned i = 0; i < WIRE_PORTS_MAX; i++)
		ck_assert_uint_eq(table.held[i], held[i]);
}

START_TEST(finds_what_it_has_learned_and_nothing_else)
{
	learn(1, 100, 3);

	ck_assert_uint_eq(known(1, 100, 3), 100);
	ck_assert_uint_eq(mac_table_find(&table, key(101)), NOWHERE);
	ck_assert_uint_eq(mac_table_find(&table, mac_table_key(0x020000000001, 5)), NOWHERE);
	check_accounts();
}

/* The second is nearly a fraction of small numbers, the third nothing at all. */
static const uint64_t secrets[] = { 0x6a09e667f3bcc908, 0xfedcba987654321, 0, UINT64_MAX };

START_TEST(holds_thousands_of_addresses_of_one_port_whatever_the_secret)
{
	make(secrets[_i], secrets[_i]);

	learn(0, PLACES / 2, 1);
	ck_assert_uint_ge(known(0, PLACES / 2, 1), PLACES / 2 * 95 / 100);

	/* Neighbours as they are on the wire, where the last byte is the highest. */
	for (unsigned i = 0; i < PLACES / 2; i++)
		mac_table_learn(&table, mac_table_key((uint64_t)(i & 255) << 40 | i >> 8, 1), 2);
	ck_assert_uint_ge(table.held[2], PLACES / 2 * 85 / 100);
	check_accounts();
}

START_TEST(is_bounded_and_keeps_accounts_when_flooded)
{
	learn(0, 20 * PLACES, 1);

	ck_assert_uint_le(table.held[1], PLACES);
	ck_assert_uint_gt(table.held[1], PLACES * 9 / 10);
	check_accounts();
}

START_TEST(a_flood_of_one_port_costs_no_other_an_address)
{
	for (uint16_t port = 2; port < 100; port++)
		learn(port * 1000U, 10, port);

	learn(1000000, 20 * PLACES, 1);

	for (uint16_t port = 2; port < 100; port++)
		ck_assert_uint_eq(known(port * 1000U, 10, port), 10);
	check_accounts();
}

START_TEST(a_flood_into_a_full_table_takes_a_fair_share_and_no_more)
{
	unsigned before = 0;
	unsigned after = 0;

	for (uint16_t port = 0; port < 250; port++)
		learn(port * 1000U, 32, port);
	for (uint16_t port = 0; port < 250; port++)
		before += known(port * 1000U, 32, port);

	learn(1000000, 20 * PLACES, 255);

	for (uint16_t port = 0; port < 250; port++)
		after += known(port * 1000U, 32, port);
	ck_assert_uint_ge(before, 250 * 32 * 8 / 10);
	ck_assert_uint_ge(after + 2 * 32, before);
	check_accounts();
}

START_TEST(a_port_gets_its_places_also_after_the_flood)
{
	learn(1000000, 20 * PLACES, 1);

	learn(0, 200, 2);

	ck_assert_uint_eq(known(0, 200, 2), 200);
	check_accounts();
}

START_TEST(ports_that_flood_together_share_what_there_is)
{
	for (unsigned i = 0; i < 20 * PLACES; i++)
		mac_table_learn(&table, key(i), (uint16_t)(i % 4));

	for (uint16_t port = 0; port < 4; port++)
		ck_assert_uint_gt(table.held[port], PLACES / 5);
	learn(100000000, 200, 9);
	ck_assert_uint_eq(known(100000000, 200, 9), 200);
	check_accounts();
}

START_TEST(the_newest_of_a_flood_are_the_ones_remembered)
{
	learn(0, PLACES, 1);
	table.now_s++;
	learn(1000000, 1000, 1);

	ck_assert_uint_eq(known(1000000, 1000, 1), 1000);
}

START_TEST(what_is_too_old_is_not_found_and_makes_room)
{
	learn(0, 20 * PLACES, 1);

	table.now_s += table.ageing_s;
	ck_assert_uint_eq(known(0, 20 * PLACES, 1), 0);
	learn(1000000, 1000, 2);

	ck_assert_uint_eq(known(1000000, 1000, 2), 1000);
	check_accounts();
}

START_TEST(an_address_seen_again_is_young_again)
{
	learn(7, 1, 1);
	table.now_s += table.ageing_s - 1;
	learn(7, 1, 1);
	table.now_s += table.ageing_s - 1;

	ck_assert_uint_eq(known(7, 1, 1), 1);
}

START_TEST(an_address_moves_with_its_accounts)
{
	learn(7, 1, 1);
	learn(7, 1, 2);

	ck_assert_uint_eq(known(7, 1, 2), 1);
	ck_assert_uint_eq(table.held[1], 0);
	ck_assert_uint_eq(table.held[2], 1);
	check_accounts();
}

START_TEST(forgetting_a_port_forgets_all_of_it_and_nothing_else)
{
	learn(0, 3000, 1);
	learn(10000, 100, 2);

	mac_table_forget(&table, 1);

	ck_assert_uint_eq(known(0, 3000, 1), 0);
	ck_assert_uint_eq(known(10000, 100, 2), 100);
	ck_assert_uint_eq(table.held[1], 0);
	check_accounts();
}

/* Which of an address's rivals drive it out. */
START_TEST(the_secret_decides_who_gets_in_whose_way)
{
	static bool before[PLACES];
	unsigned different = 0;

	learn(0, PLACES, 1);
	for (unsigned i = 0; i < PLACES; i++)
		before[i] = known(i, 1, 1);
	make(0x5555, 0x9e3779b97f4a7c15);
	learn(0, PLACES, 1);
	for (unsigned i = 0; i < PLACES; i++)
		different += before[i] != known(i, 1, 1);

	ck_assert_uint_gt(different, PLACES / 20);
}

static Suite *mac_table_suite(void)
{
	Suite *suite = suite_create("mac_table");
	TCase *tcase = tcase_create("addresses");

	tcase_add_checked_fixture(tcase, start, NULL);
	tcase_add_test(tcase, finds_what_it_has_learned_and_nothing_else);
	tcase_add_loop_test(tcase, holds_thousands_of_addresses_of_one_port_whatever_the_secret, 0,
		4);
	tcase_add_test(tcase, is_bounded_and_keeps_accounts_when_flooded);
	tcase_add_test(tcase, a_flood_of_one_port_costs_no_other_an_address);
	tcase_add_test(tcase, a_flood_into_a_full_table_takes_a_fair_share_and_no_more);
	tcase_add_test(tcase, a_port_gets_its_places_also_after_the_flood);
	tcase_add_test(tcase, ports_that_flood_together_share_what_there_is);
	tcase_add_test(tcase, the_newest_of_a_flood_are_the_ones_remembered);
	tcase_add_test(tcase, what_is_too_old_is_not_found_and_makes_room);
	tcase_add_test(tcase, an_address_seen_again_is_young_again);
	tcase_add_test(tcase, an_address_moves_with_its_accounts);
	tcase_add_test(tcase, forgetting_a_port_forgets_all_of_it_and_nothing_else);
	tcase_add_test(tcase, the_secret_decides_who_gets_in_whose_way);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(mac_table_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
