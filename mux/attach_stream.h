#ifndef ATTACH_STREAM_H
#define ATTACH_STREAM_H

#include <stdint.h>

/*
 * The attach stream: between muxd and one viewer, in the framing of message.h, on a connection
 * to control.sock that the method Attach has upgraded.
 *
 * How it works. muxd is a server of positions: it announces every channel (CHANNEL) and streams to
 * each viewer the bytes of those it follows (FOLLOW: from which position), each viewer at its own
 * pace: a viewer that does not read is only a position that stands still. Tagging, merging,
 * colours, keys and the prompt are the viewer's. A position counts the bytes of a channel's history
 * from its beginning; it survives muxd, so a viewer whose muxd was restarted follows again from
 * where it was. Bytes overwritten before they could be sent are announced (LOST).
 *
 * Each FOLLOW is answered with the channel's CHANNEL anew, so that the viewer knows begin and end
 * as of now, before any OUTPUT. A position beyond the end means the end (ATTACH_FROM_END); one
 * before the begin gives LOST first. Another FOLLOW of a followed channel moves it; credit goes on
 * counting.
 *
 * One viewer types at a channel, its writer; the others that are connected to it watch. Who follows
 * with FOLLOW_INPUT is told who that is (WRITER) and of each change. It becomes the writer if
 * nobody is, unless it only wants to watch (FOLLOW_WATCH). TAKE asks for it: at once if nobody is
 * the writer or if it is forced, else the writer is told who asks, and gives it away by YIELD or by
 * leaving; then it goes to the one that has asked first. Only the writer gets credit, and only its
 * BREAK and SIZE mean something; input of a former writer that was on its way is thrown away and
 * counted.
 */
#define ATTACH_FROM_END UINT64_MAX
#define ATTACH_VERSION 2
#define ATTACH_BYTES_MAX 65536
#define ATTACH_TEXT_MAX 16384
#define ATTACH_SAY_MAX 256

enum attach_message {
	ATTACH_CHANNEL = 1, /* muxd: uint32_t id, then the channel as JSON: see below */
	ATTACH_GONE, /* muxd: uint32_t id: the channel was dropped */
	ATTACH_OUTPUT, /* muxd: struct attach_output, bytes */
	ATTACH_LOST, /* muxd: struct attach_lost */
	ATTACH_CREDIT, /* muxd: struct attach_credit */
	ATTACH_NOTICE, /* muxd: one line of text for people */
	ATTACH_READY, /* muxd: empty; all channels there are have been announced */
	ATTACH_WRITER, /* muxd: struct attach_writer, text */

	ATTACH_FOLLOW = 64, /* viewer: struct attach_follow */
	ATTACH_UNFOLLOW, /* viewer: uint32_t id */
	ATTACH_INPUT, /* viewer: uint32_t id, bytes; only within the credit */
	ATTACH_BREAK, /* viewer: uint32_t id */
	ATTACH_SIZE, /* viewer: struct attach_size */
	ATTACH_TAKE, /* viewer: struct attach_take */
	ATTACH_YIELD, /* viewer: uint32_t id */
	ATTACH_SAY, /* viewer: uint32_t id, text: a NOTICE to all viewers, about that channel */
};

/*
 * The JSON of CHANNEL, sent at first and after each change:
 * { "name", "key", "color", "state" (words of muxd list), "reason", "shown", "begin", "end",
 *   "opened" (the end when this muxd began), "timestamps" (off, local, utc or relative),
 *   "start" (ms since the epoch: what relative times count from),
 *   "log" (the path of its log; not there if it is not logged),
 *   "pty" (the path of the link to its pty; not there if it has none) }
 * Positions are integers.
 */

struct attach_output {
	uint32_t id;
	uint32_t reserved;
	uint64_t position; /* of the first byte */
	uint64_t time_ms; /* since the epoch, when the first byte came; 0: not known any more */
};

struct attach_lost {
	uint32_t id;
	uint32_t reserved;
	uint64_t count;
	uint64_t position; /* where the stream goes on */
};

struct attach_credit {
	uint32_t id;
	uint32_t reserved;
	uint64_t total; /* of input bytes this viewer may have sent to the channel on this stream */
};

enum attach_follow_flag {
	FOLLOW_INPUT = 1, /* connected: it types here or watches who does; CREDIT and WRITER come */
	FOLLOW_TIMES = 2, /* all bytes of one OUTPUT came at its time */
	FOLLOW_WATCH = 4, /* with FOLLOW_INPUT: not the writer unless it asks */
};

struct attach_follow {
	uint32_t id;
	uint32_t flags; /* enum attach_follow_flag; others are left alone */
	uint64_t position;
};

enum attach_writer_state {
	WRITER_UNKNOWN, /* never sent: muxd has not told yet */
	WRITER_FREE, /* nobody types there */
	WRITER_MINE, /* this viewer does */
	WRITER_OTHER, /* text: who does, such as "root (pid 4711)" */
	WRITER_ASKED, /* this viewer does; text: who wants to */
};

struct attach_writer {
	uint32_t id;
	uint32_t state; /* enum attach_writer_state */
	uint64_t discarded; /* input bytes since the last WRITER, thrown away */
};

struct attach_take {
	uint32_t id;
	uint32_t force; /* 1: without asking */
};

struct attach_size {
	uint32_t id;
	uint16_t columns;
	uint16_t rows;
};

#endif
