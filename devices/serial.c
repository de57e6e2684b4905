/* A 16550A UART, as the register descriptions of its data sheet have it. */
#include "serial.h"

#include "compiler.h"

#include <stddef.h>
#include <string.h>
#include <sys/eventfd.h>

#include <linux/serial_reg.h>

#define INTERRUPTS (UART_IER_RDI | UART_IER_THRI | UART_IER_RLSI | UART_IER_MSI)
#define FIFO_SHOWN 0xc0 /* in IIR while the FIFOs are on */
#define MODEM_CONTROLS (UART_MCR_DTR | UART_MCR_RTS | UART_MCR_OUT1 | UART_MCR_OUT2 | UART_MCR_LOOP)
#define CONNECTED (UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS)
#define POLLS 32 /* empty reads in a row after which the driver is taken to wait for input */

static bool fifo_on(const struct serial *serial)
{
	return serial->fifo_control & UART_FCR_ENABLE_FIFO;
}

static unsigned capacity(const struct serial *serial)
{
	return fifo_on(serial) ? SERIAL_FIFO : 1;
}

static unsigned trigger(const struct serial *serial)
{
	static const uint8_t levels[] = { 1, 4, 8, 14 };

	return fifo_on(serial) ? levels[serial->fifo_control >> 6] : 1;
}

static bool break_at_head(const struct serial *serial)
{
	return serial->received && serial->receive[0] & SERIAL_BREAK;
}

/* The most urgent reason for an interrupt, as IIR shows it. Below the trigger level time is up. */
static uint8_t cause(const struct serial *serial)
{
	uint8_t enabled = serial->interrupt_enable;

	if (enabled & UART_IER_RLSI && (serial->line_status || break_at_head(serial)))
		return UART_IIR_RLSI;
	if (enabled & UART_IER_RDI && serial->received)
		return serial->received >= trigger(serial) ? UART_IIR_RDI : UART_IIR_RX_TIMEOUT;
	if (enabled & UART_IER_THRI && serial->transmit_pending)
		return UART_IIR_THRI;
	return UART_IIR_NO_INT;
}

/*
 * An edge for every new cause, also when it takes the place of another: a driver that dealt with
 * the first alone and left hears of the second.
 */
static void update_line(struct serial *serial)
{
	uint8_t now = cause(serial);

	if (now == UART_IIR_RX_TIMEOUT)
		now = UART_IIR_RDI;
	if (now != serial->cause && now != UART_IIR_NO_INT)
		eventfd_write(serial->interrupt_fd, 1);
	serial->cause = now;
}

static void receive_entry(struct serial *serial, uint16_t entry)
{
	if (serial->received == capacity(serial)) {
		serial->line_status |= UART_LSR_OE;
		return;
	}
	serial->receive[serial->received++] = entry;
}

/* A driver takes input that has interrupts on, or that keeps asking. */
static bool wants_input(const struct serial *serial)
{
	return !(serial->modem_control & UART_MCR_LOOP) &&
		(serial->interrupt_enable & UART_IER_RDI || serial->idle_polls >= POLLS);
}

/* Only once all is read, so that the link is asked once for many bytes. */
static void refill(struct serial *serial)
{
	uint8_t bytes[SERIAL_FIFO];
	size_t length;

	if (serial->received || !wants_input(serial))
		return;
	if (serial->break_waiting) {
		serial->break_waiting = false;
		receive_entry(serial, SERIAL_BREAK);
	}
	if (!serial->input_waiting || serial->received == capacity(serial))
		return;
	length = console_link_read(serial->link, bytes, capacity(serial) - serial->received);
	serial->input_waiting = length > 0;
	for (size_t i = 0; i < length; i++)
		receive_entry(serial, bytes[i]);
}

static uint8_t read_receiver(struct serial *serial)
{
	uint8_t byte = (uint8_t)serial->receive[0];

	if (!serial->received)
		return 0;
	serial->received--;
	memmove(serial->receive, serial->receive + 1,
		serial->received * sizeof(serial->receive[0]));
	serial->idle_polls = 0;
	return byte;
}

static uint8_t read_cause(struct serial *serial)
{
	uint8_t now = cause(serial);

	if (now == UART_IIR_THRI)
		serial->transmit_pending = false;
	return now | (fifo_on(serial) ? FIFO_SHOWN : 0);
}

static uint8_t read_line_status(struct serial *serial)
{
	uint8_t status = UART_LSR_TEMT | UART_LSR_THRE | serial->line_status;

	if (serial->received)
		status |= UART_LSR_DR;
	else if (serial->idle_polls < POLLS)
		serial->idle_polls++;
	if (break_at_head(serial)) {
		status |= UART_LSR_BI;
		serial->receive[0] &= (uint16_t)~SERIAL_BREAK;
	}
	serial->line_status = 0;
	return status;
}

static uint8_t read_modem_status(const struct serial *serial)
{
	uint8_t control = serial->modem_control;

	if (!(control & UART_MCR_LOOP))
		return CONNECTED;
	return (uint8_t)(((control & UART_MCR_DTR) ? UART_MSR_DSR : 0) |
		((control & UART_MCR_RTS) ? UART_MSR_CTS : 0) |
		((control & UART_MCR_OUT1) ? UART_MSR_RI : 0) |
		((control & UART_MCR_OUT2) ? UART_MSR_DCD : 0));
}

