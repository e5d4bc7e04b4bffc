// SPDX-License-Identifier: Apache-2.0
// A small bundle in a folder of its own, for the tests of this room.
#ifndef TESTS_FORMAT_FIXTURE_H
#define TESTS_FORMAT_FIXTURE_H

#include "tests/cmocka_all.h"

#include "bundles/format/content.h"
#include "bundles/format/format.h"
#include "bundles/format/tar.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define UNUSED __attribute__((unused))

struct fixture {
	char folder[1024];
	char *path; // of the bundle
	struct plan *plan;
	struct content content;
	SL_LIST(struct seal_blob) blobs;
	char *signature; // what the signer gives; NULL: it refuses
	unsigned signed_times;
	struct sl_error err;
};

static bool fixture_sign(void *context, const char *manifest, size_t len, char **signature_out,
			 struct sl_error *err)
{
	struct fixture *fixture = context;
	(void)manifest;
	assert_true(len > 0);
	fixture->signed_times++;
	if (!fixture->signature)
		return sl_fail(err, SL_E_INPUT, "the signer said no");
	*signature_out = sl_strdup(fixture->signature);
	return true;
}

static void fixture_add_content(struct fixture *fixture, const char *name, const void *data,
				size_t size)
{
	struct content_file *file = sl_list_add(&fixture->content.files); // tests add in order
	file->name = sl_strdup(name);
	file->data = sl_alloc(size + 1);
	memcpy(file->data, data, size);
	file->size = size;
}

static void store(const char *path, const void *data, size_t len)
{
	struct sl_error err = {0};
	if (!sl_store_file(path, data, len, 0644, SL_OUTPUT_REPLACE | SL_OUTPUT_NO_SYNC, &err))
		fail_msg("%s", err.text);
}

static void fixture_add_blob(struct fixture *fixture, const char *leaf, const void *data,
			     size_t size)
{
	struct seal_blob *blob = sl_list_add(&fixture->blobs);
	blob->path = sl_path_join(fixture->folder, leaf);
	blob->size = size;
	blob->sha256 = sl_sha256_bytes(data, size);
	store(blob->path, data, size);
}

static int UNUSED fixture_setup(void **state)
{
	struct fixture *fixture = sl_alloc(sizeof *fixture);
	const char *place = getenv("TMPDIR");
	snprintf(fixture->folder, sizeof fixture->folder, "%s/sealift-format.XXXXXX",
		 place ? place : P_tmpdir);
	assert_non_null(mkdtemp(fixture->folder));
	fixture->path = sl_path_join(fixture->folder, "a.sealift");
	fixture->plan = plan_new();
	fixture->plan->name = sl_strdup("my-image");
	fixture->plan->version = sl_strdup("1.0.0");
	fixture->plan->target.python = sl_strdup("3.11.7");
	fixture->plan->target.platform = sl_strdup("linux/x86_64");
	fixture->plan->target.glibc = sl_strdup("2.36");
	fixture->signature = sl_strdup("untrusted comment: signature from minisign secret key\n");
	fixture_add_content(fixture, "empty", "", 0);
	fixture_add_content(fixture, "plan.json", "{}\n", 3);
	fixture_add_content(fixture, "scripts/post-01.sh", "echo hello\n", 11);
	fixture_add_blob(fixture, "one.whl", "first blob", 10);
	fixture_add_blob(fixture, "two.whl", "second blob", 11);
	*state = fixture;
	return 0;
}

// Names in the fixture's folder, without "." and "..".
static size_t UNUSED fixture_count_files(const struct fixture *fixture)
{
	DIR *folder = opendir(fixture->folder);
	assert_non_null(folder);
	size_t count = 0;
	for (struct dirent *entry; (entry = readdir(folder));)
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(folder);
	return count;
}

static int UNUSED fixture_teardown(void **state)
{
	struct fixture *fixture = *state;
	DIR *folder = opendir(fixture->folder);
	for (struct dirent *entry; (entry = readdir(folder));)
		unlinkat(dirfd(folder), entry->d_name, 0);
	closedir(folder);
	rmdir(fixture->folder);
	sl_list_each (&fixture->blobs, blob)
		free(blob->path);
	sl_list_release(&fixture->blobs);
	content_release(&fixture->content);
	plan_free(fixture->plan);
	free(fixture->signature);
	free(fixture->path);
	free(fixture);
	return 0;
}

static bool UNUSED fixture_seal(struct fixture *fixture, const char *path, struct sl_digest *id_out)
{
	struct seal_request request = {
		.plan = fixture->plan,
		.closure = CLOSURE_SEALED,
		.content = &fixture->content,
		.blobs = fixture->blobs.items,
		.blobs_len = fixture->blobs.len,
		.sign = fixture_sign,
		.sign_context = fixture,
	};
	fixture->err = (struct sl_error){0};
	return bundle_seal(&request, path, id_out, &fixture->err);
}

static struct sl_digest UNUSED must_seal(struct fixture *fixture)
{
	struct sl_digest id;
	if (!fixture_seal(fixture, fixture->path, &id))
		fail_msg("%s", fixture->err.text);
	return id;
}

// A whole file as bytes.
static char *slurp(const char *path, size_t *len_out)
{
	struct sl_error err = {0};
	struct sl_buf bytes;
	sl_buf_init(&bytes, 1 << 30);
	if (!sl_read_file(path, &bytes, &err))
		fail_msg("%s", err.text);
	char *data = sl_buf_steal(&bytes, len_out);
	sl_buf_release(&bytes);
	return data;
}

static bool UNUSED same_bytes(const char *a, const char *b)
{
	size_t a_len, b_len;
	sl_auto_free char *a_data = slurp(a, &a_len);
	sl_auto_free char *b_data = slurp(b, &b_len);
	return a_len == b_len && memcmp(a_data, b_data, a_len) == 0;
}

// Opens and reads everything that a bundle has.
static bool UNUSED read_all(const char *path, struct sl_error *err)
{
	struct bundle_reader *reader = NULL;
	const struct content *content;
	*err = (struct sl_error){0};
	bool ok = bundle_open(path, &reader, err) && bundle_reader_gate(reader, err) &&
		  bundle_read_content(reader, &content, err) &&
		  bundle_check_blobs(reader, 1, NULL, err);
	bundle_close(reader);
	assert_true(ok == (err->kind == SL_E_NONE));
	return ok;
}

static void UNUSED expect_refused(bool ok, const struct sl_error *err, enum sl_kind kind,
				  const char *part)
{
	assert_false(ok);
	if (err->kind != kind || !strstr(err->text, part))
		fail_msg("expected '%s' (%s), got '%s' (%s)", part, sl_kind_name(kind), err->text,
			 sl_kind_name(err->kind));
}

#endif
