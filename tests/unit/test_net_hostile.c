/* The network device before back-ends that hang, lie and talk nonsense. */
#include "net_fixture.h"

#include <sys/eventfd.h>

START_TEST(a_reset_does_not_wait_for_ever_for_a_back_end_that_hangs)
{
	bring_up(0);
	wait_for(carrier);
	SET_BACKEND(asleep, true);
	reset_device();

	SET_BACKEND(asleep, false);
	fake_driver_bring_up(&driver, 0);
	wait_for(carrier);
	ck_assert_uint_ge(BACKEND(connections), 2);
	fake_driver_stop(&driver);
}

START_TEST(a_guest_starts_though_its_back_end_hangs)
{
	SET_BACKEND(asleep, true);
	bring_up(0);
	ck_assert(!carrier());
	SET_BACKEND(asleep, false);
	wait_for(carrier);
	fake_driver_stop(&driver);
}

/* What the spoilers below spoil; 0: nothing. */
static uint32_t spoiled_request;
static bool spoiled;

static bool withhold(struct fake_backend *fake, struct vhost_user_message *answer)
{
	(void)fake;
	if (answer->header.request != spoiled_request)
		return true;
	spoiled = true;
	return false;
}

static void start_unspoiled(void)
{
	start();
	options.introduction_ms = NET_INTRODUCTION_MS;
	options.grace_ms = 1;
	spoiled = false;
}

static bool is_spoiled(void)
{
	bool so;

	fake_backend_lock(&backend);
	so = spoiled;
	fake_backend_unlock(&backend);
	return so;
}

static const uint32_t moments[] = { VHOST_USER_SET_FEATURES, VHOST_USER_SET_MEM_TABLE,
	VHOST_USER_SET_VRING_NUM, VHOST_USER_SET_VRING_ADDR, VHOST_USER_SET_VRING_CALL };

/* The answer that the first driver's handshake waited for comes while the second one runs. */
START_TEST(a_reset_in_the_middle_of_starting_starts_all_over)
{
	struct vhost_user_message late = {
		.header = { moments[_i], VHOST_USER_VERSION | VHOST_USER_REPLY, sizeof(uint64_t) },
	};

	spoiled_request = moments[_i];
	SET_BACKEND(spoil, withhold);
	bring_up(0);
	while (!is_spoiled())
		event_base_loop(driver.base, EVLOOP_NONBLOCK);
	reset_device();
	fake_driver_bring_up(&driver, BIT(VIRTIO_NET_F_GUEST_TSO4));
	fake_backend_lock(&backend);
	backend.spoil = NULL;
	vhost_send(backend.fd, &late, NULL, 0);
	fake_backend_unlock(&backend);
	wait_for(carrier);

	ck_assert_uint_eq(BACKEND(connections), 1);
	ck_assert(!(BACKEND(accepted) & BIT(VIRTIO_NET_F_GUEST_TSO4)));
	send_frame(1);
	wait_for_frame(1);
	fake_driver_stop(&driver);
}

/* Below, each takes one answer for another thing than the truth; the front-end must hang up. */
static bool other_request(struct fake_backend *fake, struct vhost_user_message *answer)
{
	(void)fake;
	answer->header.request++;
	return true;
}

static bool no_reply_flag(struct fake_backend *fake, struct vhost_user_message *answer)
{
	(void)fake;
	answer->header.flags &= ~VHOST_USER_REPLY;
	return true;
}

static bool other_version(struct fake_backend *fake, struct vhost_user_message *answer)
{
	(void)fake;
	answer->header.flags ^= VHOST_USER_VERSION_MASK;
	return true;
}

static bool longer(struct fake_backend *fake, struct vhost_user_message *answer)
{
	(void)fake;
	answer->header.size += 8;
	return true;
}

static bool shorter(struct fake_backend *fake, struct vhost_user_message *answer)
{
	(void)fake;
	answer->header.size -= 4;
	return true;
}

static bool empty(struct fake_backend *fake, struct vhost_user_message *answer)
{
	(void)fake;
	answer->header.size = 0;
	return true;
}

static bool enormous(struct fake_backend *fake, struct vhost_user_message *answer)
{
	answer->header.size = 0x7fffffff;
	send(fake->fd, &answer->header, sizeof(answer->header), MSG_NOSIGNAL);
	return false;
}

static bool with_descriptors(struct fake_backend *fake, struct vhost_user_message *answer)
{
	vhost_send(fake->fd, answer, (int[]){ 0, 1, 2 }, 3);
	return false;
}

