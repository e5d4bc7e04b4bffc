// SPDX-License-Identifier: Apache-2.0
#include "tests/compiler/spec/helper.h"

#include <stdio.h>

static void defaults_are_filled_in(void **state)
{
	(void)state;
	auto_parsed struct parsed parsed = parse(GOOD);
	const struct plan *plan = parsed.plan;
	assert_non_null(plan);
	assert_string_equal(plan->name, "tide");
	assert_string_equal(plan->version, "1.0.0");
	assert_string_equal(plan->description, "");
	assert_int_equal(plan->base.kind, BASE_LOCALIMAGE);
	assert_string_equal(plan->base.file, "base.sif");
	assert_string_equal(plan->target.python, "3.11.2");
	assert_string_equal(plan->target.platform, "linux/x86_64");
	assert_string_equal(plan->target.glibc, "2.28");
	assert_false(plan->has_pip);
	assert_null(plan->worker_version);
	assert_null(plan->help);
	assert_null(plan->runscript);
	assert_int_equal(plan->timeout, 3600);
	assert_int_equal(plan->base.origin.line, 4);
	assert_int_equal(plan->base.origin.column, 20);
}

static void load_example(const char *name, struct sl_buf *text)
{
	struct sl_error err = {0};
	sl_auto_free char *path =
		sl_format(SEALIFT_SOURCE_DIR "/specs/examples/%s/%s.yaml", name, name);
	sl_buf_init(text, SL_LIMIT_SPEC);
	assert_true(sl_read_file(path, text, &err));
}

static void every_field_reaches_the_plan(void **state)
{
	(void)state;
	sl_auto_buf struct sl_buf text = {0};
	load_example("every-field", &text);
	auto_parsed struct parsed parsed = parse(text.data);
	const struct plan *plan = parsed.plan;
	assert_non_null(plan);
	assert_string_equal(plan->version, "2.1.0rc1");
	assert_int_equal(plan->base.kind, BASE_DOCKER);
	assert_string_equal(plan->base.reference, "docker.io/library/python");
	assert_string_equal(plan->base.tag, "3.13.2-slim-bookworm");
	char hex[SL_DIGEST_HEX + 1];
	sl_digest_hex(&plan->base.digest, hex);
	assert_string_equal(hex,
			    "ae9f9ac89467077ed1efefb6d9042132d28134ba201b2820227d46c9effd3174");
	assert_true(plan->has_pip);
	assert_int_equal(plan->requirements.len, 2);
	assert_string_equal(plan->requirements.items[0], "numpy>=2");
	assert_string_equal(plan->pip_lock, "requirements.lock");
	assert_int_equal(plan->wheelhouses.len, 1);
	assert_string_equal(plan->wheelhouses.items[0], "wheels");
	assert_int_equal(plan->installer, PIP_INSTALLER_UV);
	assert_int_equal(plan->files.len, 2);
	assert_string_equal(plan->files.items[0].to, "/etc/tide/app.ini");
	assert_int_equal(plan->files.items[0].mode, 0644);
	assert_int_equal(plan->files.items[1].mode, 0755);
	assert_int_equal(plan->env.len, 2);
	assert_string_equal(plan->env.items[1].value, "north \"pier\"");
	assert_int_equal(plan->post.len, 2);
	assert_string_equal(plan->post.items[0].run, "mkdir -p /var/lib/tide\n");
	assert_int_equal(plan->post.items[0].network, SCRIPT_NETWORK_ANY);
	assert_int_equal(plan->post.items[1].network, SCRIPT_NETWORK_NONE);
	assert_int_equal(plan->test.len, 1);
	assert_string_equal(plan->runscript, "export TIDE_STARTED=yes\n");
	assert_string_equal(plan->labels.items[0].name, "maintainer.team");
	assert_string_equal(plan->worker_version, "4.19.0");
	assert_int_equal(plan->timeout, 1800);
	assert_string_equal(plan->options.items[0], "--fix-perms");
	assert_int_equal(parsed.report.inputs.len, 4); // lock, wheels, two files
}

