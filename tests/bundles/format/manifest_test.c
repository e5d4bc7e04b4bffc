// SPDX-License-Identifier: Apache-2.0
#include "tests/bundles/format/fixture.h"

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B64 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static const char good[] =
	"{\"blobs\":[{\"sha256\":\"" A64 "\",\"size\":7},{\"sha256\":\"" B64 "\",\"size\":0}],"
	"\"closure\":\"pinned\",\"content\":{\"sha256\":\"" A64
	"\",\"size\":99,\"tar_sha256\":\"" B64
	"\",\"tar_size\":2560,\"zstd_level\":3,\"zstd_version\":\"1.5.4\"},"
	"\"files\":[{\"name\":\"a\",\"sha256\":\"" A64 "\",\"size\":1},"
	"{\"name\":\"b/c\",\"sha256\":\"" A64 "\",\"size\":0}],"
	"\"format\":1,\"name\":\"my-image\",\"recipe\":1,"
	"\"target\":{\"glibc\":\"2.36\",\"platform\":\"linux/x86_64\",\"python\":\"3.11.7\"},"
	"\"version\":\"1.0.0\"}\n";

static bool parse(const char *text, size_t len, struct manifest *out, struct sl_error *err)
{
	*err = (struct sl_error){0};
	return manifest_parse(text, len, out, err);
}

// The good text with the first `from` replaced by `to`.
static char *changed(const char *from, const char *to)
{
	const char *at = strstr(good, from);
	assert_non_null(at);
	return sl_format("%.*s%s%s", (int)(at - good), good, to, at + strlen(from));
}

static void what_is_written_is_read(void **state)
{
	(void)state;
	struct manifest manifest;
	struct sl_error err;
	if (!parse(good, sizeof good - 1, &manifest, &err))
		fail_msg("%s", err.text);
	assert_string_equal(manifest.name, "my-image");
	assert_string_equal(manifest.python, "3.11.7");
	assert_int_equal(manifest.closure, CLOSURE_PINNED);
	assert_int_equal(manifest.files.len, 2);
	assert_int_equal(manifest.blobs.items[0].size, 7);
	assert_int_equal(manifest.content_tar_size, 2560);
	sl_auto_buf struct sl_buf again;
	sl_buf_init(&again, SL_LIMIT_MANIFEST);
	assert_true(manifest_format(&manifest, &again, &err));
	assert_string_equal(again.data, good);
	manifest_release(&manifest);
}

