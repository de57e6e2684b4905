/* Tests of the loop of a guest's process. */
#include "guest_events.h"

#include <check.h>
#include <event2/event.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TOO_LONG_S 20

static struct event_base *base;
static struct event *added;
static pthread_t thread;
static sem_t came;
static bool heard;

/* The first thread of this process, which runs the loop. */
static bool loop_sleeps(void)
{
	char stat[256] = "";
	int fd = open("/proc/self/stat", O_RDONLY);
	const char *name_end;

	ck_assert_int_gt(read(fd, stat, sizeof(stat) - 1), 0);
	close(fd);
	name_end = strrchr(stat, ')');
	return name_end && name_end[2] == 'S';
}

static void *vcpu_thread(void *argument)
{
	struct timespec limit;

	while (!loop_sleeps())
		sched_yield();
	event_add(added, &(struct timeval){ 0 });
	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += TOO_LONG_S;
	heard = sem_timedwait(&came, &limit) == 0;
	return argument;
}

static void start_thread(evutil_socket_t fd, short what, void *owner)
{
	(void)fd;
	(void)what;
	(void)owner;
	ck_assert_int_eq(pthread_create(&thread, NULL, vcpu_thread, NULL), 0);
}

static void visit(evutil_socket_t fd, short what, void *owner)
{
	(void)fd;
	(void)what;
	(void)owner;
	sem_post(&came);
	event_base_loopbreak(base);
}

START_TEST(a_waiting_loop_hears_of_what_a_vcpu_thread_adds)
{
	struct event *starter;

	sem_init(&came, 0, 0);
	base = guest_create_base();
	ck_assert_ptr_nonnull(base);
	added = event_new(base, -1, 0, visit, NULL);
	starter = event_new(base, -1, 0, start_thread, NULL);
	event_add(starter, &(struct timeval){ 0 });
	event_base_loopexit(base, &(struct timeval){ .tv_sec = 2L * TOO_LONG_S });

	event_base_dispatch(base);

	pthread_join(thread, NULL);
	ck_assert(heard);
	event_free(starter);
	event_free(added);
	event_base_free(base);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("guest_base");
	TCase *tcase = tcase_create("guest_base");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_set_timeout(tcase, 4 * TOO_LONG_S);
	tcase_add_test(tcase, a_waiting_loop_hears_of_what_a_vcpu_thread_adds);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
