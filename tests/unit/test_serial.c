/* The UART, by what the drivers of stock kernels do to it. */
#include "fake_link.h"
#include "serial.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <linux/serial_reg.h>

#define PASTE 1000

static struct console_link fake;
static struct serial serial;
static int interrupt_fd;

static void start(void)
{
	interrupt_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	fake_link_init(&fake);
	serial_init(&serial, &fake, interrupt_fd);
	console_link_set_consumer(&fake, &serial.consumer);
}

static void stop(void)
{
	fake_link_release(&fake);
	close(interrupt_fd);
}

static uint8_t in(unsigned port)
{
	return (uint8_t)serial_read(&serial, port, 1);
}

static void out(unsigned port, unsigned value)
{
	serial_write(&serial, port, 1, value);
}

static bool interrupted(void)
{
	eventfd_t count;

	return eventfd_read(interrupt_fd, &count) == 0;
}

/* As a driver does when its device is opened; what came before is thrown away. */
static void open_port(void)
{
	out(UART_FCR, UART_FCR_ENABLE_FIFO);
	out(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR | UART_FCR_CLEAR_XMIT);
	out(UART_FCR, 0);
	in(UART_LSR);
	in(UART_RX);
	in(UART_IIR);
	in(UART_MSR);
	out(UART_LCR, UART_LCR_WLEN8);
	out(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_R_TRIG_10);
	out(UART_MCR, UART_MCR_DTR | UART_MCR_RTS | UART_MCR_OUT2);
	out(UART_IER, UART_IER_RLSI | UART_IER_RDI);
}

/* An interrupt handler: until nothing is pending, take what is there. */
static size_t handle_interrupt(uint8_t *bytes, size_t room)
{
	size_t count = 0;

	while (!(in(UART_IIR)&UART_IIR_NO_INT))
		while (in(UART_LSR)&UART_LSR_DR && count < room)
			bytes[count++] = in(UART_RX);
	return count;
}

START_TEST(transmits_at_once)
{
	out(UART_TX, 'h');
	out(UART_TX, 'i');

	ck_assert_uint_eq(fake.written, 2);
	ck_assert_mem_eq(fake.output, "hi", 2);
	ck_assert_uint_eq(in(UART_LSR), UART_LSR_TEMT | UART_LSR_THRE);
}

START_TEST(keeps_the_divisor_apart_from_data_and_interrupts)
{
	out(UART_LCR, UART_LCR_DLAB);
	out(UART_DLL, 0x34);
	out(UART_DLM, 0x12);

	ck_assert_uint_eq(in(UART_DLL), 0x34);
	ck_assert_uint_eq(in(UART_DLM), 0x12);
	out(UART_LCR, UART_LCR_WLEN8);
	ck_assert_uint_eq(in(UART_IER), 0);
	ck_assert_uint_eq(fake.written, 0);
}

START_TEST(is_probed_as_a_16550A)
{
	out(UART_IER, 0);
	ck_assert_uint_eq(in(UART_IER), 0);
	out(UART_IER, 0xff);
	ck_assert_uint_eq(in(UART_IER), 0x0f); /* no sleep mode, no UUE bit */
	out(UART_IER, 0);

	out(UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2 | UART_MCR_RTS);
	ck_assert_uint_eq(in(UART_MSR)&0xf0, UART_MSR_DCD | UART_MSR_CTS);
	out(UART_MCR, UART_MCR_LOOP | UART_MCR_OUT1 | UART_MCR_DTR);
	ck_assert_uint_eq(in(UART_MSR)&0xf0, UART_MSR_RI | UART_MSR_DSR);
	out(UART_MCR, 0);
	ck_assert_uint_eq(in(UART_MSR)&0xf0, UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS);

	out(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR7_64BYTE);
	ck_assert_uint_eq(in(UART_IIR)&0xf0, 0xc0); /* FIFOs that work, not 64 bytes long */
	out(UART_FCR, 0);
	ck_assert_uint_eq(in(UART_IIR)&0xf0, 0);

	out(UART_SCR, 0xa5);
	ck_assert_uint_eq(in(UART_SCR), 0xa5);
}

/* A probe of an extended register sees the interrupt register, which is never 0. */
START_TEST(has_no_extended_registers)
{
	static const uint8_t modes[] = { UART_LCR_CONF_MODE_A, UART_LCR_CONF_MODE_B };

	for (size_t i = 0; i < sizeof(modes); i++) {
		out(UART_LCR, modes[i]);
		ck_assert_uint_ne(in(UART_EFR), 0);
	}
}

START_TEST(has_a_fifo_of_sixteen_bytes)
{
	unsigned count = 0;

	out(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR | UART_FCR_CLEAR_XMIT);
	out(UART_MCR, UART_MCR_LOOP);
	for (unsigned i = 0; i < 256; i++)
		out(UART_TX, i);
	ck_assert_uint_eq(in(UART_LSR)&UART_LSR_OE, UART_LSR_OE);
	while (in(UART_LSR)&UART_LSR_DR)
		ck_assert_uint_eq(in(UART_RX), count++);

	ck_assert_uint_eq(count, SERIAL_FIFO);
	ck_assert_uint_eq(fake.written, 0);
}

