#include "cpuid.h"

#include <check.h>
#include <stdint.h>
#include <stdlib.h>

#include <linux/kvm.h>

#define ROOM 32
#define AMD 0x68747541
#define INTEL 0x756e6547

static struct kvm_cpuid2 *cpuid;

static struct kvm_cpuid_entry2 *add(uint32_t leaf, uint32_t index)
{
	struct kvm_cpuid_entry2 *entry = &cpuid->entries[cpuid->nent++];

	ck_assert_uint_lt(cpuid->nent, ROOM - 2);
	entry->function = leaf;
	entry->index = index;
	return entry;
}

/* A host of many threads in two sockets, as KVM might describe it. */
static void start(void)
{
	cpuid = calloc(1, sizeof(*cpuid) + ROOM * sizeof(struct kvm_cpuid_entry2));
	ck_assert_ptr_nonnull(cpuid);
	*add(0, 0) = (struct kvm_cpuid_entry2){ .function = 0, .eax = 0x20, .ebx = AMD };
	*add(1, 0) =
		(struct kvm_cpuid_entry2){ .function = 1, .ebx = 0x55400800, .edx = 0x178bfbff };
	add(4, 0)->eax = 0x7c004121; /* level 1 */
	add(4, 3)->eax = 0x7c0fc163; /* level 3 */
	add(4, 4)->eax = 0;
	add(0xb, 0)->ebx = 2;
	add(0xb, 1)->ebx = 64;
	add(0x1f, 0)->ebx = 2;
	add(0x40000001, 0);
	add(0x80000001, 0);
	add(0x80000008, 0)->ecx = 0x603f;
	add(0x8000001d, 3)->eax = 0x0000c163;
	add(0x8000001e, 0)->ebx = 0x0100;
}

static void stop(void)
{
	free(cpuid);
}

static bool has(uint32_t leaf)
{
	bool found = false;

	for (uint32_t i = 0; i < cpuid->nent; i++)
		found = found || cpuid->entries[i].function == leaf;
	return found;
}

static struct kvm_cpuid_entry2 *find(uint32_t leaf, uint32_t index)
{
	uint32_t i = 0;

	while (i < cpuid->nent &&
		(cpuid->entries[i].function != leaf || cpuid->entries[i].index != index))
		i++;
	ck_assert_uint_lt(i, cpuid->nent);
	return &cpuid->entries[i];
}

static void describe(unsigned vcpus)
{
	cpuid_describe_machine(cpuid, &(struct cpuid_machine){ vcpus, true, vcpus > 255 });
}

START_TEST(a_guest_sees_that_it_is_one)
{
	describe(1);

	ck_assert_uint_ne(find(1, 0)->ecx & 1U << 31, 0);
	ck_assert_uint_ne(find(1, 0)->ecx & 1U << 24, 0);
	ck_assert_uint_ne(find(1, 0)->ecx & 1U << 21, 0);
}

START_TEST(a_timer_is_offered_only_where_there_is_one)
{
	cpuid_describe_machine(cpuid, &(struct cpuid_machine){ 1, false, false });

	ck_assert_uint_eq(find(1, 0)->ecx & 1U << 24, 0);
}

START_TEST(a_single_processor_has_no_siblings)
{
	describe(1);

	ck_assert_uint_eq(find(1, 0)->edx & 1U << 28, 0);
	ck_assert_uint_eq(find(1, 0)->ebx, 0x55010800);
	ck_assert_uint_eq(find(0xb, 1)->eax, 0);
	ck_assert_uint_eq(find(0xb, 1)->ebx, 1);
}

START_TEST(all_processors_are_cores_of_one_socket)
{
	static const struct {
		unsigned vcpus;
		uint32_t bits;
	} machines[] = { { 2, 1 }, { 3, 2 }, { 4, 2 }, { 255, 8 }, { 257, 9 }, { 4096, 12 } };

	describe(machines[_i].vcpus);

	ck_assert_uint_eq(find(0xb, 0)->eax, 0);
	ck_assert_uint_eq(find(0xb, 0)->ebx, 1);
	ck_assert_uint_eq(find(0xb, 0)->ecx, 0x100);
	ck_assert_uint_eq(find(0xb, 1)->eax, machines[_i].bits);
	ck_assert_uint_eq(find(0xb, 1)->ebx, machines[_i].vcpus);
	ck_assert_uint_eq(find(0xb, 1)->ecx, 0x201);
	ck_assert(!has(0x1f));
	ck_assert_uint_ne(find(1, 0)->edx & 1U << 28, 0);
	ck_assert_uint_eq(find(0x80000008, 0)->ecx >> 12, machines[_i].bits);
	ck_assert_uint_ne(find(0x80000001, 0)->ecx & 2, 0);
}

START_TEST(the_last_cache_is_shared_and_the_others_are_not)
{
	describe(4);

	ck_assert_uint_eq(find(4, 0)->eax, 0x0c000121);
	ck_assert_uint_eq(find(4, 3)->eax, 0x0c00c163);
	ck_assert_uint_eq(find(4, 4)->eax, 0);
	ck_assert_uint_eq(find(0x8000001d, 3)->eax, 0x0000c163);
}

START_TEST(leaves_of_one_vendor_are_left_alone_for_another)
{
	find(0, 0)->ebx = INTEL;
	describe(4);

	ck_assert_uint_eq(find(0x80000008, 0)->ecx, 0x603f);
	ck_assert_uint_eq(find(0x80000001, 0)->ecx & 2, 0);
}

START_TEST(every_processor_has_its_number)
{
	describe(300);

	for (unsigned number = 0; number < 300; number++) {
		cpuid_set_number(cpuid, number);
		ck_assert_uint_eq(find(1, 0)->ebx >> 24, number < 255 ? number : 255);
		ck_assert_uint_eq(find(0xb, 0)->edx, number);
		ck_assert_uint_eq(find(0xb, 1)->edx, number);
		ck_assert_uint_eq(find(0x8000001e, 0)->eax, number);
		ck_assert_uint_eq(find(0x8000001e, 0)->ebx, number & 0xff);
	}
}

START_TEST(more_than_255_processors_get_wide_messages)
{
	describe(_i ? 256 : 255);

	ck_assert_uint_eq(find(0x40000001, 0)->eax, _i ? 1U << 15 : 0);
}

START_TEST(a_host_without_those_leaves_is_no_trouble)
{
	cpuid->nent = 0;
	describe(2);
	cpuid_set_number(cpuid, 1);

	ck_assert_uint_eq(cpuid->nent, 2);
	ck_assert_uint_eq(find(0xb, 1)->edx, 1);
}

int main(void)
{
	Suite *suite = suite_create("cpuid");
	TCase *tcase = tcase_create("cpuid");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, a_guest_sees_that_it_is_one);
	tcase_add_test(tcase, a_timer_is_offered_only_where_there_is_one);
	tcase_add_test(tcase, a_single_processor_has_no_siblings);
	tcase_add_loop_test(tcase, all_processors_are_cores_of_one_socket, 0, 6);
	tcase_add_test(tcase, the_last_cache_is_shared_and_the_others_are_not);
	tcase_add_test(tcase, leaves_of_one_vendor_are_left_alone_for_another);
	tcase_add_test(tcase, every_processor_has_its_number);
	tcase_add_loop_test(tcase, more_than_255_processors_get_wide_messages, 0, 2);
	tcase_add_test(tcase, a_host_without_those_leaves_is_no_trouble);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
