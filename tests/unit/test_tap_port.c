/*
 * The uplink, judged by Linux: two TAP interfaces, each in a network namespace of its own, at the
 * ends of a cable, and sockets on both sides. Needs the right to make such namespaces.
 */
#include "fake_packet.h"
#include "monotonic.h"
#include "tap_port.h"
#include "wire.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>

#define TIMEOUT_NS (60 * 1000000000ULL)
#define AMOUNT (8U << 20)
#define UDP_SEGMENT_OPTION 103 /* UDP_SEGMENT of linux/udp.h */

/* An end: a namespace with an interface in it, which is the port. */
struct end {
	struct port_counters counters;
	struct tap_port *tap;
	const char *closed;
	unsigned woken, changed;
	int namespace;
	int control; /* a socket in it */
	int index; /* of the interface */
};

static struct event_base *base;
static struct wire *wire;
static struct end end[2];
static int home = -1;
static const char *skipped;

static void woken(void *owner, struct port *port)
{
	(void)owner;
	end[port->number].woken++;
}

static void changed(void *owner, struct port *port, uint32_t flags, uint64_t features)
{
	(void)owner;
	(void)flags;
	ck_assert_uint_eq(features, port->accepted);
	end[port->number].changed++;
}

static void closed(void *owner, struct port *port, const char *reason)
{
	(void)owner;
	ck_assert_ptr_null(end[port->number].closed);
	end[port->number].closed = reason;
}

static const struct vhost_session_owner owner = { .wake = woken,
	.changed = changed,
	.closed = closed };

/* A TAP interface of the namespace we are in. A descriptor, or -1. */
static int open_tap(short flags)
{
	struct ifreq request = { .ifr_name = "tap0" };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	request.ifr_flags = flags;
	if (fd >= 0 && ioctl(fd, TUNSETIFF, &request) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd >= 0) {
		ck_assert_int_gt(write(fd, text, strlen(text)), 0);
		close(fd);
	}
}

static void set_link(const struct end *of, bool up)
{
	struct ifreq request = { .ifr_name = "tap0" };

	request.ifr_flags = up ? IFF_UP : 0;
	ck_assert_int_eq(ioctl(of->control, SIOCSIFFLAGS, &request), 0);
}

/* 10.9.0.1 and fd09::1, or .2 and ::2. The namespace is the one we are in. */
static struct sockaddr_storage address_of(unsigned number, int family, uint16_t port)
{
	struct sockaddr_storage storage = { .ss_family = (sa_family_t)family };
	struct sockaddr_in *ipv4 = (struct sockaddr_in *)&storage;
	struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)&storage;

	if (family == AF_INET) {
		ipv4->sin_port = htons(port);
		ipv4->sin_addr.s_addr = htonl(0x0a090001 + number);
	} else {
		ipv6->sin6_port = htons(port);
		ipv6->sin6_addr.s6_addr[0] = 0xfd;
		ipv6->sin6_addr.s6_addr[1] = 9;
		ipv6->sin6_addr.s6_addr[15] = (uint8_t)(1 + number);
	}
	return storage;
}

static void set_addresses(struct end *of, unsigned number)
{
	struct sockaddr_storage ipv6 = address_of(number, AF_INET6, 0);
	struct sockaddr_storage ipv4 = address_of(number, AF_INET, 0);
	struct ifreq request = { .ifr_name = "tap0" };
	struct {
		struct in6_addr address;
		uint32_t prefix;
		int index;
	} request6 = { .prefix = 64 };
	int control = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t deadline_ns = monotonic_ns() + TIMEOUT_NS;

	write_text("/proc/sys/net/ipv6/conf/tap0/accept_dad", "0"); /* an address is good at once */
	ck_assert_int_eq(ioctl(of->control, SIOCGIFINDEX, &request), 0);
	of->index = request.ifr_ifindex;
	memcpy(&request.ifr_addr, &ipv4, sizeof(request.ifr_addr));
	ck_assert_int_eq(ioctl(of->control, SIOCSIFADDR, &request), 0);
	set_link(of, true);
	request6.address = ((struct sockaddr_in6 *)&ipv6)->sin6_addr;
	request6.index = of->index;
	ck_assert_int_eq(ioctl(control, SIOCSIFADDR, &request6), 0);
	while (bind(control, (struct sockaddr *)&ipv6, sizeof(ipv6)) < 0) /* it is not ours yet */
		ck_assert_uint_lt(monotonic_ns(), deadline_ns);
	close(control);
}

