// SPDX-License-Identifier: Apache-2.0
// What a process that is told to end leaves behind. Each case runs in a child.
#include "bundles/base/base.h"
#include "tests/cmocka_all.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

struct folder {
	char path[64];
	int fd;
};

static int make_folder(void **state)
{
	static struct folder folder;
	snprintf(folder.path, sizeof folder.path, "%s", "/tmp/sealift-interrupt.XXXXXX");
	if (!mkdtemp(folder.path))
		return -1;
	folder.fd = open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = &folder;
	return folder.fd < 0 ? -1 : 0;
}

static size_t count_names(const struct folder *folder, bool unlink_them)
{
	struct sl_strings names;
	struct sl_error err = {0};
	assert_true(sl_list_dir(folder->fd, folder->path, 100, &names, &err));
	size_t count = names.len;
	for (size_t i = 0; unlink_them && i < count; i++)
		unlinkat(folder->fd, names.items[i], 0);
	sl_strings_release(&names);
	return count;
}

static int remove_folder(void **state)
{
	struct folder *folder = *state;
	count_names(folder, true);
	close(folder->fd);
	return rmdir(folder->path);
}

// A temporary with a name, as on a file system without nameless files.
static void open_named(const struct folder *folder, struct sl_output *out)
{
	struct sl_error err = {0};
	if (!sl_output_open_at(out, folder->fd, "target", "target", 0644,
			       SL_OUTPUT_NEW | SL_OUTPUT_NO_SYNC, &err) ||
	    !out->temp)
		_exit(90);
	sl_output_write(out, "half", 4);
}

// The status of a child that runs `body`, which ends it.
static int status_of(void (*body)(const struct folder *), const struct folder *folder)
{
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		body(folder);
		_exit(99);
	}
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void leave_by_the_error_path(const struct folder *folder)
{
	struct sl_output out;
	struct sl_error err = {0};
	open_named(folder, &out);
	if (!sl_interrupt_check(&err) || raise(SIGTERM) != 0)
		_exit(91);
	if (sl_interrupt_check(&err) || err.kind != SL_E_IO || count_names(folder, false) != 1)
		_exit(92);
	sl_output_discard(&out);
}

static void a_signal_waits_until_the_temporary_is_gone(void **state)
{
	int status = status_of(leave_by_the_error_path, *state);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
	assert_int_equal(count_names(*state, false), 0);
}

static void commit_after_a_signal(const struct folder *folder)
{
	struct sl_output out;
	struct sl_error err = {0};
	open_named(folder, &out);
	raise(SIGHUP);
	if (sl_output_commit(&out, &err))
		_exit(93);
}

static void t47_what_was_interrupted_is_not_committed(void **state)
{
	int status = status_of(commit_after_a_signal, *state);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGHUP);
	assert_int_equal(count_names(*state, false), 0);
}

static void hold_two(const struct folder *folder)
{
	struct sl_output one, two;
	open_named(folder, &one);
	open_named(folder, &two);
	raise(SIGINT);
	sl_output_discard(&one);
	if (count_names(folder, false) != 1) // still alive: the second one holds
		_exit(94);
	sl_output_discard(&two);
}

static void the_last_of_several_ends_the_process(void **state)
{
	int status = status_of(hold_two, *state);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGINT);
	assert_int_equal(count_names(*state, false), 0);
}

static void signal_twice(const struct folder *folder)
{
	struct sl_output out;
	open_named(folder, &out);
	raise(SIGINT);
	raise(SIGTERM);
}

static void a_second_signal_ends_at_once(void **state)
{
	int status = status_of(signal_twice, *state);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
	assert_int_equal(count_names(*state, true), 1);
}

static void ignore_hangup(const struct folder *folder)
{
	struct sl_output out;
	struct sl_error err = {0};
	signal(SIGHUP, SIG_IGN);
	open_named(folder, &out);
	raise(SIGHUP);
	if (!sl_output_commit(&out, &err))
		_exit(95);
	_exit(0);
}

static void what_is_ignored_stays_ignored(void **state)
{
	int status = status_of(ignore_hangup, *state);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(count_names(*state, true), 1);
}

static void hold_nothing(const struct folder *folder)
{
	struct sl_output out;
	struct sl_error err = {0};
	open_named(folder, &out);
	if (!sl_output_commit(&out, &err))
		_exit(96);
	raise(SIGTERM);
}

static void without_a_temporary_a_signal_ends_at_once(void **state)
{
	int status = status_of(hold_nothing, *state);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
	assert_int_equal(count_names(*state, true), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signal_waits_until_the_temporary_is_gone),
		cmocka_unit_test(t47_what_was_interrupted_is_not_committed),
		cmocka_unit_test(the_last_of_several_ends_the_process),
		cmocka_unit_test(a_second_signal_ends_at_once),
		cmocka_unit_test(what_is_ignored_stays_ignored),
		cmocka_unit_test(without_a_temporary_a_signal_ends_at_once),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