static void yaml_and_json_make_the_same_plan(void **state)
{
	(void)state;
	auto_parsed struct parsed yaml = parse(GOOD "env: {B: \"2\", A: 'x'}\n");
	auto_parsed struct parsed json =
		parse("{\"worker\":\"none\",\"env\":{\"A\":\"x\",\"B\":2},\"sealift\":1,"
		      "\"name\":\"tide\",\"version\":\"1.0.0\",\"base\":{\"localimage\":"
		      "\"base.sif\"},\"target\":{\"python\":\"3.11.2\"}}");
	assert_non_null(yaml.plan);
	assert_non_null(json.plan);
	sl_auto_json json_t *first = plan_to_json(yaml.plan);
	sl_auto_json json_t *second = plan_to_json(json.plan);
	assert_true(json_equal(first, second));
}

static void lists_are_sorted(void **state)
{
	(void)state;
	auto_parsed struct parsed parsed =
		parse(GOOD "env: {Z: a, A: b}\nlabels: {z: a, a: b}\n"
			   "files: [{from: one, to: /z}, {from: two, to: /a}]\n");
	assert_non_null(parsed.plan);
	assert_string_equal(parsed.plan->env.items[0].name, "A");
	assert_string_equal(parsed.plan->labels.items[0].name, "a");
	assert_string_equal(parsed.plan->files.items[0].to, "/a");
	assert_string_equal(parsed.plan->files.items[0].from, "two");
	assert_int_equal(parsed.plan->files.items[0].origin.column, 30);
}

static void problems_come_in_order_of_position_with_hints(void **state)
{
	(void)state;
	auto_parsed struct parsed parsed =
		parse("nmae: tide\nsealift: 1\nversion: \"1.0-1\"\nname: tide\n"
		      "base: {localimage: b}\ntarget: {python: \"3.11.2\"}\nworker: none\n");
	assert_null(parsed.plan);
	assert_int_equal(parsed.err.kind, SL_E_NONE);
	assert_int_equal(parsed.report.problems.len, 2);
	assert_string_equal(parsed.report.problems.items[0].path, "nmae");
	assert_string_equal(parsed.report.problems.items[0].hint, "did you mean 'name'?");
	assert_int_equal(parsed.report.problems.items[0].width, 4);
	assert_string_equal(parsed.report.problems.items[1].hint, "write 1.0.post1");
}

// The message that says how a lock is made names the spec's own Python and worker.
static void a_missing_lock_says_what_to_run(void **state)
{
	(void)state;
	auto_parsed struct parsed parsed =
		parse("sealift: 1\nname: tide\nversion: 1.0.0\nbase: {localimage: base.sif}\n"
		      "target: {python: \"3.12.1\"}\nworker: {version: \"4.19.0\"}\n");
	assert_int_equal(parsed.report.problems.len, 1);
	const char *hint = parsed.report.problems.items[0].hint;
	assert_non_null(strstr(hint, "uv pip compile --generate-hashes --python-version 3.12.1"));
	assert_non_null(strstr(hint, "pip-compile --generate-hashes"));
	assert_non_null(strstr(hint, "globus-compute-endpoint==4.19.0"));
}

static void t62_a_spec_past_the_ceiling_is_a_limit(void **state)
{
	(void)state;
	size_t len = SL_LIMIT_SPEC + 1;
	sl_auto_free char *text = sl_alloc(len + 1);
	memset(text, '\n', len);
	memcpy(text, GOOD, strlen(GOOD));
	auto_parsed struct parsed at = parse_bytes(text, SL_LIMIT_SPEC);
	assert_non_null(at.plan);
	auto_parsed struct parsed past = parse_bytes(text, len);
	assert_null(past.plan);
	assert_int_equal(past.err.kind, SL_E_LIMIT);
	assert_int_equal(past.report.problems.len, 0);
}

static char *repeated(const char *before, const char *text, size_t count, const char *after)
{
	struct sl_buf out;
	sl_buf_init(&out, SL_LIMIT_SPEC);
	sl_buf_adds(&out, before);
	for (size_t i = 0; i < count; i++)
		sl_buf_adds(&out, text);
	sl_buf_adds(&out, after);
	char *owned = sl_buf_steal(&out, NULL);
	sl_buf_release(&out);
	return owned;
}