static bool twice(struct fake_backend *fake, struct vhost_user_message *answer)
{
	vhost_send(fake->fd, answer, NULL, 0);
	return true;
}

static bool half(struct fake_backend *fake, struct vhost_user_message *answer)
{
	send(fake->fd, &answer->header, 7, MSG_NOSIGNAL);
	shutdown(fake->fd, SHUT_RDWR);
	return false;
}

static bool closed(struct fake_backend *fake, struct vhost_user_message *answer)
{
	(void)answer;
	shutdown(fake->fd, SHUT_RDWR);
	return false;
}

static bool other_number(struct fake_backend *fake, struct vhost_user_message *answer)
{
	(void)fake;
	answer->payload.state.index ^= 1;
	return true;
}

static const struct {
	bool (*spoil)(struct fake_backend *backend, struct vhost_user_message *answer);
	uint32_t request;
} spoilers[] = {
	{ other_request, VHOST_USER_GET_FEATURES },
	{ no_reply_flag, VHOST_USER_GET_FEATURES },
	{ other_version, VHOST_USER_GET_FEATURES },
	{ longer, VHOST_USER_GET_FEATURES },
	{ shorter, VHOST_USER_GET_FEATURES },
	{ empty, VHOST_USER_GET_FEATURES },
	{ enormous, VHOST_USER_GET_FEATURES },
	{ with_descriptors, VHOST_USER_GET_FEATURES },
	{ half, VHOST_USER_GET_FEATURES },
	{ closed, VHOST_USER_GET_FEATURES },
	{ empty, VHOST_USER_GET_PROTOCOL_FEATURES },
	{ longer, VHOST_USER_GET_CONFIG },
	{ empty, VHOST_USER_GET_CONFIG },
	{ other_number, VHOST_USER_GET_CONFIG },
	{ other_request, VHOST_USER_SET_FEATURES },
	{ other_number, VHOST_USER_SET_FEATURES },
	{ twice, VHOST_USER_SET_STATUS },
	{ other_number, VHOST_USER_SET_MEM_TABLE },
	{ enormous, VHOST_USER_SET_MEM_TABLE },
	{ with_descriptors, VHOST_USER_SET_MEM_TABLE },
	{ closed, VHOST_USER_SET_MEM_TABLE },
	{ other_number, VHOST_USER_SET_VRING_NUM },
	{ other_number, VHOST_USER_SET_VRING_BASE },
	{ other_number, VHOST_USER_SET_VRING_ADDR },
	{ other_number, VHOST_USER_SET_VRING_CALL },
	{ other_number, VHOST_USER_SET_VRING_KICK },
	{ closed, VHOST_USER_SET_VRING_KICK },
	{ other_number, VHOST_USER_SET_VRING_ENABLE },
	{ other_number, VHOST_USER_SET_STATUS },
};

static int spoiler;

static bool spoil_once(struct fake_backend *fake, struct vhost_user_message *answer)
{
	if (spoiled || answer->header.request != spoilers[spoiler].request)
		return true;
	spoiled = true;
	return spoilers[spoiler].spoil(fake, answer);
}

START_TEST(an_answer_that_makes_no_sense_ends_the_connection_and_the_next_is_good)
{
	spoiler = _i;
	SET_BACKEND(spoil, spoil_once);
	bring_up(0);
	awaited_connections = 2;
	wait_for(connected_again);
	wait_for(carrier);

	ck_assert(is_spoiled());
	send_frame(1);
	wait_for_frame(1);
	fake_driver_stop(&driver);
}

static const struct {
	bool (*spoil)(struct fake_backend *backend, struct vhost_user_message *answer);
} stop_spoilers[] = { { other_request }, { other_number }, { longer }, { enormous }, { half },
	{ closed }, { with_descriptors } };

static bool spoil_stop(struct fake_backend *fake, struct vhost_user_message *answer)
{
	if (spoiled || answer->header.request != VHOST_USER_GET_VRING_BASE)
		return true;
	spoiled = true;
	return stop_spoilers[spoiler].spoil(fake, answer);
}

START_TEST(a_reset_survives_answers_that_make_no_sense)
{
	spoiler = _i;
	SET_BACKEND(spoil, spoil_stop);
	bring_up(0);
	wait_for(carrier);
	reset_device();
	ck_assert(is_spoiled());

	fake_driver_bring_up(&driver, 0);
	wait_for(carrier);
	ck_assert_uint_ge(BACKEND(connections), 2);
	fake_driver_stop(&driver);
}

