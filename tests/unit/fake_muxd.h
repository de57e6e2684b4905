#ifndef FAKE_MUXD_H
#define FAKE_MUXD_H

#include "console_protocol.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_MUXD_INPUT 65536

struct evbuffer;

/*
 * The muxd of one guest, as far as its console link can tell: what must outlive a kill (have, lost,
 * changes, states) stays in the struct, what must not is gone with fake_muxd_kill(). It acts when
 * told to. Complaint is what the vmm's end did wrong, or NULL.
 */
struct fake_muxd {
	char path[108];
	int listen_fd; /* -1: not running */
	int fd;
	struct evbuffer *from_vmm;
	struct evbuffer *to_vmm;
	const char *complaint;
	bool welcomed;
	bool silent; /* acknowledges nothing */
	const char *refuse; /* say this instead of WELCOME */

	struct console_hello hello; /* the latest */
	char name[CONSOLE_NAME_MAX + 1];
	unsigned connections;
	uint64_t have; /* the next offset wanted */
	uint64_t lost;
	uint64_t changes;
	enum console_state state;
	uint64_t change_offset; /* where in the output the last change came */
	char reason[CONSOLE_REASON_MAX + 1];
	unsigned change_count; /* how many arrived */
	uint64_t credit; /* of this connection */
	uint64_t input_sent; /* on this connection */
	uint8_t *output; /* what arrived, up to output_size; or NULL */
	size_t output_size;
	bool (*check)(uint64_t offset, const uint8_t *bytes, size_t length); /* optional */
};

bool fake_muxd_start(struct fake_muxd *muxd, const char *path);
void fake_muxd_kill(struct fake_muxd *muxd);
void fake_muxd_destroy(struct fake_muxd *muxd);

/* Accept, read at most most bytes, handle what is whole, send what is queued. Never blocks. */
void fake_muxd_turn(struct fake_muxd *muxd, size_t most);

void fake_muxd_send(struct fake_muxd *muxd, uint16_t type, const void *body, size_t length);

/* As much of it as the credit allows; the number of bytes. */
size_t fake_muxd_type(struct fake_muxd *muxd, const uint8_t *bytes, size_t length);

#endif
