/* The worker of a wire as the main process treats it: told, restarted, not trusted. */

#include "wires_fixture.h"

#include <cap-ng.h>
#include <sys/resource.h>

START_TEST(a_worker_is_told_what_its_wire_is_before_anything_else)
{
	struct port_counters *counters;
	union told told;
	int fd;

	begin_wire(WIRE_SWITCH, true);
	close(plug("guest1"));
	told = expect(WIRE_SETUP, &fd);

	ck_assert_str_eq(told.setup.name, "lan");
	ck_assert_uint_eq(told.setup.kind, WIRE_SWITCH);
	ck_assert_uint_eq(told.setup.poll_ns, 50000);
	hears_nothing();
	counters = mmap(NULL, WIRE_PORTS_MAX * sizeof(*counters), PROT_READ | PROT_WRITE,
		MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(counters, MAP_FAILED);
	ck_assert_int_ne(ftruncate(fd, 0), 0);
	munmap(counters, WIRE_PORTS_MAX * sizeof(*counters));
	close(fd);
	say(WIRE_READY);
	ck_assert_str_eq(take_plug().name, "guest1");
}

START_TEST(a_worker_that_dies_is_replaced_at_once_and_told_everything)
{
	int first = plug("guest1"), second;
	struct wire_port port = take_plug();

	say_all((struct wire_event){
		.type = WIRE_PORT_STATE,
		.port = port.port,
		.plug = port.plug,
		.flags = PORT_FLAG_CONNECTED,
	});
	wire->port[0]->settings.link = 0;
	wires_port_changed(wire->port[0]);
	expect_without(WIRE_SET);
	worker_dies();
	UNTIL(starts == 2);
	worker_gets_ready();
	ck_assert_uint_eq(wire->port[0]->plug, 0);
	second = plug("guest1");
	port = take_plug();

	ck_assert_uint_eq(port.port, 0);
	ck_assert_uint_eq(port.settings.link, 0);
	ck_assert(log_has("port guest1: connected"));
	ck_assert(log_has("the worker has died"));
	ck_assert(log_has("a new worker has taken over"));
	close(first);
	close(second);
}

START_TEST(who_comes_while_there_is_no_worker_waits_for_the_next)
{
	int fd;

	fails_to_start = true;
	worker_dies();
	UNTIL(starts == 2);
	fd = plug("guest1");
	fails_to_start = false;
	UNTIL(starts == 3);
	worker_gets_ready();

	ck_assert_str_eq(take_plug().name, "guest1");
	ck_assert(log_has("its worker cannot be started"));
	close(fd);
}

START_TEST(the_place_of_who_lost_it_with_the_worker_is_held)
{
	int first = plug("guest1"), second = plug("guest2"), third;

	take_plug();
	take_plug();
	worker_dies();
	UNTIL(starts == 2);
	worker_gets_ready();
	third = plug("guest3");

	ck_assert(is_closed(third));
	close(first);
	close(second);
	close(third);
}

/* More than a process may have under way. The end of it. */
static int put_descriptors_under_way(void)
{
	int fds[200], pair[2];
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(fds))];
	} ancillary = { .bytes = { 0 } };
	char byte = 'x';
	struct msghdr message = {
		.msg_iov = &(struct iovec){ &byte, 1 },
		.msg_iovlen = 1,
		.msg_control = ancillary.bytes,
		.msg_controllen = sizeof(ancillary.bytes),
	};
	struct rlimit limit;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = STDIN_FILENO;
	ancillary.header.cmsg_level = SOL_SOCKET;
	ancillary.header.cmsg_type = SCM_RIGHTS;
	ancillary.header.cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(&ancillary.header), fds, sizeof(fds));
	ck_assert_int_eq(sendmsg(pair[0], &message, 0), 1);
	close(pair[0]);
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = 100;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	capng_clear(CAPNG_SELECT_CAPS); /* those with some are not limited */
	ck_assert_int_eq(capng_apply(CAPNG_SELECT_CAPS), 0);
	return pair[1];
}