static bool start_end(unsigned number)
{
	struct end *of = &end[number];
	int fd;

	if (unshare(CLONE_NEWNET) < 0)
		return false;
	of->namespace = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	of->control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	fd = open_tap(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
	if (fd < 0)
		return false;
	of->tap = tap_port_create(base, fd, &owner);
	ck_assert_ptr_nonnull(of->tap);
	set_addresses(of, number);
	struct port *port = tap_port_port(of->tap);
	port->number = (uint16_t)number;
	port->counters = &of->counters;
	port->settings.link = 1;
	wire_plug(wire, port);
	return true;
}

static void start(void)
{
	memset(end, 0, sizeof(end));
	home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (geteuid() != 0 && unshare(CLONE_NEWUSER) < 0)
		skipped = "no right to make a network namespace";
	base = event_base_new();
	wire = wire_create(&wire_cable, 0);
	ck_assert(base && wire);
	for (unsigned i = 0; i < 2 && !skipped; i++)
		if (!start_end(i))
			skipped = "no right to make a network namespace with a TAP interface";
	if (skipped)
		printf("skipped: %s\n", skipped);
}

static void stop(void)
{
	for (unsigned i = 0; i < 2; i++) {
		if (end[i].tap)
			wire_unplug(tap_port_port(end[i].tap));
		tap_port_destroy(end[i].tap);
		if (end[i].namespace > 0)
			close(end[i].namespace);
		if (end[i].control > 0)
			close(end[i].control);
	}
	wire_destroy(wire);
	event_base_free(base);
	if (setns(home, CLONE_NEWNET) < 0)
		ck_assert(skipped || geteuid() != 0);
	close(home);
}

static void turn(void)
{
	if (!wire)
		ck_abort_msg("no wire");
	for (unsigned i = 0; i < 2; i++)
		wire->type->forward(wire, wire->port[i]);
	wire_flush(wire);
	event_base_loop(base, EVLOOP_NONBLOCK);
}

static int socket_at(unsigned number, int family, int type)
{
	int fd;

	ck_assert_int_eq(setns(end[number].namespace, CLONE_NEWNET), 0);
	fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static void bind_at(int fd, unsigned number, int family)
{
	struct sockaddr_storage address = address_of(number, family, 5001);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
}

/* Connect from end 0 to end 1. */
static void connect_stream(int family, int fd[2])
{
	struct sockaddr_storage address = address_of(1, family, 5001);
	uint64_t deadline_ns = monotonic_ns() + TIMEOUT_NS;
	int listener = socket_at(1, family, SOCK_STREAM);

	bind_at(listener, 1, family);
	ck_assert_int_eq(listen(listener, 1), 0);
	fd[0] = socket_at(0, family, SOCK_STREAM);
	(void)connect(fd[0], (struct sockaddr *)&address, sizeof(address));
	do {
		turn();
		ck_assert_uint_lt(monotonic_ns(), deadline_ns);
		fd[1] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	} while (fd[1] < 0);
	close(listener);
}

/* What an end takes of what the kernel of the other left to it. */
static const struct {
	uint64_t accepted; /* of what it offers */
	int family;
	bool whole; /* frames are longer than packets on a real network */
} receivers[] = {
	{ .family = AF_INET, .accepted = UINT64_MAX, .whole = true },
	{ .family = AF_INET6, .accepted = UINT64_MAX, .whole = true },
	{ .family = AF_INET, .accepted = 1ULL << VIRTIO_NET_F_GUEST_CSUM },
	{ .family = AF_INET6, .accepted = 1ULL << VIRTIO_NET_F_GUEST_CSUM },
	{ .family = AF_INET, .accepted = 0 },
	{ .family = AF_INET6, .accepted = 0 },
};

#define RECEIVERS (sizeof(receivers) / sizeof(receivers[0]))

/* Both directions at once. The sender's offloads stay what they are. */
static void limit(unsigned number, uint64_t accepted)
{
	tap_port_port(end[number].tap)->accepted &= accepted |
		((1ULL << VIRTIO_NET_F_CSUM) | (1ULL << VIRTIO_NET_F_HOST_TSO4) |
			(1ULL << VIRTIO_NET_F_HOST_TSO6) | (1ULL << VIRTIO_NET_F_HOST_ECN) |
			(1ULL << VIRTIO_NET_F_HOST_USO));
}

static uint8_t pattern(size_t offset)
{
	return (uint8_t)(offset * 2654435761U >> 13);
}

START_TEST(a_stream_arrives_intact)
{
	static uint8_t sent[AMOUNT], received[AMOUNT];
	uint64_t deadline_ns = monotonic_ns() + TIMEOUT_NS;
	size_t out = 0, in = 0;
	int fd[2];

	if (skipped)
		return;
	for (size_t i = 0; i < AMOUNT; i++)
		sent[i] = pattern(i);
	limit(1, receivers[_i].accepted);
	connect_stream(receivers[_i].family, fd);
	while (in < AMOUNT) {
		ssize_t share = send(fd[0], sent + out, AMOUNT - out, 0);

		if (share > 0)
			out += (size_t)share;
		turn();
		share = recv(fd[1], received + in, AMOUNT - in, 0);
		if (share > 0)
			in += (size_t)share;
		ck_assert_uint_lt(monotonic_ns(), deadline_ns);
	}

	ck_assert_mem_eq(sent, received, AMOUNT);
	for (unsigned i = 0; i < DROP_REASONS; i++)
		ck_assert_uint_eq(end[1].counters.dropped[i], 0);
	if (receivers[_i].whole)
		ck_assert_uint_lt(end[1].counters.frames_received, AMOUNT / 4000);
	else
		ck_assert_uint_gt(end[1].counters.frames_segmented, 0);
	if (!receivers[_i].accepted)
		ck_assert_uint_gt(end[1].counters.checksums_completed, 0);
	close(fd[0]);
	close(fd[1]);
}

START_TEST(datagrams_sent_as_one_arrive_one_by_one)
{
	static uint8_t sent[10000], received[2000];
	struct sockaddr_storage address = address_of(1, receivers[_i].family, 5001);
	uint64_t deadline_ns = monotonic_ns() + TIMEOUT_NS;
	const int size = 1001;
	int fd[2];

	if (skipped)
		return;
	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = pattern(i);
	limit(1, receivers[_i].accepted);
	fd[1] = socket_at(1, receivers[_i].family, SOCK_DGRAM);
	bind_at(fd[1], 1, receivers[_i].family);
	fd[0] = socket_at(0, receivers[_i].family, SOCK_DGRAM);
	ck_assert_int_eq(setsockopt(fd[0], IPPROTO_UDP, UDP_SEGMENT_OPTION, &size, sizeof(size)),
		0);
	ck_assert_int_eq(sendto(fd[0], sent, sizeof(sent), 0, (struct sockaddr *)&address,
				 sizeof(address)),
		sizeof(sent));
	for (size_t in = 0; in < sizeof(sent);) {
		ssize_t share = recv(fd[1], received, sizeof(received), 0);

		turn();
		ck_assert_uint_lt(monotonic_ns(), deadline_ns);
		if (share < 0)
			continue;
		ck_assert_uint_eq((size_t)share,
			in + (size_t)size > sizeof(sent) ? sizeof(sent) - in : (size_t)size);
		ck_assert_mem_eq(received, sent + in, (size_t)share);
		in += (size_t)share;
	}
	close(fd[0]);
	close(fd[1]);
}

START_TEST(its_owner_hears_of_it_once_and_is_woken_by_what_comes)
{
	struct sockaddr_storage address = address_of(1, AF_INET, 5001);
	struct port *port = wire ? wire->port[0] : NULL;
	int fd;

	if (skipped)
		return;
	for (unsigned i = 0; i < 10; i++)
		turn();
	ck_assert_uint_eq(end[0].changed, 1);
	while (port->ops->arm(port, true, false))
		turn();
	end[0].woken = 0;

	fd = socket_at(0, AF_INET, SOCK_DGRAM);
	sendto(fd, "x", 1, 0, (struct sockaddr *)&address, sizeof(address));
	event_base_loop(base, EVLOOP_ONCE);

	ck_assert_uint_ge(end[0].woken, 1);
	close(fd);
}

static struct frame make(struct fake_packet *packet, struct iovec *iov)
{
	const struct fake_packet_form form = { .version = 4,
		.protocol = IPPROTO_UDP,
		.payload = 10 };

	fake_packet_build(packet, &form);
	*iov = (struct iovec){ packet->bytes, packet->length };
	return (struct frame){ .iov = iov, .count = 1, .length = packet->length, .plain = true };
}

START_TEST(an_interface_that_is_down_takes_nothing_until_it_is_up)
{
	static struct fake_packet packet;
	struct iovec iov;
	struct frame frame = make(&packet, &iov);
	unsigned done = 0;

	if (skipped)
		return;
	turn();
	set_link(&end[1], false);
	turn();
	ck_assert_int_eq(wire_deliver(wire->port[1], &frame, &done), PORT_DROPPED);
	ck_assert_uint_ge(end[1].counters.dropped[DROP_LINK_DOWN], 1);
	set_link(&end[1], true);
	turn();
	ck_assert_int_eq(wire_deliver(wire->port[1], &frame, &done), PORT_DELIVERED);
	ck_assert_ptr_null(end[1].closed);
}

START_TEST(what_the_kernel_refuses_is_counted)
{
	static struct fake_packet packet;
	struct iovec iov;
	struct frame frame = make(&packet, &iov);

	if (skipped)
		return;
	frame.header.gso_type = 0x7f;
	ck_assert_int_eq(wire->port[1]->ops->deliver(wire->port[1], &frame), PORT_DROPPED);
	ck_assert_uint_eq(end[1].counters.dropped[DROP_MALFORMED], 1);
}

START_TEST(its_owner_hears_when_it_is_removed)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg message;
	} request = {
		.header = { .nlmsg_len = sizeof(request),
			.nlmsg_type = RTM_DELLINK,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
	};
	static struct fake_packet packet;
	struct iovec iov;
	struct frame frame = make(&packet, &iov);
	unsigned done = 0;
	int fd;

	if (skipped)
		return;
	turn();
	fd = socket_at(1, AF_NETLINK, SOCK_RAW);
	request.message.ifi_index = end[1].index;
	ck_assert_int_eq(send(fd, &request, sizeof(request), 0), sizeof(request));
	close(fd);
	turn();
	turn();
	turn();

	ck_assert_ptr_nonnull(end[1].closed);
	ck_assert_int_eq(wire_deliver(wire->port[1], &frame, &done), PORT_DROPPED);
	ck_assert(!wire->port[1]->sends);
}

START_TEST(no_other_descriptor_will_do)
{
	int fd;

	ck_assert_ptr_null(tap_port_create(base, open("/dev/null", O_RDWR), &owner));
	if (skipped)
		return;
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	fd = open_tap(IFF_TAP | IFF_NO_PI);
	ck_assert_int_ge(fd, 0);
	ck_assert_ptr_null(tap_port_create(base, fd, &owner));
	fd = open_tap(IFF_TUN | IFF_NO_PI | IFF_VNET_HDR);
	ck_assert_int_ge(fd, 0);
	ck_assert_ptr_null(tap_port_create(base, fd, &owner));
}

int main(void)
{
	Suite *suite = suite_create("tap_port");
	TCase *tcase = tcase_create("tap_port");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_loop_test(tcase, a_stream_arrives_intact, 0, RECEIVERS);
	tcase_add_loop_test(tcase, datagrams_sent_as_one_arrive_one_by_one, 0, RECEIVERS);
	tcase_add_test(tcase, its_owner_hears_of_it_once_and_is_woken_by_what_comes);
	tcase_add_test(tcase, an_interface_that_is_down_takes_nothing_until_it_is_up);
	tcase_add_test(tcase, what_the_kernel_refuses_is_counted);
	tcase_add_test(tcase, its_owner_hears_when_it_is_removed);
	tcase_add_test(tcase, no_other_descriptor_will_do);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