START_TEST(keeps_input_apart_from_what_is_looped_back)
{
	open_port();
	out(UART_MCR, UART_MCR_LOOP);
	fake_link_type(&fake, "i", 1);
	out(UART_TX, 'o');
	ck_assert_uint_eq(in(UART_RX), 'o');
	ck_assert_uint_eq(in(UART_LSR)&UART_LSR_DR, 0);

	out(UART_MCR, UART_MCR_OUT2);
	ck_assert_uint_eq(in(UART_RX), 'i');
}

START_TEST(holds_one_byte_without_the_fifo)
{
	out(UART_MCR, UART_MCR_LOOP);
	out(UART_TX, 'a');
	out(UART_TX, 'b');

	ck_assert_uint_eq(in(UART_RX), 'a');
	ck_assert_uint_eq(in(UART_LSR)&UART_LSR_DR, 0);
}

/* What a driver tries to learn whether it must poll a broken transmitter. */
START_TEST(asserts_an_empty_transmitter_whenever_it_is_enabled)
{
	for (unsigned i = 0; i < 2; i++) {
		out(UART_IER, UART_IER_THRI);
		ck_assert(interrupted());
		ck_assert_uint_eq(in(UART_IIR)&0x0f, UART_IIR_THRI);
		ck_assert_uint_eq(in(UART_IIR)&0x0f, UART_IIR_NO_INT);
		out(UART_IER, 0);
	}
}

START_TEST(interrupts_again_after_each_transmission)
{
	out(UART_IER, UART_IER_THRI);
	for (unsigned i = 0; i < 100; i++) {
		ck_assert(interrupted());
		ck_assert_uint_eq(in(UART_IIR)&0x0f, UART_IIR_THRI);
		out(UART_TX, 'x');
	}

	ck_assert_uint_eq(fake.written, 100);
}

START_TEST(gives_a_paste_whole_to_a_driver_that_waits_for_interrupts)
{
	uint8_t typed[PASTE], got[PASTE] = { 0 };
	size_t count = 0;

	for (size_t i = 0; i < PASTE; i++)
		typed[i] = (uint8_t)(i * 7);
	open_port();
	fake_link_type(&fake, typed, PASTE);
	while (interrupted())
		count += handle_interrupt(got + count, PASTE - count);

	ck_assert_uint_eq(count, PASTE);
	ck_assert_mem_eq(got, typed, PASTE);
}

START_TEST(interrupts_for_every_arrival_after_the_last_was_read)
{
	uint8_t byte;

	open_port();
	for (uint8_t i = 0; i < 50; i++) {
		fake_link_type(&fake, &i, 1);
		ck_assert(interrupted());
		ck_assert_uint_eq(handle_interrupt(&byte, 1), 1);
		ck_assert_uint_eq(byte, i);
		ck_assert(!interrupted());
	}
}

START_TEST(tells_a_full_fifo_from_one_that_waited)
{
	open_port();
	fake_link_type(&fake, "x", 1);
	ck_assert_uint_eq(in(UART_IIR)&0x0f, UART_IIR_RX_TIMEOUT);
	in(UART_RX);
	fake_link_type(&fake, "0123456789", 10);
	ck_assert_uint_eq(in(UART_IIR)&0x0f, UART_IIR_RDI);
}

/* A handler that deals with one cause and returns must be called for the next. */
START_TEST(interrupts_for_a_cause_that_another_hid)
{
	open_port();
	out(UART_IER, UART_IER_RDI | UART_IER_THRI);
	fake_link_type(&fake, "x", 1);
	ck_assert(interrupted());

	ck_assert_uint_eq(in(UART_IIR)&0x0f, UART_IIR_RX_TIMEOUT);
	ck_assert_uint_eq(in(UART_RX), 'x');

	ck_assert(interrupted());
	ck_assert_uint_eq(in(UART_IIR)&0x0f, UART_IIR_THRI);
}

START_TEST(keeps_what_was_typed_before_the_driver_came)
{
	uint8_t got[5];

	fake_link_type(&fake, "early", 5);
	ck_assert(!interrupted());
	open_port();

	ck_assert(interrupted());
	ck_assert_uint_eq(handle_interrupt(got, sizeof(got)), 5);
	ck_assert_mem_eq(got, "early", 5);
}

START_TEST(gives_input_to_a_driver_that_polls)
{
	unsigned polls = 0;

	fake_link_type(&fake, "k", 1);
	while (!(in(UART_LSR)&UART_LSR_DR))
		ck_assert_uint_lt(polls++, 1000);

	ck_assert_uint_eq(in(UART_RX), 'k');
}

