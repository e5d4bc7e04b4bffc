// SPDX-License-Identifier: Apache-2.0
#include "bundles/packaging/requirements_txt.h"
#include "tests/bundles/packaging/vectors.h"

// Cases of the vectors that we answer differently on purpose.
static const char *const deviations[] = {
	"nul", // pip passes the NUL on and fails later; here the file is refused
};

static bool deviates(const char *name)
{
	for (size_t i = 0; i < sizeof deviations / sizeof *deviations; i++) {
		if (strcmp(deviations[i], name) == 0)
			return true;
	}
	return false;
}

static bool open_case(void *context, const char *path, struct sl_buf *text_out,
		      struct sl_error *err)
{
	const json_t *text = json_object_get(json_object_get(context, "files"), path);
	if (!text)
		return sl_fail(err, SL_E_IO, "cannot open '%s': No such file or directory", path);
	const char *bytes = json_string_value(text);
	size_t len = json_string_length(text);
	// The vectors hold text; the case with another encoding has it as that encoding's bytes.
	if (strstr(bytes, "coding: latin-1")) {
		for (size_t i = 0; i < len; i++) {
			bool pair = (unsigned char)bytes[i] == 0xc3;
			sl_buf_addc(text_out, pair ? (char)(bytes[++i] | 0x40) : bytes[i]);
		}
		return true;
	}
	sl_buf_add(text_out, bytes, len);
	return true;
}

static const char *case_variable(void *context, const char *name)
{
	return json_string_value(json_object_get(json_object_get(context, "env"), name));
}

static json_t *strings_json(const struct sl_strings *list)
{
	json_t *json = json_array();
	for (size_t i = 0; i < list->len; i++)
		json_array_append_new(json, json_string(list->items[i]));
	return json;
}

static void set_strings(json_t *options, const char *key, const struct sl_strings *list)
{
	if (list->len)
		json_object_set_new(options, key, strings_json(list));
}

static void set_flag(json_t *options, const char *key, bool value)
{
	if (value)
		json_object_set_new(options, key, json_true());
}

static void set_pair(json_t *options, const char *key, const char *first_key,
		     const struct sl_strings *first, const char *second_key,
		     const struct sl_strings *second)
{
	if (!first->len && !second->len)
		return;
	json_t *pair = json_object();
	json_object_set_new(pair, first_key, strings_json(first));
	json_object_set_new(pair, second_key, strings_json(second));
	json_object_set_new(options, key, pair);
}

static void set_hashes(json_t *options, const struct requirements_line *line)
{
	if (!line->hashes.len)
		return;
	json_t *hashes = json_object();
	for (size_t i = 0; i < line->hashes.len; i++) {
		const struct requirements_hash *hash = &line->hashes.items[i];
		if (!json_object_get(hashes, hash->algorithm))
			json_object_set_new(hashes, hash->algorithm, json_array());
		json_array_append_new(json_object_get(hashes, hash->algorithm),
				      json_string(hash->hex));
	}
	json_object_set_new(options, "hashes", hashes);
}

static void set_settings(json_t *options, const struct sl_strings *settings)
{
	if (!settings->len)
		return;
	json_t *json = json_object();
	for (size_t i = 0; i < settings->len; i++) {
		const char *equals = strchr(settings->items[i], '=');
		sl_auto_free char *key =
			sl_strndup(settings->items[i], (size_t)(equals - settings->items[i]));
		json_object_set_new(json, key, json_string(equals + 1));
	}
	json_object_set_new(options, "config_settings", json);
}

static json_t *options_json(const struct requirements_line *line)
{
	json_t *options = json_object();
	if (line->editable)
		json_object_set_new(options, "editables", json_pack("[s]", line->requirement));
	if (line->index_url)
		json_object_set_new(options, "index_url", json_string(line->index_url));
	set_strings(options, "extra_index_urls", &line->extra_index_urls);
	set_strings(options, "find_links", &line->find_links);
	set_strings(options, "trusted_hosts", &line->trusted_hosts);
	set_strings(options, "features_enabled", &line->features);
	set_pair(options, "format_control", "no_binary", &line->no_binary, "only_binary",
		 &line->only_binary);
	set_pair(options, "release_control", "all_releases", &line->all_releases, "only_final",
		 &line->only_final);
	set_hashes(options, line);
	set_settings(options, &line->config_settings);
	set_flag(options, "no_index", line->no_index);
	set_flag(options, "prefer_binary", line->prefer_binary);
	set_flag(options, "pre", line->pre);
	set_flag(options, "require_hashes", line->require_hashes);
	set_flag(options, "no_require_hashes", line->no_require_hashes);
	return options;
}

