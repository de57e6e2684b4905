#ifndef CONSOLE_PROTOCOL_H
#define CONSOLE_PROTOCOL_H

#include <stdint.h>

/*
 * The console link: one stream connection per guest console, from vmm to muxd's device.sock, in
 * the framing of message.h.
 *
 * How it works. A console's output is one endless stream; an offset counts its bytes from the
 * start of the vmm process, which boot_id names. vmm keeps what muxd has not acknowledged in a
 * bounded ring. On every connection vmm says what it can serve (HELLO: [begin, end)) and muxd which
 * offset it wants next (WELCOME: what it already has, at least begin); from there OUTPUT flows in
 * order and muxd acknowledges what it has stored where it outlives a kill. A begin beyond
 * what muxd has, is output lost for ever, and muxd counts and shows it. The same holds within a
 * connection: an OUTPUT offset ahead of the expected one means the ring overflowed.
 *
 * A change of the guest's state has its place in that stream (it is sent behind the output before
 * it) and a number, counted like the offset; muxd acknowledges it too, and WELCOME says the last
 * one it has. So a reboot is shown once, however often the link breaks.
 *
 * Input flows only as far as vmm allowed: CREDIT carries the total of input bytes of this
 * connection that muxd may have sent.
 */
#define CONSOLE_PROTOCOL_VERSION 1
#define CONSOLE_NAME_MAX 63
#define CONSOLE_OUTPUT_MAX 65536 /* bytes in one OUTPUT */
#define CONSOLE_INPUT_MAX 65536
#define CONSOLE_REASON_MAX 256

enum console_message {
	CONSOLE_HELLO = 1, /* vmm: struct console_hello, name */
	CONSOLE_WELCOME, /* muxd: struct console_welcome */
	CONSOLE_REFUSED, /* muxd: the reason as text, then muxd closes */
	CONSOLE_OUTPUT, /* vmm: uint64_t offset, bytes */
	CONSOLE_ACK, /* muxd: struct console_ack */
	CONSOLE_INPUT, /* muxd: bytes */
	CONSOLE_CREDIT, /* vmm: uint64_t total */
	CONSOLE_SIZE, /* muxd: struct console_size */
	CONSOLE_BREAK, /* muxd: empty */
	CONSOLE_STATE, /* vmm: struct console_change, the reason as text or nothing */
	CONSOLE_KICK, /* muxd: empty; interrupt the guest again. Only to who has CONSOLE_KICKS */
};

enum console_state {
	CONSOLE_STARTING,
	CONSOLE_RUNNING,
	CONSOLE_PAUSED,
	CONSOLE_REBOOTING,
	CONSOLE_POWERED_OFF,
	CONSOLE_CRASHED,
	CONSOLE_STATE_COUNT,
};

enum console_flag {
	CONSOLE_SHOW = 1, /* start shown */
	CONSOLE_HIDE = 2, /* start hidden; neither: muxd's default */
	CONSOLE_KEEP = 4, /* keep the history when the guest is gone */
	CONSOLE_TIMESTAMPS = 8, /* show the times of lines */
	CONSOLE_KICKS = 16, /* this vmm knows KICK */
};

struct console_hello {
	uint32_t version;
	uint8_t state; /* enum console_state, as it is now */
	uint8_t flags; /* enum console_flag */
	char key; /* shortcut, or 0 */
	char color; /* letter of n r g y b m c w, upper case for bright, or 0 for automatic */
	uint8_t boot_id[16]; /* random, one for the life of the vmm process */
	uint64_t begin; /* the oldest output offset vmm can still serve */
	uint64_t end; /* after the newest */
	uint64_t pid; /* of the vmm, for people */
}; /* then, in version 2, struct console_wishes; the guest's name, 1 to CONSOLE_NAME_MAX bytes */

/* A vmm without such wishes speaks version 1, which every muxd understands. */
#define CONSOLE_PROTOCOL_WISHES 2
#define CONSOLE_HISTORY_MOST (16U << 20)
struct console_wishes {
	uint64_t history_size; /* of a new channel; muxd gives no more than CONSOLE_HISTORY_MOST */
	uint64_t reserved;
};

struct console_welcome {
	uint32_t version;
	uint32_t reserved;
	uint64_t offset; /* muxd has everything before it that it will ever have; begin <= offset <=
			    end */
	uint64_t lost; /* how much before it muxd did not get */
	uint64_t changes; /* the number of the last change of state that muxd has */
};

struct console_ack {
	uint64_t offset; /* everything before it is stored */
	uint64_t changes; /* and these changes of state */
};

struct console_change {
	uint64_t number; /* from 1 */
	uint8_t state; /* enum console_state */
	uint8_t reserved[7];
};

struct console_size {
	uint16_t columns;
	uint16_t rows;
};

#endif
