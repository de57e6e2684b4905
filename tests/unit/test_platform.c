#include "arch.h"
#include "compiler.h"
#include "layout.h"
#include "machine.h"
#include "platform.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <linux/kvm.h>

#define DATA_OFFSET 4096

static struct vmm_config config;
static struct platform platform;
static struct machine *machine;
static struct vcpu vcpu;

static void ignore_change(void *owner)
{
	(void)owner;
}

static void start(void)
{
	machine = calloc(1, sizeof(*machine));
	ck_assert_ptr_nonnull(machine);
	machine->config = &config;
	machine->platform = &platform;
	machine->request_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&machine->lock, NULL);
	ioapic_init(&platform.ioapic, false, ignore_change, NULL);
	ck_assert_int_eq(platform_add_ports(machine), 0);
	vcpu = (struct vcpu){ .machine = machine, .run = calloc(3, 4096) };
	ck_assert_ptr_nonnull(vcpu.run);
}

static void stop(void)
{
	close(machine->request_fd);
	free(vcpu.run);
	free(machine);
}

/* As KVM hands over IN and OUT, also repeated ones. */
static uint8_t *access_port(uint8_t direction, uint64_t port, uint8_t size, uint32_t count)
{
	vcpu.run->exit_reason = KVM_EXIT_IO;
	vcpu.run->io.direction = direction;
	vcpu.run->io.port = (uint16_t)port;
	vcpu.run->io.size = size;
	vcpu.run->io.count = count;
	vcpu.run->io.data_offset = DATA_OFFSET;
	ck_assert_int_eq(arch_handle_exit(&vcpu), 0);
	return (uint8_t *)vcpu.run + DATA_OFFSET;
}

static void out(uint64_t port, uint8_t value)
{
	*((uint8_t *)vcpu.run + DATA_OFFSET) = value;
	access_port(KVM_EXIT_IO_OUT, port, 1, 1);
}

static const struct {
	uint64_t port;
	uint8_t value;
	enum machine_request request;
} writes[] = {
	{ PORT_SLEEP_CONTROL, 0x20 | 5 << 2, MACHINE_POWER_OFF },
	{ PORT_SLEEP_CONTROL, 5 << 2, MACHINE_RUN },
	{ PORT_SLEEP_CONTROL, 0x20 | 3 << 2, MACHINE_RUN },
	{ PORT_SLEEP_STATUS, 0x80, MACHINE_RUN },
	{ PORT_SLEEP_STATUS, 0x34, MACHINE_RUN },
	{ PORT_RESET, RESET_VALUE, MACHINE_REBOOT },
	{ PORT_RESET, 0, MACHINE_RUN },
	{ PORT_RESET, 0xff, MACHINE_RUN },
	{ PORT_KEYBOARD, 0xfe, MACHINE_REBOOT },
	{ PORT_KEYBOARD, 0xaa, MACHINE_RUN },
	{ PORT_PCI + 1, 0x06, MACHINE_REBOOT },
	{ PORT_PCI + 1, 0x02, MACHINE_RUN },
	{ PORT_PANIC, 1, MACHINE_CRASH },
	{ PORT_PANIC, 2, MACHINE_RUN },
};

START_TEST(a_port_write_asks_for_what_it_means)
{
	out(writes[_i].port, writes[_i].value);

	ck_assert_int_eq(machine->request, writes[_i].request);
}

START_TEST(a_panic_is_a_crash_with_a_reason)
{
	out(PORT_PANIC, 1);

	ck_assert_str_eq(machine->reason, "the guest kernel panicked");
}

START_TEST(the_panic_port_says_what_it_hears)
{
	ck_assert_uint_eq(*access_port(KVM_EXIT_IO_IN, PORT_PANIC, 1, 1), 1);
}

START_TEST(a_port_where_nobody_is_reads_as_all_ones)
{
	static const uint8_t ones[4] = { 0xff, 0xff, 0xff, 0xff };

	ck_assert_mem_eq(access_port(KVM_EXIT_IO_IN, 0x1234, 4, 1), ones, 4);
	ck_assert_mem_eq(access_port(KVM_EXIT_IO_IN, PORT_KEYBOARD, 1, 1), ones, 1);
}

START_TEST(a_repeated_access_is_made_as_often)
{
	uint8_t *data = (uint8_t *)vcpu.run + DATA_OFFSET;

	memset(data, 0, 16);
	data[3] = 1;
	access_port(KVM_EXIT_IO_OUT, PORT_PANIC, 1, 4);
	ck_assert_int_eq(machine->request, MACHINE_CRASH);

	memset(data, 0, 16);
	access_port(KVM_EXIT_IO_IN, PORT_PANIC, 1, 4);
	ck_assert_mem_eq(data, "\1\1\1\1\0", 5);
}

START_TEST(every_port_survives_every_width)
{
	static const uint8_t values[] = { 0, 1, 0x34, 0xfe, 0xff };
	uint8_t *data = (uint8_t *)vcpu.run + DATA_OFFSET;

	for (uint64_t port = 0; port <= UINT16_MAX; port++)
		for (uint8_t size = 1; size <= 4; size = (uint8_t)(size * 2)) {
			memset(data, values[port % ARRAY_SIZE(values)], 4);
			access_port(KVM_EXIT_IO_OUT, port, size, 1);
			access_port(KVM_EXIT_IO_IN, port, size, 1);
		}
}

START_TEST(an_exit_nobody_knows_is_reported)
{
	static const uint32_t reasons[] = { KVM_EXIT_SHUTDOWN, KVM_EXIT_INTERNAL_ERROR,
		KVM_EXIT_FAIL_ENTRY, KVM_EXIT_HYPERV, 4711 };

	vcpu.run->exit_reason = reasons[_i];
	ck_assert_int_lt(arch_handle_exit(&vcpu), 0);
}

START_TEST(a_crash_is_described_in_one_line)
{
	char text[256];

	vcpu.index = 3;
	vcpu.fd = -1;
	vcpu.run->exit_reason = KVM_EXIT_SHUTDOWN;
	arch_describe_vcpu(&vcpu, text, sizeof(text));

	ck_assert_str_eq(text, "vcpu3: triple fault");
}

int main(void)
{
	Suite *suite = suite_create("platform");
	TCase *tcase = tcase_create("platform");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_loop_test(tcase, a_port_write_asks_for_what_it_means, 0, ARRAY_SIZE(writes));
	tcase_add_test(tcase, a_panic_is_a_crash_with_a_reason);
	tcase_add_test(tcase, the_panic_port_says_what_it_hears);
	tcase_add_test(tcase, a_port_where_nobody_is_reads_as_all_ones);
	tcase_add_test(tcase, a_repeated_access_is_made_as_often);
	tcase_add_test(tcase, every_port_survives_every_width);
	tcase_add_loop_test(tcase, an_exit_nobody_knows_is_reported, 0, 5);
	tcase_add_test(tcase, a_crash_is_described_in_one_line);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
