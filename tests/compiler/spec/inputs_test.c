// SPDX-License-Identifier: Apache-2.0
#include "tests/compiler/spec/helper.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define SPEC                                                                                      \
	"sealift: 1\nname: tide\nversion: 1.0.0\nbase: {localimage: images/base.sif}\n"           \
	"target: {python: \"3.11.2\"}\nworker: none\npip:\n  lock: l\n  wheelhouse: [a/wheels/, " \
	".]\n"

struct folder {
	char path[64];
	int fd;
};

static int make_folder(void **state)
{
	static struct folder folder;
	snprintf(folder.path, sizeof folder.path, "%s", "/tmp/sealift-inputs.XXXXXX");
	if (!mkdtemp(folder.path))
		return -1;
	folder.fd = open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = &folder;
	return folder.fd < 0 ? -1 : 0;
}

static int remove_folder(void **state)
{
	struct folder *folder = *state;
	static const char *const files[] = {"images/base.sif", "images", "a/wheels", "a", "l", "b"};
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		unlinkat(folder->fd, files[i], 0);
		unlinkat(folder->fd, files[i], AT_REMOVEDIR);
	}
	close(folder->fd);
	return rmdir(folder->path);
}

static void make_file(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
}

static void assert_missing(int dirfd, const char *path, const char *message)
{
	auto_parsed struct parsed parsed = parse(SPEC);
	assert_non_null(parsed.plan);
	assert_false(spec_check_inputs(&parsed.report, dirfd));
	assert_int_equal(parsed.report.problems.len, 1);
	assert_string_equal(parsed.report.problems.items[0].path, path);
	assert_string_equal(parsed.report.problems.items[0].message, message);
}

static void inputs_are_looked_for_one_by_one(void **state)
{
	int dirfd = ((struct folder *)*state)->fd;
	auto_parsed struct parsed parsed = parse(SPEC);
	assert_non_null(parsed.plan);
	assert_false(spec_check_inputs(&parsed.report, dirfd));
	assert_int_equal(parsed.report.problems.len, 3);
	assert_int_equal(parsed.report.problems.items[0].line, 4);
	assert_int_equal(parsed.report.problems.items[0].column, 20);
	assert_int_equal(parsed.report.problems.items[2].line, 9);

	assert_int_equal(mkdirat(dirfd, "images", 0700), 0);
	make_file(dirfd, "images/base.sif");
	make_file(dirfd, "l");
	assert_missing(dirfd, "pip.wheelhouse[0]",
		       "cannot open folder 'a/wheels': No such file or directory");
	assert_int_equal(mkdirat(dirfd, "a", 0700), 0);
	assert_int_equal(mkdirat(dirfd, "a/wheels", 0700), 0);
	auto_parsed struct parsed all = parse(SPEC);
	assert_true(spec_check_inputs(&all.report, dirfd));
	assert_int_equal(all.report.problems.len, 0);
}

static void t03_links_are_not_followed(void **state)
{
	int dirfd = ((struct folder *)*state)->fd;
	assert_int_equal(renameat(dirfd, "a", dirfd, "b"), 0);
	assert_int_equal(symlinkat("b", dirfd, "a"), 0);
	assert_missing(dirfd, "pip.wheelhouse[0]",
		       "'a/wheels' is not a folder, or is a symbolic link");
	assert_int_equal(unlinkat(dirfd, "a", 0), 0);
	assert_int_equal(renameat(dirfd, "b", dirfd, "a"), 0);
	assert_int_equal(unlinkat(dirfd, "l", 0), 0);
	assert_int_equal(symlinkat("/etc/passwd", dirfd, "l"), 0);
	assert_missing(dirfd, "pip.lock",
		       "cannot open 'l': a symbolic link or a file stands in its path");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inputs_are_looked_for_one_by_one),
		cmocka_unit_test(t03_links_are_not_followed),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