START_TEST(shows_a_break_with_its_character)
{
	open_port();
	fake_link_break(&fake);

	ck_assert(interrupted());
	ck_assert_uint_eq(in(UART_IIR)&0x0f, UART_IIR_RLSI);
	ck_assert_uint_eq(in(UART_LSR) & (UART_LSR_BI | UART_LSR_DR), UART_LSR_BI | UART_LSR_DR);
	ck_assert_uint_eq(in(UART_LSR) & (UART_LSR_BI | UART_LSR_DR), UART_LSR_DR);
	ck_assert_uint_eq(in(UART_RX), 0);
	ck_assert_uint_eq(in(UART_LSR) & (UART_LSR_BI | UART_LSR_DR), 0);
}

START_TEST(a_kick_interrupts_again_for_what_waits)
{
	open_port();
	fake_link_type(&fake, "k", 1);
	ck_assert(interrupted());
	ck_assert(!interrupted());

	fake_link_kick(&fake);
	ck_assert(interrupted());

	ck_assert_uint_eq(in(UART_RX), 'k');
	fake_link_kick(&fake);
	ck_assert(!interrupted());
}

START_TEST(shows_a_break_before_what_is_typed_after_it)
{
	uint8_t got[4];

	fake_link_break(&fake);
	fake_link_type(&fake, "b", 1);
	open_port();

	ck_assert_uint_eq(in(UART_LSR)&UART_LSR_BI, UART_LSR_BI);
	ck_assert_uint_eq(handle_interrupt(got, sizeof(got)), 2);
	ck_assert_mem_eq(got, "\0b", 2);
}

START_TEST(answers_wide_accesses_a_byte_a_port)
{
	serial_write(&serial, UART_LCR, 2, UART_LCR_WLEN8 | UART_MCR_DTR << 8);

	ck_assert_uint_eq(in(UART_LCR), UART_LCR_WLEN8);
	ck_assert_uint_eq(in(UART_MCR), UART_MCR_DTR);
	ck_assert_uint_eq(serial_read(&serial, UART_LCR, 2), UART_LCR_WLEN8 | UART_MCR_DTR << 8);
	ck_assert_uint_eq(serial_read(&serial, UART_SCR, 4), 0xffffff00);
}

START_TEST(forgets_everything_in_a_reset)
{
	open_port();
	fake_link_type(&fake, "x", 1);
	serial_reset(&serial);

	ck_assert_uint_eq(in(UART_IER), 0);
	ck_assert_uint_eq(in(UART_LCR), 0);
	ck_assert_uint_eq(in(UART_MCR), 0);
	ck_assert_uint_eq(in(UART_IIR), UART_IIR_NO_INT);
	ck_assert_uint_eq(in(UART_LSR), UART_LSR_TEMT | UART_LSR_THRE);
}

static void *drive(void *owner)
{
	uint8_t *got = owner;

	open_port();
	for (size_t count = 0; count < PASTE;) {
		out(UART_TX, '.');
		count += handle_interrupt(got + count, PASTE - count);
	}
	return NULL;
}

START_TEST(is_driven_and_fed_by_two_threads)
{
	uint8_t typed[PASTE], got[PASTE];
	pthread_t thread;

	for (size_t i = 0; i < PASTE; i++)
		typed[i] = (uint8_t)i;
	ck_assert_int_eq(pthread_create(&thread, NULL, drive, got), 0);
	for (size_t i = 0; i < PASTE; i += 10)
		fake_link_type(&fake, typed + i, 10);
	pthread_join(thread, NULL);

	ck_assert_mem_eq(got, typed, PASTE);
}

int main(void)
{
	Suite *suite = suite_create("serial");
	TCase *tcase = tcase_create("serial");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, transmits_at_once);
	tcase_add_test(tcase, keeps_the_divisor_apart_from_data_and_interrupts);
	tcase_add_test(tcase, is_probed_as_a_16550A);
	tcase_add_test(tcase, has_no_extended_registers);
	tcase_add_test(tcase, has_a_fifo_of_sixteen_bytes);
	tcase_add_test(tcase, keeps_input_apart_from_what_is_looped_back);
	tcase_add_test(tcase, holds_one_byte_without_the_fifo);
	tcase_add_test(tcase, asserts_an_empty_transmitter_whenever_it_is_enabled);
	tcase_add_test(tcase, interrupts_again_after_each_transmission);
	tcase_add_test(tcase, gives_a_paste_whole_to_a_driver_that_waits_for_interrupts);
	tcase_add_test(tcase, interrupts_for_every_arrival_after_the_last_was_read);
	tcase_add_test(tcase, tells_a_full_fifo_from_one_that_waited);
	tcase_add_test(tcase, interrupts_for_a_cause_that_another_hid);
	tcase_add_test(tcase, keeps_what_was_typed_before_the_driver_came);
	tcase_add_test(tcase, gives_input_to_a_driver_that_polls);
	tcase_add_test(tcase, shows_a_break_with_its_character);
	tcase_add_test(tcase, a_kick_interrupts_again_for_what_waits);
	tcase_add_test(tcase, shows_a_break_before_what_is_typed_after_it);
	tcase_add_test(tcase, answers_wide_accesses_a_byte_a_port);
	tcase_add_test(tcase, forgets_everything_in_a_reset);
	tcase_add_test(tcase, is_driven_and_fed_by_two_threads);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
