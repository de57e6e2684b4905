#include "pci.h"

#include <check.h>
#include <stdlib.h>

#define ENABLE 0x80000000U
#define DEVICE(number) ((number) << 11U)

static struct pci pci;
static unsigned resets;

static void count_reset(void *owner)
{
	unsigned *count = owner;

	(*count)++;
}

static void start(void)
{
	resets = 0;
	pci_init(&pci, count_reset, &resets);
}

static void stop(void)
{
	pci_destroy(&pci);
}

static uint32_t configuration(uint32_t address)
{
	pci_write(&pci, 0, 4, address);
	return (uint32_t)pci_read(&pci, 4, 4);
}

START_TEST(answers_the_kernels_probe)
{
	pci_write(&pci, 3, 1, 1);
	pci_write(&pci, 0, 4, ENABLE);

	ck_assert_uint_eq(pci_read(&pci, 0, 4), ENABLE);
}

START_TEST(has_a_host_bridge)
{
	configuration(ENABLE | 0x08);

	ck_assert_uint_eq(pci_read(&pci, 6, 2) & 0xffff, 0x0600);
}

START_TEST(has_nothing_else)
{
	for (uint32_t device = 1; device < 32; device++)
		ck_assert_uint_eq(configuration(ENABLE | DEVICE(device)), UINT32_MAX);
	ck_assert_uint_eq(configuration(ENABLE | 1U << 16), UINT32_MAX);
	ck_assert_uint_eq(configuration(ENABLE | 1U << 8), UINT32_MAX);
	ck_assert_uint_eq(configuration(0), UINT32_MAX);
}

START_TEST(resets_by_the_reset_control_register_only)
{
	pci_write(&pci, 0, 4, UINT32_MAX);
	pci_write(&pci, 4, 4, UINT32_MAX);
	pci_write(&pci, PCI_RESET_OFFSET, 2, 0x0606);
	pci_write(&pci, PCI_RESET_OFFSET, 1, 0x02);
	ck_assert_uint_eq(resets, 0);

	pci_write(&pci, PCI_RESET_OFFSET, 1, 0x06);
	ck_assert_uint_eq(resets, 1);
}

START_TEST(survives_every_port_in_every_width)
{
	for (uint64_t offset = 0; offset < PCI_PORT_COUNT; offset++)
		for (unsigned length = 1; length <= 8; length *= 2) {
			pci_write(&pci, offset, length, ENABLE);
			pci_read(&pci, offset, length);
		}
	ck_assert_uint_eq(resets, 0);
}

int main(void)
{
	Suite *suite = suite_create("pci");
	TCase *tcase = tcase_create("pci");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, answers_the_kernels_probe);
	tcase_add_test(tcase, has_a_host_bridge);
	tcase_add_test(tcase, has_nothing_else);
	tcase_add_test(tcase, resets_by_the_reset_control_register_only);
	tcase_add_test(tcase, survives_every_port_in_every_width);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
