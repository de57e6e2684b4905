/* A hostile driver of the UART: the input is register accesses and what the operator does. */
#include "fake_link.h"
#include "serial.h"

#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum action {
	READ,
	WRITE,
	TYPE,
	BREAK,
	RESET,
	ACTIONS,
};

struct step {
	uint8_t action;
	uint8_t port; /* and above it the power of two of the length */
	uint32_t value;
} __attribute__((packed));

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static void play(struct serial *serial, struct console_link *link, const struct step *step)
{
	unsigned length = 1U << (step->port / SERIAL_PORT_COUNT & 3);
	uint64_t offset = step->port % SERIAL_PORT_COUNT;
	uint32_t value = step->value;

	switch (step->action % ACTIONS) {
	case READ:
		serial_read(serial, offset, length);
		break;
	case WRITE:
		serial_write(serial, offset, length, value);
		break;
	case TYPE:
		if (link->input_end < FAKE_LINK_SIZE / 2)
			fake_link_type(link, link->output, value % 64);
		break;
	case BREAK:
		fake_link_break(link);
		break;
	case RESET:
		serial_reset(serial);
		break;
	default:
		break;
	}
}

/* Whatever was done to it, a driver that starts anew gets the input. */
static void check_alive(struct serial *serial, struct console_link *link)
{
	unsigned left = FAKE_LINK_SIZE;

	serial_reset(serial);
	serial_write(serial, 1, 1, 1);
	fake_link_type(link, "x", 1);
	while (serial_read(serial, 5, 1) & 1 && left--)
		serial_read(serial, 0, 1);
	if (!left || link->input_begin != link->input_end)
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	static struct console_link link;
	static struct serial serial;
	int interrupt_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	fake_link_init(&link);
	serial_init(&serial, &link, interrupt_fd);
	console_link_set_consumer(&link, &serial.consumer);
	for (struct step step; size >= sizeof(step); size -= sizeof(step)) {
		memcpy(&step, input, sizeof(step));
		input += sizeof(step);
		play(&serial, &link, &step);
	}
	check_alive(&serial, &link);
	fake_link_release(&link);
	close(interrupt_fd);
	return 0;
}