START_TEST(where_too_many_descriptors_are_under_way_the_loop_rests)
{
	int first, under_way = put_descriptors_under_way();

	first = plug("guest1");
	hears_nothing();
	ck_assert(!event_pending(&wire->writable, EV_WRITE, NULL));
	ck_assert_int_ge(wire->control, 0);

	close(under_way);
	ck_assert_str_eq(take_plug().name, "guest1");
	close(first);
}

static const struct wire_event nonsense[] = {
	{ .type = 0 },
	{ .type = WIRE_PLUG },
	{ .type = WIRE_NOTE + 1 },
	{ .type = UINT32_MAX },
};

START_TEST(a_worker_that_talks_nonsense_is_replaced)
{
	say_all(nonsense[_i]);
	worker_dies(); /* a real one is killed */
	UNTIL(starts == 2);

	ck_assert(log_has("what it says makes no sense"));
}

START_TEST(a_worker_whose_message_is_too_short_is_replaced)
{
	ck_assert_int_eq(send(worker, "abc", 3, 0), 3);
	turns();
	worker_dies();
	UNTIL(starts == 2);

	ck_assert(log_has("what it says makes no sense"));
}

START_TEST(news_of_ports_that_are_not_there_change_nothing)
{
	static const uint32_t ports[] = { 0, 1, 2, 255, 256, UINT32_MAX };

	for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
		say_all((struct wire_event){ .type = WIRE_PORT_STATE, .port = ports[i] });
		say_all((struct wire_event){ .type = WIRE_PORT_GONE, .port = ports[i], .plug = 1 });
	}
	hears_nothing();
	ck_assert_uint_eq(starts, 1);
}

START_TEST(a_worker_that_does_not_listen_holds_up_nobody_and_gets_the_newest)
{
	int fd = plug("guest1");
	union told told = { .type = 0 };

	take_plug();
	for (uint32_t i = 0; i < 5000; i++) {
		wire->port[0]->settings.delay_us = i;
		wires_port_changed(wire->port[0]);
	}
	while (told.port.settings.delay_us != 4999)
		told = expect_without(WIRE_SET);

	hears_nothing();
	close(fd);
}

START_TEST(no_descriptor_is_left_behind)
{
	unsigned before = open_descriptors();

	for (int i = 0; i < 50; i++) {
		int first, second;

		begin_wire(WIRE_CABLE, true);
		worker_gets_ready();
		first = plug("guest1");
		second = plug("guest2");
		take_plug();
		wires_remove(wire);
		worker_dies();
		turns();
		close(first);
		close(second);
	}
	ck_assert_uint_eq(open_descriptors(), before);
	ck_assert_int_ne(access(path, F_OK), 0);
}

int main(void)
{
	Suite *suite = suite_create("wires_worker");
	TCase *alone = tcase_create("before there is one");
	TCase *cable = tcase_create("cable");
	TCase *any = tcase_create("switch");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(alone, begin, end);
	tcase_add_test(alone, a_worker_is_told_what_its_wire_is_before_anything_else);
	tcase_add_test(alone, no_descriptor_is_left_behind);
	suite_add_tcase(suite, alone);
	tcase_add_checked_fixture(cable, begin_cable, end);
	tcase_add_test(cable, the_place_of_who_lost_it_with_the_worker_is_held);
	suite_add_tcase(suite, cable);
	tcase_add_checked_fixture(any, begin_switch, end);
	tcase_add_test(any, a_worker_that_dies_is_replaced_at_once_and_told_everything);
	tcase_add_test(any, who_comes_while_there_is_no_worker_waits_for_the_next);
	tcase_add_test(any, where_too_many_descriptors_are_under_way_the_loop_rests);
	tcase_add_loop_test(any, a_worker_that_talks_nonsense_is_replaced, 0, ARRAY_SIZE(nonsense));
	tcase_add_test(any, a_worker_whose_message_is_too_short_is_replaced);
	tcase_add_test(any, news_of_ports_that_are_not_there_change_nothing);
	tcase_add_test(any, a_worker_that_does_not_listen_holds_up_nobody_and_gets_the_newest);
	suite_add_tcase(suite, any);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
