// SPDX-License-Identifier: Apache-2.0
// The files of a drop folder; errands are tested in tests/uploader/path_test.py.
#include "uploader/transport/drop.h"

#include "tests/uploader/scratch.h"

#include <dirent.h>
#include <sys/stat.h>

static const char bytes[] = "bytes of an object";

static struct transport_object object_of(const void *data, size_t len)
{
	return (struct transport_object){
		.data = data, .size = len, .sha256 = sl_sha256_bytes(data, len)};
}

static char *path_of(const char *folder, const struct transport_object *object)
{
	char hex[SL_DIGEST_HEX + 1];
	sl_digest_hex(&object->sha256, hex);
	return sl_format("%s/objects/sha256/%.2s/%s", folder, hex, hex);
}

static bool count_it(void *context, const struct sl_digest *sha256, struct sl_error *err)
{
	(void)sha256;
	(void)err;
	*(unsigned *)context += 1;
	return true;
}

static bool refuse_it(void *context, const struct sl_digest *sha256, struct sl_error *err)
{
	(void)context;
	(void)sha256;
	return sl_fail(err, SL_E_IO, "the ledger is full");
}

static size_t names_beside(const char *path)
{
	sl_auto_free char *folder = sl_path_dir(path);
	DIR *dir = opendir(folder);
	size_t count = 0;
	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return dir ? count - 2 : 0;
}

static void is_written_once_and_for_all_to_read(void **state)
{
	struct transport_object object = object_of(bytes, sizeof bytes);
	sl_auto_free char *path = path_of(*state, &object);
	struct sl_error err = {0};
	unsigned written = 0;
	struct stat st;
	mode_t old = umask(077);
	assert_true(drop_store(*state, &object, count_it, &written, &err));
	assert_true(drop_store(*state, &object, count_it, &written, &err));
	umask(old);
	assert_int_equal(written, 1); // the second found it
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	assert_int_equal(names_beside(path), 1);
	assert_true(drop_remove(*state, &object.sha256, &err));
	assert_true(drop_remove(*state, &object.sha256, &err));
	assert_int_equal(names_beside(path), 0);
}

static void is_not_there_before_it_is_written_down(void **state)
{
	struct transport_object object = object_of(bytes, sizeof bytes);
	sl_auto_free char *path = path_of(*state, &object);
	struct sl_error err = {0};
	assert_false(drop_store(*state, &object, refuse_it, NULL, &err));
	assert_string_equal(err.text, "the ledger is full");
	assert_int_equal(names_beside(path), 0);
}

static void t05_a_source_that_has_changed_leaves_nothing(void **state)
{
	struct transport_object object = object_of(bytes, sizeof bytes);
	sl_auto_free char *path = path_of(*state, &object);
	struct sl_error err = {0};
	unsigned written = 0;
	object.data = "other of an object";
	assert_false(drop_store(*state, &object, count_it, &written, &err));
	assert_int_equal(err.kind, SL_E_FORMAT);
	assert_int_equal(names_beside(path), 0);
}

static void t05_a_link_or_other_bytes_are_replaced_and_nothing_behind_them_changes(void **state)
{
	struct transport_object object = object_of(bytes, sizeof bytes);
	sl_auto_free char *path = path_of(*state, &object);
	sl_auto_free char *folder = sl_path_dir(path);
	sl_auto_free char *secret = sl_path_join(*state, "secret");
	struct sl_error err = {0};
	unsigned written = 0;
	struct stat st;
	assert_true(sl_make_dirs(folder, 0755, &err));
	assert_true(sl_store_file(secret, "secret", 6, 0600, SL_OUTPUT_NEW, &err));
	assert_int_equal(symlink(secret, path), 0);
	assert_true(drop_store(*state, &object, count_it, &written, &err));
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(stat(secret, &st), 0);
	assert_int_equal(st.st_size, 6);
	assert_true(sl_store_file(path, "x", 1, 0644, SL_OUTPUT_REPLACE, &err));
	assert_true(drop_store(*state, &object, count_it, &written, &err));
	assert_int_equal(written, 2);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, sizeof bytes);
}

static void t72_what_was_begun_goes_with_it(void **state)
{
	struct transport_object object = object_of(bytes, sizeof bytes);
	sl_auto_free char *path = path_of(*state, &object);
	sl_auto_free char *folder = sl_path_dir(path);
	sl_auto_free char *begun = sl_format("%s/.%s.0123456789abcdef", folder, sl_path_leaf(path));
	sl_auto_free char *other = sl_path_join(folder, "somebody else's");
	struct sl_error err = {0};
	assert_true(sl_make_dirs(folder, 0755, &err));
	assert_true(sl_store_file(begun, "b", 1, 0600, SL_OUTPUT_NEW, &err));
	assert_true(sl_store_file(other, "o", 1, 0600, SL_OUTPUT_NEW, &err));
	assert_true(drop_remove(*state, &object.sha256, &err));
	assert_int_not_equal(access(begun, F_OK), 0);
	assert_int_equal(access(other, F_OK), 0);
}

static void a_folder_that_is_not_there_is_not_made(void **state)
{
	struct transport_object object = object_of(bytes, sizeof bytes);
	sl_auto_free char *folder = sl_path_join(*state, "not mounted");
	struct sl_error err = {0};
	unsigned written = 0;
	assert_false(drop_store(folder, &object, count_it, &written, &err));
	assert_int_equal(err.kind, SL_E_IO);
	assert_non_null(strstr(err.text, "is it mounted?"));
	assert_int_not_equal(access(folder, F_OK), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(is_written_once_and_for_all_to_read),
		scratch_test(is_not_there_before_it_is_written_down),
		scratch_test(t05_a_source_that_has_changed_leaves_nothing),
		scratch_test(
			t05_a_link_or_other_bytes_are_replaced_and_nothing_behind_them_changes),
		scratch_test(t72_what_was_begun_goes_with_it),
		scratch_test(a_folder_that_is_not_there_is_not_made),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
