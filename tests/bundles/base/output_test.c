// SPDX-License-Identifier: Apache-2.0
// Outputs appear whole or not at all. Runs in a folder of its own.
#include "bundles/base/fs.h"
#include "bundles/base/output.h"
#include "tests/cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// A file system without hard links, such as a memory stick's, where `no_links`.
static bool no_links;

int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
	if (!no_links)
		return (int)syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
	errno = EPERM;
	return -1;
}

static char folder[] = "/tmp/sealift-output-test.XXXXXX";

static int enter_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int leave_folder(void **state)
{
	(void)state;
	char command[100];
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return chdir("/") == 0 && system(command) == 0 ? 0 : -1;
}

static void put(const char *path, const char *text)
{
	struct sl_error err = {0};
	assert_true(sl_store_file(path, text, strlen(text), 0644, SL_OUTPUT_REPLACE, &err));
}

static void expect(const char *path, const char *text)
{
	sl_auto_buf struct sl_buf buf;
	sl_buf_init(&buf, 1 << 20);
	struct sl_error err = {0};
	assert_true(sl_read_file(path, &buf, &err));
	assert_string_equal(buf.data, text);
}

static size_t entries(void)
{
	struct sl_strings names;
	struct sl_error err = {0};
	sl_auto_fd int fd = -1;
	assert_true(sl_open_dir(".", &fd, &err));
	assert_true(sl_list_dir(fd, ".", 1000, &names, &err));
	size_t count = names.len;
	sl_strings_release(&names);
	return count;
}