static void t62_depth_is_limited_in_both_languages(void **state)
{
	(void)state;
	static const char message[] = "nested deeper than 32 levels";
	sl_auto_free char *yaml = repeated(GOOD "post: ", "[", 100000, "");
	assert_problem(yaml, 7, 38, message);
	sl_auto_free char *json = repeated("{\"a\":", "[", 100000, "");
	assert_problem(json, 1, 37, message);
	sl_auto_free char *block = repeated(GOOD "post:\n", "- ", 50000, "x\n");
	assert_problem(block, 8, 63, message);
}

static void t62_keys_and_values_are_counted(void **state)
{
	(void)state;
	const unsigned before = 19; // keys and values of GOOD, `post` and its list
	sl_auto_free char *list = repeated(GOOD "post: [", "a,", 70000, "]\n");
	assert_problem(list, 7, 8 + 2 * (65536 - before), "more than 65536 keys and values");
}

static void t62_keys_of_one_mapping_are_counted(void **state)
{
	(void)state;
	sl_auto_buf struct sl_buf text = {0};
	sl_buf_init(&text, SL_LIMIT_SPEC);
	sl_buf_adds(&text, GOOD "env:\n");
	for (int i = 0; i < 1025; i++)
		sl_buf_addf(&text, "  A%d: x\n", i);
	assert_problem(text.data, 8 + 1024, 3, "more than 1024 keys in one mapping");
}

static void problems_stop_at_their_ceiling(void **state)
{
	(void)state;
	sl_auto_buf struct sl_buf text = {0};
	sl_buf_init(&text, SL_LIMIT_SPEC);
	sl_buf_adds(&text, GOOD);
	for (int i = 0; i < 500; i++)
		sl_buf_addf(&text, "unknown-%d: x\n", i);
	auto_parsed struct parsed parsed = parse(text.data);
	assert_int_equal(parsed.report.problems.len, SL_LIMIT_PROBLEMS);
	const struct spec_problem *last = &parsed.report.problems.items[SL_LIMIT_PROBLEMS - 1];
	assert_int_equal(last->line, 0);
	assert_string_equal(last->message, "more problems than the 199 that are shown");
}

static void t56_options_are_no_requirements(void **state)
{
	(void)state;
	static const char *const items[] = {"-e .", "--index-url=https://example.org",
					    "-r other.txt", "-oAPT::x"};
	for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
		sl_auto_free char *text =
			sl_format(GOOD "pip: {lock: l, requirements: [\"%s\"]}\n", items[i]);
		sl_auto_free char *message =
			sl_format("'%s' is an option, not a requirement", items[i]);
		assert_problem(text, 7, 31, message);
	}
}

static void t58_paths_that_leave_the_folder_are_refused(void **state)
{
	(void)state;
	static const char *const paths[] = {"/etc/passwd", "../x", "a/../x", "a//x",
					    "./x",	   "a/",   "",	     "a\\\\b"};
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		sl_auto_free char *text = sl_format(GOOD "pip:\n  lock: \"%s\"\n", paths[i]);
		auto_parsed struct parsed parsed = parse(text);
		assert_null(parsed.plan);
		assert_int_equal(parsed.report.problems.len, 1);
		assert_non_null(strstr(parsed.report.problems.items[0].message,
				       "is not a plain relative path"));
		assert_int_equal(parsed.report.inputs.len, 1); // the base alone
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_filled_in),
		cmocka_unit_test(every_field_reaches_the_plan),
		cmocka_unit_test(yaml_and_json_make_the_same_plan),
		cmocka_unit_test(lists_are_sorted),
		cmocka_unit_test(problems_come_in_order_of_position_with_hints),
		cmocka_unit_test(a_missing_lock_says_what_to_run),
		cmocka_unit_test(t62_a_spec_past_the_ceiling_is_a_limit),
		cmocka_unit_test(t62_depth_is_limited_in_both_languages),
		cmocka_unit_test(t62_keys_and_values_are_counted),
		cmocka_unit_test(t62_keys_of_one_mapping_are_counted),
		cmocka_unit_test(problems_stop_at_their_ceiling),
		cmocka_unit_test(t56_options_are_no_requirements),
		cmocka_unit_test(t58_paths_that_leave_the_folder_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