static void bad_values_refused(void **state)
{
	(void)state;
	static const struct {
		const char *from, *to, *part;
	} cases[] = {
		{"\"format\":1", "\"format\":2", "of format 2"},
		{"\"format\":1", "\"format\":0", "of format 0"},
		{"\"format\":1,", "", "format: missing"},
		{"\"closure\":\"pinned\"", "\"closure\":\"closed\"", "closure"},
		{"\"my-image\"", "\"My-image\"", "name"},
		{"\"my-image\"", "\"../my-image\"", "name"},
		{"\"my-image\"", "\"\"", "name"},
		{"\"1.0.0\"", "\"1.0.0-1\"", "version"},
		{"\"1.0.0\"", "\"v1\"", "version"},
		{"\"1.0.0\"", "1", "version"},
		{"\"recipe\":1", "\"recipe\":0", "recipe"},
		{"\"recipe\":1", "\"recipe\":65536", "recipe"},
		{"linux/x86_64", "linux/riscv64", "platform"},
		{"\"3.11.7\"", "\"3.11\"", "python"},
		{"\"2.36\"", "\"2\"", "glibc"},
		{"\"zstd_level\":3", "\"zstd_level\":0", "zstd_level"},
		{"\"zstd_level\":3", "\"zstd_level\":20", "zstd_level"},
		{"1.5.4", "1.5", "zstd_version"},
		{"1.5.4", "1.05.4", "zstd_version"},
		{"1.5.4", "1.5.4.1", "zstd_version"},
		{"1.5.4", "1.5.x", "zstd_version"},
		{"\"size\":99", "\"size\":0", "content.size"},
		{"2560", "2559", "tar_size"},
		{"2560", "3072", "tar_size"},
		{"\"name\":\"a\"", "\"name\":\"b/d\"", "not sorted"},
		{"\"name\":\"a\"", "\"name\":\"b/c\"", "not sorted, or twice"},
		{"\"name\":\"a\"", "\"name\":\"../a\"", "'../a' is not a name"},
		{"\"name\":\"a\"", "\"name\":\"/a\"", "'/a' is not a name"},
		{"\"name\":\"a\"", "\"name\":\"a\\u001b\"", "is not a name"},
		{"\"sha256\":\"" A64, "\"sha256\":\"" B64, "blobs[1].sha256: not sorted, or twice"},
		{"\"sha256\":\"a", "\"sha256\":\"A", "64 lower-case"},
		{"\"sha256\":\"a", "\"sha256\":\"", "64 lower-case"},
		{"\"size\":7", "\"size\":-7", "not canonical"},
		{"\"size\":7", "\"size\":7.0", "not canonical"},
		{"\"size\":7", "\"size\":07", "manifest.json"},
		{"\"size\":7", "\"size\":9007199254740992", "not canonical"},
		{"\"size\":7", "\"size\":\"7\"", "size"},
		{"\"size\":7", "\"size\":null", "not canonical"},
		{"\"size\":7", "\"size\":7,\"time\":1", "unknown key 'time'"},
		{"\"format\":1", "\"format\":1,\"later\":true", "unknown key 'later'"},
		{"\"files\":[", "\"files\":[true,", "an object is needed"},
		{"\"blobs\":[", "\"blobs\": [", "not canonical"},
		{"}\n", "}", "not canonical"},
		{"}\n", "}\n\n", "not canonical"},
		{"\"1.0.0\"}\n", "\"1.0.0\"}\nx", "manifest.json"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		sl_auto_free char *text = changed(cases[i].from, cases[i].to);
		struct manifest manifest;
		struct sl_error err;
		expect_refused(parse(text, strlen(text), &manifest, &err), &err, SL_E_FORMAT,
			       cases[i].part);
	}
}

static void t61_duplicate_key_refused(void **state)
{
	(void)state;
	sl_auto_free char *text = changed("\"format\":1", "\"format\":1,\"format\":1");
	struct manifest manifest;
	struct sl_error err;
	expect_refused(parse(text, strlen(text), &manifest, &err), &err, SL_E_FORMAT, "duplicate");
}

static void cut_anywhere_refused(void **state)
{
	(void)state;
	for (size_t len = 0; len < sizeof good - 1; len++) {
		struct manifest manifest;
		struct sl_error err;
		assert_false(parse(good, len, &manifest, &err));
		assert_int_equal(err.kind, SL_E_FORMAT);
	}
}

// ---- values that are built, not read -------------------------------------------------------

static void add_file(struct manifest *manifest, const char *name, uint64_t size)
{
	struct manifest_file *file = sl_list_add(&manifest->files);
	file->name = sl_strdup(name);
	file->size = size;
	manifest->content_tar_size += tar_member_bytes(size);
}

static void basic(struct manifest *manifest)
{
	*manifest = (struct manifest){
		.name = sl_strdup("a"),
		.version = sl_strdup("1"),
		.python = sl_strdup("3.11.7"),
		.platform = sl_strdup("linux/aarch64"),
		.glibc = sl_strdup("2.36"),
		.recipe = 1,
		.content_size = 1,
		.content_tar_size = TAR_END,
		.zstd_version = sl_strdup("1.5.4"),
		.zstd_level = 3,
	};
}

// Formats, and reads back what was formatted.
static bool format(const struct manifest *manifest, struct sl_error *err)
{
	sl_auto_buf struct sl_buf text;
	sl_buf_init(&text, SL_LIMIT_MANIFEST);
	*err = (struct sl_error){0};
	if (!manifest_format(manifest, &text, err))
		return false;
	struct manifest again;
	bool ok = manifest_parse(text.data, text.len, &again, err);
	manifest_release(&again);
	return ok;
}

static void t07_t10_colliding_names_refused(void **state)
{
	(void)state;
	static const struct {
		const char *one, *two;
		bool good;
	} cases[] = {
		{"A", "a", false},     {"a", "a/b", false},
		{"B", "b/c", false},   {"a/B/c", "a/b", false},
		{"A/b", "a/B", false}, {"A/b", "a/c", true},
		{"a", "a-b", true},    {"a-b", "a/b", true},
		{"a", "ab", true},     {"scripts/a", "scripts/b", true},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct manifest manifest;
		struct sl_error err;
		basic(&manifest);
		add_file(&manifest, cases[i].one, 0);
		add_file(&manifest, cases[i].two, 0);
		assert_true(format(&manifest, &err) == cases[i].good);
		manifest_release(&manifest);
	}
}

// "a", "a-b", "a/b": the folder "a" and its file are not neighbours in byte order.
static void t07_collision_past_a_neighbour_refused(void **state)
{
	(void)state;
	struct manifest manifest;
	struct sl_error err;
	basic(&manifest);
	add_file(&manifest, "a", 0);
	add_file(&manifest, "a-b", 0);
	add_file(&manifest, "a/b", 0);
	expect_refused(format(&manifest, &err), &err, SL_E_FORMAT, "'a' and 'a/b'");
	manifest_release(&manifest);
}

static void names_of_the_bundle_itself_refused(void **state)
{
	(void)state;
	static const char *const names[] = {"manifest.json", "Manifest.JSON",  "signatures/a",
					    "SIGNATURES",    "blobs/sha256/x", "content.tar.zst"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		assert_false(content_name_is_plain(names[i]));
	assert_true(content_name_is_plain("manifest.json.txt"));
	assert_true(content_name_is_plain("a/blobs"));
}

static void sizes_at_their_limits(void **state)
{
	(void)state;
	struct manifest manifest;
	struct sl_error err;
	basic(&manifest);
	add_file(&manifest, "a", SL_LIMIT_CONTENT_FILE);
	manifest.content_size = SL_LIMIT_CONTENT_ZST;
	sl_list_add(&manifest.blobs)->size = SL_LIMIT_BLOB;
	assert_true(format(&manifest, &err));

	manifest.blobs.items[0].size++;
	expect_refused(format(&manifest, &err), &err, SL_E_LIMIT, "blobs[].size");
	manifest.blobs.items[0].size--;
	manifest.content_size++;
	expect_refused(format(&manifest, &err), &err, SL_E_LIMIT, "content.size");
	manifest.content_size--;
	manifest.files.items[0].size++;
	manifest.content_tar_size += TAR_BLOCK;
	expect_refused(format(&manifest, &err), &err, SL_E_LIMIT, "files[].size");
	manifest_release(&manifest);
}

static void t17_a_version_as_long_as_it_may_be(void **state)
{
	(void)state;
	for (unsigned more = 0; more < 2; more++) {
		struct manifest manifest;
		struct sl_error err;
		char version[SL_LIMIT_VERSION + 2] = {0};
		basic(&manifest);
		memset(version, '1', SL_LIMIT_VERSION + more);
		free(manifest.version);
		manifest.version = sl_strdup(version);
		assert_int_equal(format(&manifest, &err), !more);
		assert_true(!more || strstr(err.text, "version"));
		manifest_release(&manifest);
	}
}

static void t17_content_at_its_limit(void **state)
{
	(void)state;
	struct manifest manifest;
	struct sl_error err;
	basic(&manifest);
	for (int i = 0; i < 4; i++) {
		char name[] = {(char)('a' + i), '\0'};
		add_file(&manifest, name, 64 * SL_MIB - TAR_BLOCK - (i == 3 ? TAR_END : 0));
	}
	assert_true(manifest.content_tar_size == SL_LIMIT_CONTENT_TAR);
	assert_true(format(&manifest, &err));
	manifest.files.items[3].size++;
	manifest.content_tar_size += TAR_BLOCK;
	expect_refused(format(&manifest, &err), &err, SL_E_LIMIT, "content.tar_size");
	manifest_release(&manifest);
}

static void many_blobs_and_files(void **state)
{
	(void)state;
	struct manifest manifest;
	struct sl_error err;
	basic(&manifest);
	for (unsigned i = 0; i < SL_LIMIT_CONTENT_FILES; i++) {
		char name[SL_DIGEST_HEX + 16];
		snprintf(name, sizeof name, "files/%064x", i);
		add_file(&manifest, name, 1);
	}
	for (unsigned i = 0; i < SL_LIMIT_BLOBS; i++) {
		struct manifest_blob *blob = sl_list_add(&manifest.blobs);
		blob->sha256.bytes[0] = (unsigned char)(i >> 8);
		blob->sha256.bytes[1] = (unsigned char)i;
		blob->size = 1000000;
	}
	if (!format(&manifest, &err))
		fail_msg("%s", err.text);
	memset(sl_list_add(&manifest.blobs)->sha256.bytes, 0xff, SL_DIGEST_SIZE);
	expect_refused(format(&manifest, &err), &err, SL_E_LIMIT, "number of blobs");
	manifest.blobs.len--;
	add_file(&manifest, "g", 1);
	expect_refused(format(&manifest, &err), &err, SL_E_LIMIT, "number of files");
	manifest_release(&manifest);
}

static void text_past_its_limit_refused(void **state)
{
	(void)state;
	size_t len = SL_LIMIT_MANIFEST + 1;
	sl_auto_free char *text = sl_alloc(len);
	memset(text, ' ', len);
	struct manifest manifest;
	struct sl_error err;
	expect_refused(parse(text, len, &manifest, &err), &err, SL_E_LIMIT, "8388609 bytes");
	assert_false(parse(text, len - 1, &manifest, &err));
	assert_int_equal(err.kind, SL_E_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(bad_values_refused),
		cmocka_unit_test(t61_duplicate_key_refused),
		cmocka_unit_test(cut_anywhere_refused),
		cmocka_unit_test(t07_t10_colliding_names_refused),
		cmocka_unit_test(t07_collision_past_a_neighbour_refused),
		cmocka_unit_test(names_of_the_bundle_itself_refused),
		cmocka_unit_test(sizes_at_their_limits),
		cmocka_unit_test(t17_a_version_as_long_as_it_may_be),
		cmocka_unit_test(t17_content_at_its_limit),
		cmocka_unit_test(many_blobs_and_files),
		cmocka_unit_test(text_past_its_limit_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