static void commit_replaces_with_the_exact_mode(void **state)
{
	(void)state;
	mode_t old = umask(0077);
	put("a", "old");
	put("a", "new");
	umask(old);
	expect("a", "new");
	struct stat st;
	assert_int_equal(stat("a", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(entries(), 1);
	unlink("a");
}

static void t72_discard_leaves_the_old_file(void **state)
{
	(void)state;
	put("a", "old");
	{
		sl_auto_output struct sl_output out = {0};
		struct sl_error err = {0};
		assert_true(sl_output_open(&out, "a", 0644, SL_OUTPUT_REPLACE, &err));
		sl_output_write(&out, "half", 4);
		assert_int_equal(entries(), 1); // not even a temporary name
	}
	expect("a", "old");
	{
		sl_auto_output struct sl_output out = {0};
		struct sl_error err = {0};
		assert_true(sl_output_open(&out, "a", 0644, SL_OUTPUT_REPLACE | SL_OUTPUT_NO_SYNC,
					   &err));
		sl_output_write(&out, "half", 4);
		assert_int_equal(entries(), 2);
	}
	expect("a", "old");
	assert_int_equal(entries(), 1);
	unlink("a");
}

static void t72_a_writer_that_is_interrupted_leaves_nothing(void **state)
{
	(void)state;
	size_t before = entries();
	pid_t child = fork();
	if (child == 0) {
		struct sl_error err = {0};
		struct sl_output out;
		if (!sl_output_open(&out, "big", 0644, SL_OUTPUT_REPLACE, &err))
			_exit(1);
		sl_output_write(&out, "half", 4);
		raise(SIGKILL);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(entries(), before);
}

static void new_never_replaces(void **state)
{
	(void)state;
	put("key", "precious");
	struct sl_error err = {0};
	assert_false(sl_store_file("key", "x", 1, 0600, SL_OUTPUT_NEW, &err));
	assert_int_equal(err.kind, SL_E_IO);
	assert_non_null(strstr(err.text, "'key': it exists already"));
	expect("key", "precious");
	unlink("key");
	// … and not either when the name is taken while the bytes are written.
	sl_auto_output struct sl_output out = {0};
	sl_error_clear(&err);
	assert_true(sl_output_open(&out, "key", 0600, SL_OUTPUT_NEW, &err));
	put("key", "precious");
	assert_false(sl_output_commit(&out, &err));
	expect("key", "precious");
	assert_int_equal(entries(), 1);
	unlink("key");
}

static void new_files_need_no_hard_links(void **state)
{
	(void)state;
	struct sl_error err = {0};
	struct sl_output out;
	size_t before = entries();
	no_links = true;
	assert_true(sl_store_file("stick", "a", 1, 0644, SL_OUTPUT_NEW | SL_OUTPUT_NO_SYNC, &err));
	expect("stick", "a");
	assert_true(sl_output_open(&out, "late", 0644, SL_OUTPUT_NEW | SL_OUTPUT_NO_SYNC, &err));
	no_links = false;
	put("late", "somebody else's");
	no_links = true;
	assert_false(sl_output_commit(&out, &err));
	assert_non_null(strstr(err.text, "File exists"));
	expect("late", "somebody else's");
	no_links = false;
	assert_int_equal(unlink("stick") + unlink("late"), 0);
	assert_int_equal(entries(), before);
}

static void odd_targets_are_refused_at_once(void **state)
{
	(void)state;
	struct sl_error err = {0};
	sl_auto_output struct sl_output out = {0};
	assert_int_equal(mkdir("d", 0700), 0);
	assert_false(sl_output_open(&out, "d", 0644, SL_OUTPUT_REPLACE, &err));
	sl_error_clear(&err);
	assert_false(sl_output_open(&out, "d/", 0644, SL_OUTPUT_REPLACE, &err));
	assert_int_equal(err.kind, SL_E_USAGE);
	sl_error_clear(&err);
	assert_false(sl_output_open(&out, "missing/a", 0644, SL_OUTPUT_REPLACE, &err));
	assert_int_equal(err.kind, SL_E_IO);
	assert_int_equal(symlink("/etc/hostname", "link"), 0);
	sl_error_clear(&err);
	assert_false(sl_output_open(&out, "link", 0644, SL_OUTPUT_REPLACE, &err));
	assert_int_equal(entries(), 2);
	unlink("link");
	rmdir("d");
}

// A write that fails in the middle (here: past the file size limit) is reported by commit.
static void t74_a_failed_write_sticks(void **state)
{
	(void)state;
	put("a", "old");
	pid_t child = fork();
	if (child == 0) {
		signal(SIGXFSZ, SIG_IGN);
		struct rlimit limit = {1000, 1000};
		setrlimit(RLIMIT_FSIZE, &limit);
		struct sl_output out = {0};
		struct sl_error err = {0};
		char block[4096] = {0};
		if (!sl_output_open(&out, "a", 0644, SL_OUTPUT_REPLACE, &err))
			_exit(10);
		sl_output_write(&out, block, sizeof block);
		sl_output_write(&out, "x", 1);
		if (sl_output_commit(&out, &err))
			_exit(11);
		_exit(err.kind == SL_E_IO && strstr(err.text, "File too large") ? 0 : 12);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	expect("a", "old");
	assert_int_equal(entries(), 1);
	unlink("a");
}

// kill -9 at any moment: the target is the old file or the new one.
static void t72_killed_writers_leave_old_or_new(void **state)
{
	(void)state;
	static char big[1 << 20];
	memset(big, 'n', sizeof big - 1);
	for (int round = 0; round < 20; round++) {
		put("a", "old");
		pid_t child = fork();
		if (child == 0) {
			struct sl_error err = {0};
			for (;;)
				if (!sl_store_file("a", big, sizeof big - 1, 0644,
						   SL_OUTPUT_REPLACE, &err))
					_exit(1);
		}
		usleep((useconds_t)(round * 700));
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		sl_auto_buf struct sl_buf buf;
		sl_buf_init(&buf, sizeof big);
		struct sl_error err = {0};
		assert_true(sl_read_file("a", &buf, &err));
		assert_true(strcmp(buf.data, "old") == 0 || buf.len == sizeof big - 1);
	}
	assert_int_equal(system("rm -f a .sealift-*.tmp"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commit_replaces_with_the_exact_mode),
		cmocka_unit_test(t72_discard_leaves_the_old_file),
		cmocka_unit_test(t72_a_writer_that_is_interrupted_leaves_nothing),
		cmocka_unit_test(new_never_replaces),
		cmocka_unit_test(new_files_need_no_hard_links),
		cmocka_unit_test(odd_targets_are_refused_at_once),
		cmocka_unit_test(t74_a_failed_write_sticks),
		cmocka_unit_test(t72_killed_writers_leave_old_or_new),
	};
	return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
