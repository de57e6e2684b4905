/* What the worker of a wire cannot do any more, tried by children that end by it. */

#include "compiler.h"
#include "log.h"
#include "worker_sandbox.h"

#include <check.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SURVIVED 42

struct deed {
	const char *call; /* its name, where it is refused */
	void (*try)(void);
};

static void open_a_file(void)
{
	if (open("/dev/null", O_RDONLY) >= 0)
		_exit(SURVIVED);
}

static void make_a_socket(void)
{
	if (socket(AF_INET, SOCK_STREAM, 0) >= 0)
		_exit(SURVIVED);
}

static void run_a_program(void)
{
	execl("/bin/true", "true", (char *)NULL);
}

static void start_a_process(void)
{
	if (fork() >= 0)
		_exit(SURVIVED);
}

static void map_code(void)
{
	(void)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void map_data(void)
{
	char *bytes = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (bytes == MAP_FAILED)
		_exit(1);
	bytes[0] = 1;
	munmap(bytes, 4096);
}

/* As the C library does where the host's clock cannot be read without a call. */
static void ask_for_the_time(void)
{
	struct timespec now;
	struct timeval day;

	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
	syscall(SYS_gettimeofday, &day, NULL);
}

static const struct deed refused[] = {
	{ "openat", open_a_file },
	{ "socket", make_a_socket },
	{ "execve", run_a_program },
	{ "clone", start_a_process },
	{ "mmap", map_code },
};

/* A sealed process tries it; its exit status, what it says in text. */
static int try_sealed(void (*try)(void), char *text, size_t size)
{
	int said[2];
	int status = 0;
	ssize_t length;
	pid_t child;

	ck_assert_int_eq(pipe(said), 0);
	child = fork();
	if (child == 0) {
		dup2(said[1], STDERR_FILENO);
		log_init(LOG_INFO);
		if (worker_sandbox_seal())
			_exit(2);
		try();
		_exit(SURVIVED);
	}
	close(said[1]);
	length = read(said[0], text, size - 1);
	text[length < 0 ? 0 : length] = '\0';
	close(said[0]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

START_TEST(refuses_to_open_or_start_anything_and_says_what)
{
	const struct deed *deed = &refused[_i];
	char said[256];
	char name[64];

	snprintf(name, sizeof(name), "(%s)", deed->call);
	ck_assert_int_eq(try_sealed(deed->try, said, sizeof(said)), 1);
	ck_assert_msg(strstr(said, name), "%s: it said: %s", deed->call, said);
}

START_TEST(lets_memory_for_data_be_mapped)
{
	char said[256];

	ck_assert_int_eq(try_sealed(map_data, said, sizeof(said)), SURVIVED);
	ck_assert_str_eq(said, "");
}

START_TEST(lets_clocks_be_read_by_calls)
{
	char text[256];
	int status = try_sealed(ask_for_the_time, text, sizeof(text));

	ck_assert_msg(status == SURVIVED, "%s", text);
}

START_TEST(closes_what_came_along)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		int kept = dup(STDERR_FILENO);
		int dropped = fcntl(STDERR_FILENO, F_DUPFD, kept + 1);

		if (worker_sandbox_begin(kept))
			_exit(2);
		_exit(fcntl(kept, F_GETFD) >= 0 && fcntl(dropped, F_GETFD) < 0 ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}

int main(void)
{
	Suite *suite = suite_create("worker_sandbox");
	TCase *tcase = tcase_create("worker_sandbox");
	SRunner *runner = srunner_create(suite);
	bool filters = !SANITIZED; /* whether calls are refused in this build */
	int failed;

	if (filters)
		tcase_add_loop_test(tcase, refuses_to_open_or_start_anything_and_says_what, 0,
			ARRAY_SIZE(refused));
	tcase_add_test(tcase, lets_memory_for_data_be_mapped);
	tcase_add_test(tcase, lets_clocks_be_read_by_calls);
	tcase_add_test(tcase, closes_what_came_along);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