// The shape of a line in the vectors.
static json_t *line_json(const struct requirements_line *line)
{
	return json_pack("{s:s,s:i,s:b,s:s?,s:b,s:o}", "file", line->file, "line", (int)line->line,
			 "constraint", line->constraint, "requirement", line->requirement,
			 "editable", line->editable, "options", options_json(line));
}

static bool case_is(json_t *entry)
{
	struct sl_error err = {0};
	struct requirements_file file;
	if (!requirements_parse(vectors_text(entry, "root"), open_case, case_variable, entry, &file,
				&err))
		return !vectors_bool(entry, "ok") && err.text[0] &&
		       (err.kind == SL_E_INPUT || err.kind == SL_E_IO);
	sl_auto_json json_t *lines = json_array();
	for (size_t i = 0; i < file.lines.len; i++)
		json_array_append_new(lines, line_json(&file.lines.items[i]));
	requirements_release(&file);
	if (vectors_bool(entry, "ok") && json_equal(lines, json_object_get(entry, "lines")))
		return true;
	sl_auto_free char *shown = json_dumps(lines, JSON_COMPACT);
	print_error("got %s\n", shown);
	return false;
}

static void files_are_read_as_pip_reads_them(void **state)
{
	const json_t *list = vectors_list(*state, "cases", "cases");
	size_t index, wrong = 0, skipped = 0;
	json_t *entry;
	json_array_foreach (list, index, entry) {
		const char *name = vectors_text(entry, "name");
		if (deviates(name))
			skipped++;
		else if (!case_is(entry)) {
			print_error("differs: %s\n", name);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
	assert_int_equal(skipped, sizeof deviations / sizeof *deviations);
}

// Files for the tests below: pairs of name and text.
struct files {
	const char *const (*pairs)[2];
	size_t opened;
};

static bool open_file(void *context, const char *path, struct sl_buf *text_out,
		      struct sl_error *err)
{
	struct files *files = context;
	files->opened++;
	for (const char *const(*pair)[2] = files->pairs; (*pair)[0]; pair++) {
		if (strcmp((*pair)[0], path) == 0) {
			sl_buf_adds(text_out, (*pair)[1]);
			return true;
		}
	}
	return sl_fail(err, SL_E_IO, "cannot open '%s'", path);
}

static enum sl_kind kind_of(const char *const (*pairs)[2], requirements_variable *variable,
			    const char *says)
{
	struct files files = {.pairs = pairs};
	struct sl_error err = {0};
	struct requirements_file file;
	bool good = requirements_parse(pairs[0][0], open_file, variable, &files, &file, &err);
	assert_int_equal(good, err.kind == SL_E_NONE);
	assert_true(good || file.lines.len == 0);
	if (says && !strstr(err.text, says))
		fail_msg("'%s' is not in '%s'", says, err.text);
	requirements_release(&file);
	return err.kind;
}

static void nul_characters_are_refused(void **state)
{
	size_t index;
	json_t *entry;
	json_array_foreach (json_object_get(*state, "cases"), index, entry) {
		if (strcmp(vectors_text(entry, "name"), "nul") != 0)
			continue;
		struct sl_error err = {0};
		struct requirements_file file;
		assert_false(requirements_parse("requirements.txt", open_case, NULL, entry, &file,
						&err));
		assert_int_equal(err.kind, SL_E_INPUT);
	}
}

static void errors_name_file_and_line(void **state)
{
	(void)state;
	static const char *const files[][2] = {
		{"in.txt", "a\n\n-r sub/b.txt\n"},
		{"sub/b.txt", "b\nc \\\n --hash=md5:00\n"},
		{NULL, NULL},
	};
	assert_int_equal(kind_of(files, NULL, "sub/b.txt:2: --hash: the algorithm 'md5'"),
			 SL_E_INPUT);
}

static void variables_are_refused_unless_allowed(void **state)
{
	(void)state;
	static const char *const files[][2] = {{"in.txt", "# ${A}\na==${VERSION}\n"}, {NULL, NULL}};
	assert_int_equal(kind_of(files, NULL, "in.txt:2: ${VERSION}"), SL_E_INPUT);
	static const char *const plain[][2] = {{"in.txt", "a==${version} $B ${} ${C\n"},
					       {NULL, NULL}};
	assert_int_equal(kind_of(plain, NULL, NULL), SL_E_NONE);
}

static void files_on_a_network_are_refused(void **state)
{
	(void)state;
	static const char *const https[][2] = {{"in.txt", "-r https://h/x.txt\n"}, {NULL, NULL}};
	assert_int_equal(kind_of(https, NULL, "in.txt:1: 'https://h/x.txt' is on a network"),
			 SL_E_INPUT);
	static const char *const file[][2] = {{"in.txt", "-c file:///x.txt\n"}, {NULL, NULL}};
	assert_int_equal(kind_of(file, NULL, "network"), SL_E_INPUT);
}

static void two_includes_in_one_line_are_refused(void **state)
{
	(void)state;
	static const char *const two[][2] = {{"in.txt", "-r a -r b\n"}, {NULL, NULL}};
	assert_int_equal(kind_of(two, NULL, "twice"), SL_E_INPUT);
	static const char *const both[][2] = {{"in.txt", "-r a -c b\n"}, {NULL, NULL}};
	assert_int_equal(kind_of(both, NULL, "use two"), SL_E_INPUT);
	static const char *const editable[][2] = {{"in.txt", "-e a -e b\n"}, {NULL, NULL}};
	assert_int_equal(kind_of(editable, NULL, "twice"), SL_E_INPUT);
}

static void t21_includes_end(void **state)
{
	(void)state;
	static const char *const spelled[][2] = {
		{"in.txt", "-r ./in.txt\n"}, {"./in.txt", "-r ././/in.txt\n"}, {NULL, NULL}};
	assert_int_equal(kind_of(spelled, NULL, "includes itself"), SL_E_INPUT);
	// Through "..", which only the file system can tell, the number of files is what ends it.
	static const char *const climbing[][2] = {{"in.txt", "-r s/../in.txt\n"}, {NULL, NULL}};
	assert_int_equal(kind_of(climbing, NULL, "cannot open"), SL_E_IO);
}

static bool open_many(void *context, const char *path, struct sl_buf *text_out,
		      struct sl_error *err)
{
	(void)err;
	size_t *opened = context;
	(*opened)++;
	sl_buf_addf(text_out, "-r x%s\n-r y%s\n", path, path);
	return true;
}

static void t21_a_tree_of_includes_is_limited(void **state)
{
	(void)state;
	size_t opened = 0;
	struct sl_error err = {0};
	struct requirements_file file;
	assert_false(requirements_parse("in", open_many, NULL, &opened, &file, &err));
	assert_int_equal(err.kind, SL_E_LIMIT);
	assert_int_equal(opened, SL_LIMIT_INCLUDES);
}

static void t19_long_lines_are_refused(void **state)
{
	(void)state;
	struct sl_buf text;
	sl_buf_init(&text, SL_MIB);
	sl_buf_adds(&text, "a\n");
	for (size_t i = 0; i <= SL_LIMIT_LINE / 4; i++)
		sl_buf_adds(&text, "a  b c\\\n");
	const char *const files[][2] = {{"in.txt", text.data}, {NULL, NULL}};
	assert_int_equal(kind_of(files, NULL, "in.txt:2: a line of more than 65536 bytes"),
			 SL_E_LIMIT);
	// At the limit and one past it, with the blanks that are cut off afterwards.
	for (size_t more = 0; more < 2; more++) {
		text.len = 0;
		sl_buf_adds(&text, "a==1");
		while (text.len < SL_LIMIT_LINE + more)
			sl_buf_addc(&text, ' ');
		sl_buf_addc(&text, '\n');
		const char *const exact[][2] = {{"in.txt", text.data}, {NULL, NULL}};
		assert_int_equal(kind_of(exact, NULL,
					 more ? "in.txt:1: a line of more than 65536 bytes" : NULL),
				 more ? SL_E_LIMIT : SL_E_NONE);
	}
	sl_buf_release(&text);
}

struct bytes {
	const char *data;
	size_t len;
};

static bool open_bytes(void *context, const char *path, struct sl_buf *text_out,
		       struct sl_error *err)
{
	(void)path;
	(void)err;
	const struct bytes *bytes = context;
	sl_buf_add(text_out, bytes->data, bytes->len);
	return true;
}

static void encoded(const char *data, size_t len, enum sl_kind expected)
{
	struct bytes bytes = {data, len};
	struct sl_error err = {0};
	struct requirements_file file;
	bool good = requirements_parse("in.txt", open_bytes, NULL, &bytes, &file, &err);
	assert_int_equal(err.kind, expected);
	if (good) {
		assert_int_equal(file.lines.len, 1);
		assert_string_equal(file.lines.items[0].requirement, "a\xc3\xa9");
	}
	requirements_release(&file);
}

#define ENCODED(text, kind) encoded(text, sizeof text - 1, kind)

static void encodings_are_declared_or_utf8(void **state)
{
	(void)state;
	ENCODED("a\xc3\xa9\n", SL_E_NONE);
	ENCODED("\xef\xbb\xbf"
		"a\xc3\xa9\n",
		SL_E_NONE);
	ENCODED("\xff\xfe"
		"a\0\xe9\0\n\0",
		SL_E_NONE);
	ENCODED("\xfe\xff\0a\0\xe9\0\n", SL_E_NONE);
	ENCODED("\xff\xfe\0\0a\0\0\0\xe9\0\0\0", SL_E_NONE);
	ENCODED("\0\0\xfe\xff\0\0\0a\0\0\0\xe9", SL_E_NONE);
	ENCODED("# coding=iso-8859-1\na\xe9\n", SL_E_NONE);
	ENCODED("#\n# vim: set fileencoding: Latin-1 :\na\xe9\n", SL_E_NONE);
	ENCODED("a\xe9\n", SL_E_INPUT);
	ENCODED("# coding: koi8-r\na\xe9\n", SL_E_INPUT);
	ENCODED("\xff\xfe"
		"a\0\xe9",
		SL_E_INPUT);
	ENCODED("\xff\xfe\0\xd8", SL_E_INPUT);
	ENCODED("\xff\xfe\0\xd8x\0", SL_E_INPUT);
	ENCODED("\xff\xfe\0\0\0\0\x11\0", SL_E_INPUT);
}

// As many lines as may be, as long as they may be: comparing all pairs of names would take minutes.
static void t21_long_name_lists_cost_little(void **state)
{
	(void)state;
	struct sl_buf text;
	sl_buf_init(&text, SL_LIMIT_REQUIREMENTS);
	for (size_t line = 1; line < SL_LIMIT_REQUIREMENTS / SL_LIMIT_LINE; line++) {
		size_t start = text.len;
		sl_buf_adds(&text, "--only-binary=b --no-binary=a");
		for (unsigned i = 0; text.len - start < SL_LIMIT_LINE - 16; i++)
			sl_buf_addf(&text, ",%x", i);
		sl_buf_addc(&text, '\n');
	}
	const char *const files[][2] = {{"in.txt", text.data}, {NULL, NULL}};
	assert_int_equal(kind_of(files, NULL, NULL), SL_E_NONE);
	sl_buf_release(&text);
}

static int load(void **state)
{
	*state = vectors_load("requirements-txt");
	return 0;
}

static int unload(void **state)
{
	json_decref(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_read_as_pip_reads_them),
		cmocka_unit_test(nul_characters_are_refused),
		cmocka_unit_test(errors_name_file_and_line),
		cmocka_unit_test(variables_are_refused_unless_allowed),
		cmocka_unit_test(files_on_a_network_are_refused),
		cmocka_unit_test(two_includes_in_one_line_are_refused),
		cmocka_unit_test(t21_includes_end),
		cmocka_unit_test(t21_a_tree_of_includes_is_limited),
		cmocka_unit_test(t19_long_lines_are_refused),
		cmocka_unit_test(encodings_are_declared_or_utf8),
		cmocka_unit_test(t21_long_name_lists_cost_little),
	};
	return cmocka_run_group_tests(tests, load, unload);
}
