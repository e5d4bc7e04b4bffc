// SPDX-License-Identifier: Apache-2.0
#include "tests/compiler/spec/helper.h"

#include <fcntl.h>
#include <string.h>
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

static void make_file(int dirfd, const char *name, const char *bytes, size_t len)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
}

static const char sif[] = "#!/usr/bin/env run-singularity\n\0SIF_MAGIC\0"
			  "01\0"
			  "02";

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
	make_file(dirfd, "images/base.sif", sif, sizeof sif);
	make_file(dirfd, "l", "", 0);
	assert_missing(dirfd, "pip.wheelhouse[0]",
		       "cannot open folder 'a/wheels': No such file or directory");
	assert_int_equal(mkdirat(dirfd, "a", 0700), 0);
	assert_int_equal(mkdirat(dirfd, "a/wheels", 0700), 0);
	auto_parsed struct parsed all = parse(SPEC);
	assert_true(spec_check_inputs(&all.report, dirfd));
	assert_int_equal(all.report.problems.len, 0);
}

// ---- images ---------------------------------------------------------------------------------

static char plain_tar[512], old_tar[512];

static void make_header(char *block, bool ustar)
{
	unsigned sum = 0;
	memset(block, 0, 512);
	snprintf(block, 100, "oci-layout");
	snprintf(block + 100, 8, "0000644");
	snprintf(block + 124, 12, "00000000036");
	memset(block + 148, ' ', 8);
	if (ustar)
		memcpy(block + 257,
		       "ustar\0"
		       "00",
		       8);
	for (size_t i = 0; i < 512; i++)
		sum += (unsigned char)block[i];
	snprintf(block + 148, 8, "%06o", sum & 0777777);
}

#define IMAGE_SPEC(kind)                                                \
	"sealift: 1\nname: tide\nversion: 1.0.0\nbase: {" kind ": b}\n" \
	"target: {python: \"3.11.2\"}\nworker: none\n"

// NULL when the image is taken, else the problem. `hint` is part of what would help.
static void assert_image(int dirfd, const char *spec, const char *bytes, size_t len,
			 const char *message, const char *hint)
{
	auto_parsed struct parsed parsed = parse(spec);
	assert_non_null(parsed.plan);
	make_file(dirfd, "b", bytes, len);
	bool good = spec_check_inputs(&parsed.report, dirfd);
	assert_int_equal(unlinkat(dirfd, "b", 0), 0);
	assert_int_equal(good, message == NULL);
	if (good)
		return;
	assert_int_equal(parsed.report.problems.len, 1);
	const struct spec_problem *problem = &parsed.report.problems.items[0];
	assert_string_equal(problem->message, message);
	assert_non_null(strstr(problem->hint, hint));
	assert_int_equal(problem->line, 4);
	assert_true(problem->column > 7);
	assert_memory_equal(problem->path, "base.", 5);
}

static void images_that_are_taken(void **state)
{
	int dirfd = ((struct folder *)*state)->fd;
	static const char *const compressed[] = {"\x1f\x8b\x08", "BZh9", "\xfd\x37zXZ",
						 "\x28\xb5\x2f\xfd"};
	make_header(plain_tar, true);
	make_header(old_tar, false);
	assert_image(dirfd, IMAGE_SPEC("localimage"), sif, sizeof sif, NULL, NULL);
	assert_image(dirfd, IMAGE_SPEC("oci-archive"), plain_tar, 512, NULL, NULL);
	assert_image(dirfd, IMAGE_SPEC("oci-archive"), old_tar, 512, NULL, NULL);
	assert_image(dirfd, IMAGE_SPEC("docker-archive"), plain_tar, 512, NULL, NULL);
	for (size_t i = 0; i < sizeof compressed / sizeof *compressed; i++)
		assert_image(dirfd, IMAGE_SPEC("docker-archive"), compressed[i],
			     strlen(compressed[i]) + 1, NULL, NULL);
}

static void images_that_are_something_else(void **state)
{
	int dirfd = ((struct folder *)*state)->fd;
	static const char page[] = "\n<!DOCTYPE html><title>404</title>", gzip[] = "\x1f\x8b\x08";
	static const char pointer[] = "version https://git-lfs.github.com/spec/v1\n";
	static const struct {
		const char *spec, *bytes;
		size_t len;
		const char *message, *hint;
	} cases[] = {
		{IMAGE_SPEC("localimage"), "", 0, "'b' is not a SIF file: it is empty", "again"},
		{IMAGE_SPEC("oci-archive"), "", 0, "'b' is not a tar archive: it is empty",
		 "again"},
		{IMAGE_SPEC("docker-archive"), "", 0, "'b' is not a tar archive: it is empty",
		 "again"},
		{IMAGE_SPEC("localimage"), sif, 41,
		 "'b' is not a SIF file: its first bytes are not those of one", "apptainer pull"},
		{IMAGE_SPEC("localimage"), plain_tar, 512,
		 "'b' is not a SIF file: it is a tar archive", "oci-archive"},
		{IMAGE_SPEC("localimage"), "hsqs\x01", 5,
		 "'b' is not a SIF file: it is a Squashfs image", "apptainer pull"},
		{IMAGE_SPEC("localimage"), page, sizeof page - 1,
		 "'b' is not a SIF file: it is a web page", "again"},
		{IMAGE_SPEC("localimage"), pointer, sizeof pointer - 1,
		 "'b' is not a SIF file: it is text", "apptainer pull"},
		{IMAGE_SPEC("oci-archive"), sif, sizeof sif,
		 "'b' is not a tar archive: it is a SIF file", "localimage"},
		{IMAGE_SPEC("docker-archive"), sif, sizeof sif,
		 "'b' is not a tar archive: it is a SIF file", "localimage"},
		{IMAGE_SPEC("oci-archive"), gzip, sizeof gzip,
		 "'b' is not a tar archive: it is compressed by gzip", "decompress"},
		{IMAGE_SPEC("docker-archive"), "PK\x03\x04", 4,
		 "'b' is not a tar archive: it is a zip archive", "docker save"},
		{IMAGE_SPEC("oci-archive"), plain_tar, 511,
		 "'b' is not a tar archive: its first bytes are not those of one", "skopeo"},
	};
	make_header(plain_tar, true);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_image(dirfd, cases[i].spec, cases[i].bytes, cases[i].len, cases[i].message,
			     cases[i].hint);
	plain_tar[0]++; // one bit of the header is wrong
	assert_image(dirfd, IMAGE_SPEC("oci-archive"), plain_tar, 512,
		     "'b' is not a tar archive: its first bytes are not those of one", "skopeo");
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
		cmocka_unit_test(images_that_are_taken),
		cmocka_unit_test(images_that_are_something_else),
		cmocka_unit_test(t03_links_are_not_followed),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
