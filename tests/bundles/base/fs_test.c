// SPDX-License-Identifier: Apache-2.0
#include "bundles/base/fs.h"
#include "tests/cmocka_all.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char folder[] = "/tmp/sealift-fs-test.XXXXXX";

static int enter_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) && chdir(folder) == 0 &&
			       system("mkdir -p in/sub && echo a > in/sub/a && echo out > out && "
				      "ln -s ../../out in/sub/link && ln -s sub in/dir && "
				      "mkfifo in/pipe && ln -s in linkdir") == 0
		       ? 0
		       : -1;
}

static int leave_folder(void **state)
{
	(void)state;
	char command[100];
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return chdir("/") == 0 && system(command) == 0 ? 0 : -1;
}

static enum sl_kind open_in(const char *path)
{
	struct sl_error err = {0};
	sl_auto_fd int dir = -1;
	sl_auto_fd int fd = -1;
	assert_true(sl_open_dir("in", &dir, &err));
	uint64_t size = 0;
	if (sl_open_beneath(dir, path, path, &fd, &size, &err))
		assert_int_equal(size, 2);
	return err.kind;
}

static void beneath_opens_plain_files(void **state)
{
	(void)state;
	assert_int_equal(open_in("sub/a"), SL_E_NONE);
	assert_int_equal(open_in("sub/b"), SL_E_IO);
}

static void t01_dotdot_is_refused(void **state)
{
	(void)state;
	assert_int_equal(open_in("../out"), SL_E_INPUT);
	assert_int_equal(open_in("sub/../sub/a"), SL_E_INPUT);
	assert_int_equal(open_in("sub//a"), SL_E_INPUT);
	assert_int_equal(open_in("./sub/a"), SL_E_INPUT);
	assert_int_equal(open_in("sub/a/"), SL_E_INPUT);
	assert_int_equal(open_in(""), SL_E_INPUT);
}

static void t02_absolute_names_are_refused(void **state)
{
	(void)state;
	assert_int_equal(open_in("/etc/hostname"), SL_E_INPUT);
	assert_false(sl_path_is_plain("a\\b"));
	assert_false(sl_path_is_plain("a\nb"));
}

static void t03_links_are_not_followed(void **state)
{
	(void)state;
	assert_int_equal(open_in("sub/link"), SL_E_INPUT);
	assert_int_equal(open_in("dir/a"), SL_E_INPUT);
}

static void t11_only_regular_files_are_inputs(void **state)
{
	(void)state;
	assert_int_equal(open_in("pipe"), SL_E_INPUT);
	assert_int_equal(open_in("sub"), SL_E_INPUT);
	struct sl_error err = {0};
	int fd = -1;
	assert_false(sl_open_input("/dev/zero", &fd, NULL, &err));
	assert_int_equal(err.kind, SL_E_IO);
	sl_error_clear(&err);
	assert_false(sl_open_input("in/pipe", &fd, NULL, &err)); // and does not wait for a writer
	assert_int_equal(err.kind, SL_E_IO);
}

static void reading_obeys_the_ceiling(void **state)
{
	(void)state;
	struct sl_error err = {0};
	sl_auto_buf struct sl_buf buf;
	sl_buf_init(&buf, 3);
	assert_false(sl_read_file("out", &buf, &err));
	assert_int_equal(err.kind, SL_E_LIMIT);
}

static void listing_is_sorted_and_limited(void **state)
{
	(void)state;
	struct sl_error err = {0};
	sl_auto_fd int dir = -1;
	struct sl_strings names;
	assert_true(sl_open_dir("in", &dir, &err));
	assert_true(sl_list_dir(dir, "in", 3, &names, &err));
	assert_int_equal(names.len, 3);
	assert_string_equal(names.items[0], "dir");
	assert_string_equal(names.items[1], "pipe");
	assert_string_equal(names.items[2], "sub");
	sl_strings_release(&names);
	assert_false(sl_list_dir(dir, "in", 2, &names, &err));
	assert_int_equal(err.kind, SL_E_LIMIT);
}

static void a_short_file_is_a_format_error(void **state)
{
	(void)state;
	struct sl_error err = {0};
	sl_auto_fd int fd = -1;
	char data[10];
	assert_true(sl_open_input("out", &fd, NULL, &err));
	assert_false(sl_pread_all(fd, data, sizeof data, 0, "out", &err));
	assert_int_equal(err.kind, SL_E_FORMAT);
	assert_non_null(strstr(err.text, "ends at byte 4"));
}

static void places_come_from_the_environment(void **state)
{
	(void)state;
	struct sl_error err = {0};
	sl_auto_free char *a = NULL, *b = NULL, *c = NULL;
	setenv("SEALIFT_HOME", "/h", 1);
	assert_true(sl_place(SL_PLACE_STATE, &a, &err));
	assert_string_equal(a, "/h/state");
	unsetenv("SEALIFT_HOME");
	setenv("XDG_DATA_HOME", "/x", 1);
	assert_true(sl_place(SL_PLACE_DATA, &b, &err));
	assert_string_equal(b, "/x/sealift");
	unsetenv("XDG_CONFIG_HOME");
	setenv("HOME", "/home/x", 1);
	assert_true(sl_place(SL_PLACE_CONFIG, &c, &err));
	assert_string_equal(c, "/home/x/.config/sealift");
	setenv("SEALIFT_HOME", "relative", 1);
	char *d = NULL;
	assert_false(sl_place(SL_PLACE_DATA, &d, &err));
	unsetenv("SEALIFT_HOME");
}

static void folders_get_their_mode_whatever_the_umask(void **state)
{
	(void)state;
	struct sl_error err = {0};
	mode_t old = umask(0);
	assert_true(sl_make_dirs("new/deep/er", 0700, &err));
	umask(old);
	struct stat st;
	assert_int_equal(stat("new/deep", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_true(sl_make_dirs("new/deep/er", 0700, &err));
	assert_false(sl_make_dirs("out/x", 0700, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(beneath_opens_plain_files),
		cmocka_unit_test(t01_dotdot_is_refused),
		cmocka_unit_test(t02_absolute_names_are_refused),
		cmocka_unit_test(t03_links_are_not_followed),
		cmocka_unit_test(t11_only_regular_files_are_inputs),
		cmocka_unit_test(reading_obeys_the_ceiling),
		cmocka_unit_test(listing_is_sorted_and_limited),
		cmocka_unit_test(a_short_file_is_a_format_error),
		cmocka_unit_test(places_come_from_the_environment),
		cmocka_unit_test(folders_get_their_mode_whatever_the_umask),
	};
	return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
