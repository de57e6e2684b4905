/* Who connects to a wire, and what becomes of it. */

#include "wires.h"
#include "wires_fixture.h"

START_TEST(a_front_end_is_handed_over_with_its_name_and_settings)
{
	union told told;
	char byte = 0;
	int fd, front = plug("guest1");

	told = expect(WIRE_PLUG, &fd);

	ck_assert_str_eq(told.port.name, "guest1");
	ck_assert_uint_eq(told.port.port, 0);
	ck_assert_uint_eq(told.port.settings.link, 1);
	ck_assert_uint_eq(told.port.settings.allowed[31], 0xff);
	ck_assert_int_eq(send(front, "x", 1, 0), 1);
	ck_assert_int_eq(recv(fd, &byte, 1, 0), 1);
	ck_assert_int_eq(byte, 'x');
	ck_assert(!is_closed(front));
	shutdown(fd, SHUT_RDWR);
	ck_assert(is_closed(front));
	close(fd);
	close(front);
}

START_TEST(who_says_no_name_is_called_by_its_command_and_number)
{
	char name[64];
	int first = plug(NULL), second = plug(NULL);

	snprintf(name, sizeof(name), "test_wires.%d", getpid());
	ck_assert_str_eq(take_plug().name, name);
	strcat(name, ".1");
	ck_assert_str_eq(take_plug().name, name);
	close(first);
	close(second);
}

static const char *const bad_names[] = { "", "-x", "..", "a b", "a\nb", "\xff",
	"aaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbbaaaa" };

START_TEST(a_name_that_is_none_is_refused)
{
	int fd = plug(bad_names[_i]);

	if (*bad_names[_i]) {
		ck_assert(is_closed(fd));
		ck_assert(log_has("refused: its name must"));
		hears_nothing();
	} else {
		take_plug(); /* as one that says none */
	}
	close(fd);
}

START_TEST(a_third_has_no_place_on_a_cable)
{
	int first = plug("guest1"), second = plug("guest2"), third = plug("guest3");

	ck_assert_uint_eq(take_plug().port, 0);
	ck_assert_uint_eq(take_plug().port, 1);
	hears_nothing();
	ck_assert(is_closed(third));
	ck_assert(log_has("port guest3: refused: both ends of the cable are taken"));
	close(first);
	close(second);
	close(third);
}

START_TEST(who_goes_makes_way)
{
	int first = plug("guest1"), second = plug("guest2"), third;
	struct wire_port port = take_plug();

	take_plug();
	say_all((struct wire_event){
		.type = WIRE_PORT_GONE,
		.port = port.port,
		.plug = port.plug,
		.text = "it hung up\033[2J",
	});
	third = plug("guest3");

	ck_assert(log_has("port guest1: gone: it hung up\\x1b[2J"));
	ck_assert_uint_eq(take_plug().port, port.port);
	ck_assert_ptr_null(wires_port_find(wire, "guest1"));
	close(first);
	close(second);
	close(third);
}

START_TEST(a_wire_that_is_not_open_refuses_strangers)
{
	int fd;

	begin_wire(WIRE_SWITCH, false);
	worker_gets_ready();
	fd = plug("guest1");

	ck_assert(is_closed(fd));
	ck_assert(log_has("refused: only the ports of muxd.toml"));
	close(fd);
}

START_TEST(the_same_name_again_is_refused_while_the_former_is_there)
{
	int first = plug("web.1"), others[5];
	struct wire_port before = take_plug();

	for (unsigned i = 0; i < ARRAY_SIZE(others); i++)
		others[i] = plug("web.1");

	for (unsigned i = 0; i < ARRAY_SIZE(others); i++) {
		ck_assert(is_closed(others[i]));
		close(others[i]);
	}
	hears_nothing();
	ck_assert(!is_closed(first));
	ck_assert_uint_eq(wires_port_find(wire, "web.1")->plug, before.plug);
	ck_assert_uint_eq(log_count("port web.1: refused: somebody is plugged in"), 1);
	close(first);
}