static uint8_t read_register(struct serial *serial, uint64_t offset)
{
	bool divisor = serial->line_control & UART_LCR_DLAB;

	switch (offset) {
	case UART_RX:
		return divisor ? (uint8_t)serial->divisor : read_receiver(serial);
	case UART_IER:
		return divisor ? (uint8_t)(serial->divisor >> 8) : serial->interrupt_enable;
	case UART_IIR:
		return read_cause(serial);
	case UART_LCR:
		return serial->line_control;
	case UART_MCR:
		return serial->modem_control;
	case UART_LSR:
		return read_line_status(serial);
	case UART_MSR:
		return read_modem_status(serial);
	case UART_SCR:
		return serial->scratch;
	default:
		return 0xff;
	}
}

static void transmit(struct serial *serial, uint8_t byte)
{
	if (serial->modem_control & UART_MCR_LOOP)
		receive_entry(serial, byte);
	else
		console_link_write(serial->link, &byte, sizeof(byte));
	serial->transmit_pending = true;
	serial->idle_polls = 0;
}

static void enable_interrupts(struct serial *serial, uint8_t value)
{
	uint8_t raised = value & (uint8_t)~serial->interrupt_enable;

	serial->interrupt_enable = value & INTERRUPTS;
	if (raised & UART_IER_THRI)
		serial->transmit_pending = true;
}

static void control_fifo(struct serial *serial, uint8_t value)
{
	uint8_t changed = value ^ serial->fifo_control;

	if (changed & UART_FCR_ENABLE_FIFO || value & UART_FCR_CLEAR_RCVR)
		serial->received = 0;
	serial->fifo_control = (value & UART_FCR_ENABLE_FIFO)
		? value & (UART_FCR_ENABLE_FIFO | UART_FCR_TRIGGER_MASK)
		: 0;
}

static void set_divisor(struct serial *serial, unsigned shift, uint8_t value)
{
	serial->divisor = (uint16_t)((serial->divisor & ~(0xff << shift)) | value << shift);
}

static void write_register(struct serial *serial, uint64_t offset, uint8_t value)
{
	bool divisor = serial->line_control & UART_LCR_DLAB;

	switch (offset) {
	case UART_TX:
		if (divisor)
			set_divisor(serial, 0, value);
		else
			transmit(serial, value);
		break;
	case UART_IER:
		if (divisor)
			set_divisor(serial, 8, value);
		else
			enable_interrupts(serial, value);
		break;
	case UART_FCR:
		control_fifo(serial, value);
		break;
	case UART_LCR:
		serial->line_control = value;
		break;
	case UART_MCR:
		serial->modem_control = value & MODEM_CONTROLS;
		break;
	case UART_SCR:
		serial->scratch = value;
		break;
	default:
		break;
	}
}

/* A wide access is one of a byte to each port in turn, as on an ISA bus. */
uint64_t serial_read(void *owner, uint64_t offset, unsigned length)
{
	struct serial *serial = owner;
	uint64_t value = 0;

	pthread_mutex_lock(&serial->lock);
	for (unsigned i = 0; i < length && i < sizeof(value); i++) {
		value |= (uint64_t)read_register(serial, offset + i) << (8 * i);
		refill(serial);
	}
	update_line(serial);
	pthread_mutex_unlock(&serial->lock);
	return value;
}

void serial_write(void *owner, uint64_t offset, unsigned length, uint64_t value)
{
	struct serial *serial = owner;

	pthread_mutex_lock(&serial->lock);
	for (unsigned i = 0; i < length && i < sizeof(value); i++) {
		write_register(serial, offset + i, (uint8_t)(value >> (8 * i)));
		refill(serial);
		update_line(serial);
	}
	pthread_mutex_unlock(&serial->lock);
}

static void take(struct serial *serial, bool *waiting)
{
	pthread_mutex_lock(&serial->lock);
	*waiting = true;
	refill(serial);
	update_line(serial);
	pthread_mutex_unlock(&serial->lock);
}

static void input_ready(struct console_consumer *consumer)
{
	struct serial *serial = CONTAINER_OF(consumer, struct serial, consumer);

	take(serial, &serial->input_waiting);
}

static void break_received(struct console_consumer *consumer)
{
	struct serial *serial = CONTAINER_OF(consumer, struct serial, consumer);

	take(serial, &serial->break_waiting);
}

static void kicked(struct console_consumer *consumer)
{
	struct serial *serial = CONTAINER_OF(consumer, struct serial, consumer);

	pthread_mutex_lock(&serial->lock);
	serial->cause = UART_IIR_NO_INT; /* whatever there is, is there anew */
	refill(serial);
	update_line(serial);
	pthread_mutex_unlock(&serial->lock);
}

/* A serial line has no way to say it. */
static void resized(struct console_consumer *consumer, struct console_size size)
{
	(void)consumer;
	(void)size;
}

void serial_reset(struct serial *serial)
{
	pthread_mutex_lock(&serial->lock);
	serial->received = 0;
	serial->idle_polls = 0;
	serial->interrupt_enable = 0;
	serial->fifo_control = 0;
	serial->line_control = 0;
	serial->modem_control = 0;
	serial->line_status = 0;
	serial->scratch = 0;
	serial->divisor = 0;
	serial->transmit_pending = false;
	serial->cause = UART_IIR_NO_INT;
	pthread_mutex_unlock(&serial->lock);
}

void serial_init(struct serial *serial, struct console_link *link, int interrupt_fd)
{
	*serial = (struct serial){
		.consumer = {
			.input_ready = input_ready,
			.resized = resized,
			.break_received = break_received,
			.kicked = kicked,
		},
		.link = link,
		.interrupt_fd = interrupt_fd,
	};
	pthread_mutex_init(&serial->lock, NULL);
	serial_reset(serial);
}