static const struct vhost_user_header nonsense[] = {
	{ 0, VHOST_USER_VERSION, 0 },
	{ VHOST_USER_BACKEND_CONFIG_CHANGED, VHOST_USER_VERSION, 8 },
	{ VHOST_USER_BACKEND_CONFIG_CHANGED, VHOST_USER_VERSION | VHOST_USER_REPLY, 0 },
	{ VHOST_USER_BACKEND_CONFIG_CHANGED, 0, 0 },
	{ 77, VHOST_USER_VERSION | VHOST_USER_NEED_REPLY, 8 },
	{ 1, VHOST_USER_VERSION, UINT32_MAX },
};

START_TEST(a_back_end_that_asks_for_nonsense_loses_its_connection)
{
	struct vhost_user_message message = { .header = nonsense[_i] };

	bring_up(0);
	wait_for(carrier);
	awaited_connections = 2;
	fake_backend_lock(&backend);
	if (message.header.size > sizeof(message.payload))
		send(backend.channel_fd, &message.header, sizeof(message.header), 0);
	else
		vhost_send(backend.channel_fd, &message, NULL, 0);
	fake_backend_unlock(&backend);
	wait_for(connected_again);
	fake_driver_stop(&driver);
}

START_TEST(a_back_end_that_talks_unasked_loses_its_connection)
{
	bring_up(0);
	wait_for(carrier);
	awaited_connections = 2;
	fake_backend_lock(&backend);
	send(backend.fd, "x", 1, 0);
	fake_backend_unlock(&backend);
	wait_for(connected_again);
	fake_driver_stop(&driver);
}

/* Before it closes the connection, or without doing so. */
START_TEST(a_driver_that_the_back_end_complains_of_has_to_reset)
{
	bring_up(0);
	wait_for(carrier);
	fake_backend_lock(&backend);
	eventfd_write(backend.ring[TRANSMIT].error_fd, 1);
	fake_backend_unlock(&backend);
	if (_i)
		fake_backend_hang_up(&backend);
	while (!fake_driver_needs_reset(&driver))
		event_base_loop(driver.base, EVLOOP_ONCE);
	awaited_connections = 2;
	wait_for(connected_again);
	wait_for(no_carrier);
	ck_assert(!heard(VHOST_USER_SET_MEM_TABLE));

	reset_device();
	fake_driver_bring_up(&driver, 0);
	wait_for(carrier);
	ck_assert(!fake_driver_needs_reset(&driver));
	fake_driver_stop(&driver);
}

START_TEST(a_driver_is_not_blamed_for_the_one_before)
{
	bring_up(0);
	wait_for(carrier);
	fake_backend_lock(&backend);
	eventfd_write(backend.ring[TRANSMIT].error_fd, 1);
	fake_backend_unlock(&backend);
	reset_device(); /* before the main loop hears of it */
	awaited_connections = 2;
	fake_driver_bring_up(&driver, 0);
	wait_for(connected_again);
	wait_for(carrier);

	ck_assert(!fake_driver_needs_reset(&driver));
	ck_assert_ptr_null(driver.device->queue[0].broken);
	fake_driver_stop(&driver);
}

int main(void)
{
	Suite *suite = suite_create("net_hostile");
	TCase *tcase = tcase_create("net_hostile");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, start_unspoiled, stop);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase,
		an_answer_that_makes_no_sense_ends_the_connection_and_the_next_is_good, 0,
		ARRAY_SIZE(spoilers));
	tcase_add_loop_test(tcase, a_reset_survives_answers_that_make_no_sense, 0,
		ARRAY_SIZE(stop_spoilers));
	tcase_add_loop_test(tcase, a_back_end_that_asks_for_nonsense_loses_its_connection, 0,
		ARRAY_SIZE(nonsense));
	tcase_add_test(tcase, a_back_end_that_talks_unasked_loses_its_connection);
	tcase_add_test(tcase, a_reset_does_not_wait_for_ever_for_a_back_end_that_hangs);
	tcase_add_test(tcase, a_guest_starts_though_its_back_end_hangs);
	tcase_add_loop_test(tcase, a_reset_in_the_middle_of_starting_starts_all_over, 0,
		ARRAY_SIZE(moments));

	tcase_add_loop_test(tcase, a_driver_that_the_back_end_complains_of_has_to_reset, 0, 2);
	tcase_add_test(tcase, a_driver_is_not_blamed_for_the_one_before);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