START_TEST(the_same_name_again_takes_the_place_of_who_is_gone)
{
	int first = plug("guest1"), second;
	struct wire_port before = take_plug(), after;

	close(first); /* which the worker has not seen yet */
	second = plug("guest1");
	after = take_plug();
	say_all((struct wire_event){
		.type = WIRE_PORT_GONE,
		.port = before.port,
		.plug = before.plug,
	});

	ck_assert_uint_eq(after.port, before.port);
	ck_assert_uint_ne(after.plug, before.plug);
	ck_assert_uint_eq(wires_port_find(wire, "guest1")->plug, after.plug);
	ck_assert(!is_closed(second));
	close(second);
}

START_TEST(whom_the_worker_hung_up_on_may_come_again_at_once)
{
	int first = plug("guest1"), theirs, second;

	expect(WIRE_PLUG, &theirs);
	ck_assert_int_eq(shutdown(theirs, SHUT_RDWR), 0);
	close(theirs);
	ck_assert(is_closed(first));
	second = plug("guest1");

	ck_assert_str_eq(take_plug().name, "guest1");
	ck_assert(!is_closed(second));
	close(first);
	close(second);
}

START_TEST(who_loses_its_worker_loses_its_connection)
{
	int first = plug("guest1");

	take_plug();
	ck_assert(!is_closed(first));
	worker_dies();
	UNTIL(starts == 2);
	ck_assert(is_closed(first));
	close(first);
}

START_TEST(lines_come_at_a_limited_rate)
{
	for (int i = 0; i < 1000; i++)
		wires_say(wire, "line %d", i);

	ck_assert(log_has("line 19\r\n"));
	ck_assert(!log_has("line 20\r\n"));
}

START_TEST(counters_begin_with_the_port)
{
	struct port_counters *counters = mmap(NULL, WIRE_PORTS_MAX * sizeof(*counters),
		PROT_READ | PROT_WRITE, MAP_SHARED, wire->counters_fd, 0);
	struct port_counters seen;
	struct mux_port *port;

	ck_assert_ptr_ne(counters, MAP_FAILED);
	counters[0].frames_sent = 7;
	port = wires_port_create(wire, "guest1");
	counters[0].frames_sent = 10;
	counters[0].dropped[DROP_VLAN] = 2;
	wires_port_counters(port, &seen);

	ck_assert_uint_eq(seen.frames_sent, 3);
	ck_assert_uint_eq(seen.dropped[DROP_VLAN], 2);
	munmap(counters, WIRE_PORTS_MAX * sizeof(*counters));
}

int main(void)
{
	Suite *suite = suite_create("wires");
	TCase *alone = tcase_create("before there is one");
	TCase *cable = tcase_create("cable");
	TCase *any = tcase_create("switch");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(alone, begin, end);
	tcase_add_test(alone, a_wire_that_is_not_open_refuses_strangers);
	suite_add_tcase(suite, alone);
	tcase_add_checked_fixture(cable, begin_cable, end);
	tcase_add_test(cable, a_third_has_no_place_on_a_cable);
	tcase_add_test(cable, who_goes_makes_way);
	suite_add_tcase(suite, cable);
	tcase_add_checked_fixture(any, begin_switch, end);
	tcase_add_test(any, a_front_end_is_handed_over_with_its_name_and_settings);
	tcase_add_test(any, who_says_no_name_is_called_by_its_command_and_number);
	tcase_add_loop_test(any, a_name_that_is_none_is_refused, 0, ARRAY_SIZE(bad_names));
	tcase_add_test(any, the_same_name_again_is_refused_while_the_former_is_there);
	tcase_add_test(any, the_same_name_again_takes_the_place_of_who_is_gone);
	tcase_add_test(any, whom_the_worker_hung_up_on_may_come_again_at_once);
	tcase_add_test(any, who_loses_its_worker_loses_its_connection);
	tcase_add_test(any, lines_come_at_a_limited_rate);
	tcase_add_test(any, counters_begin_with_the_port);
	suite_add_tcase(suite, any);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
