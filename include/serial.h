#ifndef SERIAL_H
#define SERIAL_H

#include "console_link.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define SERIAL_PORT_COUNT 8
#define SERIAL_FIFO 16
#define SERIAL_BREAK 0x100

/*
 * A 16550A UART. Registers are accessed by vCPU threads, input arrives on the main thread; its
 * own lock serves both. Transmitted bytes go to the console link at once: the transmitter is
 * always empty, so no driver ever waits for it. Input comes from the link only as the receiver has
 * room and somebody reads it, so that none is overrun or thrown away by a driver starting up.
 */
struct serial {
	struct console_consumer consumer; /* given to the link when the UART gets the input */
	struct console_link *link; /* borrowed */
	int interrupt_fd; /* eventfd wired to the guest's edge-triggered line; borrowed */
	pthread_mutex_t lock;
	uint16_t receive[SERIAL_FIFO]; /* bytes, with SERIAL_BREAK for one that is a BREAK */
	unsigned received; /* entries in receive */
	bool input_waiting; /* the link had input when last asked */
	bool break_waiting; /* for room in the receiver */
	unsigned idle_polls; /* reads of the line status in a row that found nothing */
	uint8_t interrupt_enable;
	uint8_t fifo_control;
	uint8_t line_control;
	uint8_t modem_control;
	uint8_t line_status; /* overrun, until read */
	uint8_t scratch;
	uint16_t divisor;
	bool transmit_pending; /* the THR-empty interrupt is due */
	uint8_t cause; /* of the interrupt whose edge went out last, as IIR shows it */
};

/* Both before any vCPU runs. init leaves it as after a reset. */
void serial_init(struct serial *serial, struct console_link *link, int interrupt_fd);
void serial_reset(struct serial *serial);

/* Bus window of SERIAL_PORT_COUNT ports; owner is the serial. */
uint64_t serial_read(void *owner, uint64_t offset, unsigned length);
void serial_write(void *owner, uint64_t offset, unsigned length, uint64_t value);

#endif
