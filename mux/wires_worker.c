/*
 * What a wire's worker is told, and what it says (wire_control.h).
 *
 * How it works. There is no queue of messages: each thing that a worker has to know has a flag that
 * says it is untold, and wires_tell() sends what has one, in an order that makes sense, until the
 * socket takes no more. So nothing grows while a worker does not listen, and a new worker is told
 * everything by setting all flags.
 */

#include "fd.h"
#include "monotonic.h"
#include "mux.h"
#include "utf8.h"
#include "wires_parts.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_A_TURN 64
#define PAUSE_FIRST_MS 100
#define PAUSE_MOST_MS 5000
#define PROVEN_MS 10000 /* a worker that has lived so long is followed by the next at once */
#define READY_TIMEOUT_S 10
#define LATER_MS 100

/* 0 or -errno; -EAGAIN: once it reads, -ETOOMANYREFS: later. fd: -1 for none. It stays ours. */
static int send_message(const struct mux_wire *wire, const void *bytes, size_t length, int fd)
{
	struct iovec iov = { (void *)(uintptr_t)bytes, length };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} ancillary = { .bytes = { 0 } };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		message.msg_control = ancillary.bytes;
		message.msg_controllen = sizeof(ancillary.bytes);
		ancillary.header.cmsg_level = SOL_SOCKET;
		ancillary.header.cmsg_type = SCM_RIGHTS;
		ancillary.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&ancillary.header), &fd, sizeof(fd));
	}
	if (sendmsg(wire->control, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	return errno == EINTR ? -EAGAIN : -errno;
}

static int tell_setup(struct mux_wire *wire)
{
	struct wire_setup setup = {
		.type = wire->setup_untold ? WIRE_SETUP : WIRE_POLL,
		.kind = wire->kind,
		.poll_ns = wire->poll_ns,
		.ageing_s = wire->ageing_s,
		.mtu = wire->mtu,
	};
	int error;

	memcpy(setup.name, wire->name, sizeof(setup.name));
	error = send_message(wire, &setup, sizeof(setup),
		wire->setup_untold ? wire->counters_fd : -1);
	if (!error)
		wire->setup_untold = wire->poll_untold = false;
	return error;
}

static int send_port(struct mux_port *port, enum wire_message_type type, int fd)
{
	struct wire_port message = {
		.type = type,
		.port = port->number,
		.plug = port->plug,
	};

	memcpy(message.name, port->name, sizeof(message.name));
	wires_port_settings(port, &message.settings);
	return send_message(port->wire, &message, sizeof(message), fd);
}

static int tell_unplugged(struct mux_port *port)
{
	int error = port->unplugged ? send_port(port, WIRE_UNPLUG, -1) : 0;

	if (!error)
		port->unplugged = false;
	return error;
}

static bool is_with_worker(const struct mux_port *port)
{
	return port->plug && !port->connection_untold && !port->tap_untold;
}

static int tell_settings(struct mux_port *port)
{
	int error = port->untold && is_with_worker(port) ? send_port(port, WIRE_SET, -1) : 0;

	if (!error && is_with_worker(port))
		port->untold = false;
	return error;
}

static int tell_plugged(struct mux_port *port)
{
	int error = 0;

	if (port->connection_untold)
		error = send_port(port, WIRE_PLUG, port->connection);
	else if (port->tap_untold)
		error = send_port(port, WIRE_PLUG_TAP, port->tap);
	else
		return 0;
	if (error)
		return error;
	port->connection_untold = false;
	port->tap_untold = false;
	port->untold = false;
	return 0;
}

static int tell_ports(struct mux_wire *wire, int (*tell)(struct mux_port *port))
{
	int error = 0;

	for (unsigned i = 0; !error && i < wire->ports_most; i++) {
		if (wire->port[i])
			error = tell(wire->port[i]);
	}
	return error;
}

static int tell_captures(struct mux_wire *wire)
{
	while (wire->capture_count) {
		struct wires_capture *capture = &wire->captures[wire->capture_count - 1];
		int error = send_message(wire, &capture->message, sizeof(capture->message),
			capture->fd);

		if (error)
			return error;
		close(capture->fd);
		wire->capture_count--;
	}
	return 0;
}

static int tell_all(struct mux_wire *wire)
{
	int error = wire->setup_untold || wire->poll_untold ? tell_setup(wire) : 0;

	if (error || !wire->ready)
		return error;
	error = tell_ports(wire, tell_unplugged);
	if (!error)
		error = tell_ports(wire, tell_settings);
	if (!error)
		error = tell_ports(wire, tell_plugged);
	return error ? error : tell_captures(wire);
}

/* Its process is killed, if it has not ended yet; the rest happens then. */
static void give_up(struct mux_wire *wire, const char *why)
{
	if (why)
		wires_say(wire, "the worker is killed: %s", why);
	event_del(&wire->readable);
	event_del(&wire->writable);
	event_del(&wire->later);
	event_del(&wire->timer);
	close(take_fd(&wire->control));
	wires_process_kill(wire->process);
}

void wires_tell(struct mux_wire *wire)
{
	const struct timeval later = { .tv_usec = LATER_MS * 1000L };
	int error;

	if (wire->control < 0)
		return;
	error = tell_all(wire);
	if (error == -EAGAIN)
		event_add(&wire->writable, NULL);
	else if (error == -ETOOMANYREFS) /* too many descriptors of ours are under way, anywhere */
		event_add(&wire->later, &later);
	else if (error && error != -EPIPE && error != -ECONNRESET)
		give_up(wire, strerror(-error)); /* of those the end of the process tells */
}

bool wires_can_capture(const struct mux_wire *wire)
{
	return wire->ready && wire->control >= 0 && wire->capture_count < WIRES_CAPTURES_MAX;
}

void wires_capture(struct mux_wire *wire, uint32_t port, uint32_t snap_length, int fd)
{
	wire->captures[wire->capture_count++] = (struct wires_capture){
		.message = { .type = WIRE_CAPTURE, .port = port, .snap_length = snap_length },
		.fd = fd,
	};
	wires_tell(wire);
}

static void tell_on(evutil_socket_t fd, short what, void *owner)
{
	(void)fd;
	(void)what;
	wires_tell(owner);
}

static void port_state(struct mux_port *port, const struct wire_event *event)
{
	uint32_t before = port->flags;

	port->flags = event->flags & (PORT_FLAG_CONNECTED | PORT_FLAG_SENDS | PORT_FLAG_RECEIVES);
	port->features = event->features;
	if (port->flags & ~before & PORT_FLAG_CONNECTED)
		wires_say(port->wire, "port %s: connected", port->name);
}

static void worker_ready(struct mux_wire *wire)
{
	if (wire->ready)
		return;
	wire->ready = true;
	event_del(&wire->timer);
	if (wire->starts > 1)
		wires_say(wire, "a new worker has taken over");
	wires_tell(wire);
}

/* The port an event is about, as it is plugged now; NULL: it is about a former one. */
static struct mux_port *port_of(const struct mux_wire *wire, const struct wire_event *event)
{
	struct mux_port *port = event->port < wire->ports_most ? wire->port[event->port] : NULL;

	return port && port->plug && port->plug == event->plug && is_with_worker(port) ? port
										       : NULL;
}

/* False: it makes no sense. */
static bool take_event(struct mux_wire *wire, const struct wire_event *event)
{
	struct mux_port *port = port_of(wire, event);
	char text[WIRE_REASON_MAX + 1];

	utf8_for_message(text, sizeof(text), event->text,
		strnlen(event->text, sizeof(event->text) - 1));
	switch (event->type) {
	case WIRE_READY:
		worker_ready(wire);
		return true;
	case WIRE_PORT_STATE:
		if (port)
			port_state(port, event);
		return true;
	case WIRE_PORT_GONE:
		if (port)
			wires_port_gone(port, text);
		return true;
	case WIRE_NOTE:
		wires_say(wire, "%s", text);
		return true;
	default:
		return false;
	}
}

static void worker_readable(evutil_socket_t fd, short what, void *owner)
{
	struct mux_wire *wire = owner;
	struct wire_event event;

	(void)what;
	for (int i = 0; i < EVENTS_A_TURN && wire->control >= 0; i++) {
		/* Descriptors that come along are dropped by the kernel. */
		ssize_t length = recv(fd, &event, sizeof(event), MSG_DONTWAIT | MSG_TRUNC);

		if (length < 0 && (errno == EWOULDBLOCK || errno == EINTR))
			return;
		if (length <= 0) {
			give_up(wire, NULL);
			return;
		}
		if (length != sizeof(event) || !take_event(wire, &event))
			give_up(wire, "what it says makes no sense");
	}
}

static void restart_later(struct mux_wire *wire)
{
	const struct timeval pause = {
		.tv_sec = wire->pause_ms / 1000,
		.tv_usec = (suseconds_t)(wire->pause_ms % 1000) * 1000,
	};

	event_add(&wire->timer, &pause);
	wire->pause_ms = wire->pause_ms ? wire->pause_ms * 2 : PAUSE_FIRST_MS;
	if (wire->pause_ms > PAUSE_MOST_MS)
		wire->pause_ms = PAUSE_MOST_MS;
}

static void start(struct mux_wire *wire)
{
	const struct timeval timeout = { .tv_sec = READY_TIMEOUT_S };
	int error;

	wire->process = wires_process_start(wire, &wire->control, &error);
	wire->started_ms = monotonic_ms();
	wire->starts++;
	if (!wire->process) {
		wires_say(wire, "its worker cannot be started: %s", strerror(-error));
		restart_later(wire);
		return;
	}
	wire->ready = false;
	wire->setup_untold = true;
	event_assign(&wire->readable, wire->wires->mux->base, wire->control, EV_READ | EV_PERSIST,
		worker_readable, wire);
	event_assign(&wire->writable, wire->wires->mux->base, wire->control, EV_WRITE, tell_on,
		wire);
	event_assign(&wire->later, wire->wires->mux->base, -1, 0, tell_on, wire);
	event_add(&wire->readable, NULL);
	event_add(&wire->timer, &timeout);
	wires_tell(wire);
}

static void timer_ran_out(evutil_socket_t fd, short what, void *owner)
{
	struct mux_wire *wire = owner;

	(void)fd;
	(void)what;
	if (wire->process)
		give_up(wire, "it does not get ready");
	else
		start(wire);
}

void wires_worker_start(struct mux_wire *wire)
{
	event_assign(&wire->timer, wire->wires->mux->base, -1, 0, timer_ran_out, wire);
	start(wire);
}

static void stop(struct mux_wire *wire)
{
	event_del(&wire->timer);
	if (wire->control >= 0) {
		event_del(&wire->readable);
		event_del(&wire->writable);
		event_del(&wire->later);
		close(take_fd(&wire->control));
	}
	wire->process = NULL;
	wire->ready = false;
	while (wire->capture_count)
		close(wire->captures[--wire->capture_count].fd);
}

void wires_worker_ended(struct mux_wire *wire, const char *how)
{
	wires_say(wire, "the worker has died: %s", how);
	if (monotonic_ms() - wire->started_ms >= PROVEN_MS)
		wire->pause_ms = 0;
	stop(wire);
	wires_ports_lost(wire);
	restart_later(wire);
}

void wires_worker_end(struct mux_wire *wire)
{
	struct wires_process *process = wire->process;

	stop(wire);
	if (process)
		wires_process_leave(process);
}
