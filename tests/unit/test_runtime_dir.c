/* Where the sockets are. */

#include "runtime_dir.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/test_runtime_dir.XXXXXX";
static struct runtime_dir dir;

static void start(void)
{
	unsetenv("MUXD_RUNTIME_DIR");
	unsetenv("RUNTIME_DIRECTORY");
	setenv("XDG_RUNTIME_DIR", "/run/user/1000", 1);
	ck_assert_ptr_nonnull(mkdtemp(directory));
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *place)
{
	(void)status;
	(void)type;
	(void)place;
	return remove(path);
}

static void stop(void)
{
	ck_assert_int_eq(nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

START_TEST(without_a_word_it_is_the_systems_or_the_users)
{
	ck_assert_int_eq(runtime_dir_find(&dir, NULL), 0);

	ck_assert_str_eq(dir.mux, geteuid() ? "/run/user/1000/muxd" : "/run/muxd");
	ck_assert_str_eq(dir.vmm, geteuid() ? "/run/user/1000/vmm" : "/run/vmm");
}

START_TEST(an_ordinary_user_has_it_below_theirs)
{
	uid_t before = geteuid();

	if (!before)
		ck_assert(!seteuid(65534));

	ck_assert_int_eq(runtime_dir_find(&dir, NULL), 0);
	ck_assert_str_eq(dir.mux, "/run/user/1000/muxd");
	ck_assert_str_eq(dir.vmm, "/run/user/1000/vmm");

	unsetenv("XDG_RUNTIME_DIR");
	ck_assert_int_eq(runtime_dir_find(&dir, NULL), -ENOENT);
	ck_assert(!seteuid(before));
}

START_TEST(an_override_holds_both)
{
	setenv("MUXD_RUNTIME_DIR", "/elsewhere", 1);
	setenv("RUNTIME_DIRECTORY", "/run/muxd", 1);

	ck_assert_int_eq(runtime_dir_find(&dir, "/mine"), 0);
	ck_assert_str_eq(dir.mux, "/mine");
	ck_assert_str_eq(dir.vmm, "/mine/vmm");

	ck_assert_int_eq(runtime_dir_find(&dir, NULL), 0);
	ck_assert_str_eq(dir.mux, "/elsewhere");
	ck_assert_str_eq(dir.vmm, "/elsewhere/vmm");
}

static const struct {
	const char *variable;
	const char *mux; /* NULL: as without */
	const char *vmm;
} systemd[] = {
	{ "/run/consoles/muxd", "/run/consoles/muxd", NULL },
	{ "/run/a:/run/b/vmm:/run/c/muxd", "/run/c/muxd", "/run/b/vmm" },
	{ "/run/notmuxd:/run/muxd2:muxd:", NULL, NULL },
	{ "", NULL, NULL },
	{ "::", NULL, NULL },
};

START_TEST(systemd_may_say_where)
{
	static struct runtime_dir without;

	ck_assert_int_eq(runtime_dir_find(&without, NULL), 0);
	setenv("RUNTIME_DIRECTORY", systemd[_i].variable, 1);

	ck_assert_int_eq(runtime_dir_find(&dir, NULL), 0);
	ck_assert_str_eq(dir.mux, systemd[_i].mux ? systemd[_i].mux : without.mux);
	ck_assert_str_eq(dir.vmm, systemd[_i].vmm ? systemd[_i].vmm : without.vmm);
}

START_TEST(refuses_a_path_that_does_not_fit)
{
	static char path[PATH_MAX];

	memset(path, 'x', sizeof(path) - 1);

	ck_assert_int_eq(runtime_dir_find(&dir, path), -ENAMETOOLONG);
	path[PATH_MAX - 3] = '\0';
	ck_assert_int_eq(runtime_dir_find(&dir, path), -ENAMETOOLONG); /* its vmm does not */
}

START_TEST(creates_what_is_missing)
{
	char path[80];
	struct stat status;

	umask(0);
	snprintf(path, sizeof(path), "%s/a/b/c", directory);

	ck_assert_int_eq(runtime_dir_create(path, 0710), 0);
	ck_assert_int_eq(runtime_dir_create(path, 0710), 0);

	ck_assert(!stat(path, &status));
	ck_assert_uint_eq(status.st_mode & 07777, 0710);
	*strrchr(path, '/') = '\0';
	ck_assert(!stat(path, &status));
	ck_assert_uint_eq(status.st_mode & 07777, 0755);
}

START_TEST(the_mode_does_not_depend_on_the_umask)
{
	char path[80];
	struct stat status;

	snprintf(path, sizeof(path), "%s/a", directory);
	umask(0777);
	ck_assert_int_eq(runtime_dir_create(path, 0750), 0);
	umask(022);

	ck_assert(!stat(path, &status));
	ck_assert_uint_eq(status.st_mode & 07777, 0750);
}

START_TEST(says_why_it_cannot_create)
{
	char path[80];

	snprintf(path, sizeof(path), "%s/file", directory);
	close(open(path, O_CREAT | O_RDWR, 0600));

	ck_assert_int_eq(runtime_dir_create(path, 0755), -ENOTDIR);
	strcat(path, "/below");
	ck_assert_int_eq(runtime_dir_create(path, 0755), -ENOTDIR);
	ck_assert_int_eq(runtime_dir_create("", 0755), -ENOENT);
}

int main(void)
{
	Suite *suite = suite_create("runtime_dir");
	TCase *tcase = tcase_create("runtime_dir");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, without_a_word_it_is_the_systems_or_the_users);
	tcase_add_test(tcase, an_ordinary_user_has_it_below_theirs);
	tcase_add_test(tcase, an_override_holds_both);
	tcase_add_loop_test(tcase, systemd_may_say_where, 0, sizeof(systemd) / sizeof(systemd[0]));
	tcase_add_test(tcase, refuses_a_path_that_does_not_fit);
	tcase_add_test(tcase, creates_what_is_missing);
	tcase_add_test(tcase, the_mode_does_not_depend_on_the_umask);
	tcase_add_test(tcase, says_why_it_cannot_create);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
