// SPDX-License-Identifier: Apache-2.0
// plan.json: reading is the exact inverse of writing, and nothing else is read.
#include "support.h"

static const char *const cases[] = {"every-field", "no-python", "pandas-pip", "pandas-uv",
				    "pinned"};

static void test_plan_round_trips(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		sl_auto_json json_t *json = load_json(cases[i], "plan.json");
		auto_plan struct plan *plan = load_plan(cases[i]);
		sl_auto_json json_t *again = plan_to_json(plan);
		assert_true(json_equal(json, again));
	}
}

static void test_plan_holds_what_the_text_says(void **state)
{
	(void)state;
	auto_plan struct plan *plan = load_plan("every-field");
	assert_string_equal(plan->version, "1!2.0rc1.post3.dev4+local.5");
	assert_int_equal(plan->base.kind, BASE_DOCKER_ARCHIVE);
	assert_string_equal(plan->base.file, "images/base.tar");
	assert_null(plan->base.reference);
	assert_int_equal(plan->pip_env, PIP_ENV_BASE);
	assert_int_equal(plan->installer, PIP_INSTALLER_PIP);
	assert_int_equal(plan->files.len, 4);
	assert_int_equal(plan->files.items[2].mode, 0600);
	assert_int_equal(plan->post.len, 2);
	assert_int_equal(plan->post.items[0].network, SCRIPT_NETWORK_ANY);
	assert_int_equal(plan->post.items[1].network, SCRIPT_NETWORK_NONE);
	assert_string_equal(plan->worker_version, "4.19.0");
	assert_int_equal(plan->timeout, 7200);
	auto_plan struct plan *bare = load_plan("no-python");
	assert_false(bare->has_pip);
	assert_null(bare->worker_version);
	assert_null(bare->runscript);
}

struct refusal {
	const char *path, *value; // JSON; NULL removes the member
	const char *says;	  // part of the message
};

static void refuse_each(const struct refusal *refusals, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		struct sl_error err = {0};
		sl_auto_json json_t *json = load_json("every-field", "plan.json");
		put_path(json, refusals[i].path,
			 refusals[i].value ? json_of(refusals[i].value) : NULL);
		auto_plan struct plan *plan = plan_from_json(json, &err);
		if (plan)
			fail_msg("%s = %s was read", refusals[i].path,
				 refusals[i].value ? refusals[i].value : "nothing");
		assert_int_equal(err.kind, SL_E_FORMAT);
		if (!strstr(err.text, refusals[i].says) ||
		    strncmp(err.text, "plan.json", strlen("plan.json")) != 0)
			fail_msg("%s: the message is: %s", refusals[i].path, err.text);
	}
}

#define REFUSE(list) refuse_each(list, sizeof(list) / sizeof *(list))

static void test_shape_is_checked(void **state)
{
	(void)state;
	static const struct refusal refusals[] = {
		{"name", NULL, "name"},
		{"base", NULL, "base"},
		{"post", NULL, "post"},
		{"target/python", NULL, "target.python"},
		{"base/kind", NULL, "base.kind"},
		{"build/timeout", NULL, "build.timeout"},
		{"extra", "1", "unknown key 'extra'"},
		{"base/digest", "\"00\"", "unknown key 'digest'"},
		{"pip/index", "\"https://example.org\"", "unknown key 'index'"},
		{"files/0/owner", "\"root\"", "unknown key 'owner'"},
		{"env/0/secret", "true", "unknown key 'secret'"},
		{"test/timeout", "1", "unknown key 'timeout'"},
		{"name", "1", "a string"},
		{"env", "{}", "an array"},
		{"env/0", "\"A=1\"", "an object"},
		{"pip", "[]", "an object"},
		{"post/0", "\"true\\n\"", "an object"},
		{"pip/requirements/0", "7", "must be text"},
		{"build/timeout", "\"60\"", "a whole number"},
		{"sealift_plan", "2", "format 1"},
		{"sealift_plan", "0", "format 1"},
	};
	REFUSE(refusals);
}

static void test_values_are_checked(void **state)
{
	(void)state;
	static const struct refusal refusals[] = {
		{"name", "\"Upper\"", "name"},
		{"name", "\"../x\"", "name"},
		{"version", "\"1.0.0-final\"", "version"},
		{"version", "\"01.0\"", "normal form"},
		{"worker", "\"4.19.0; evil\"", "worker"},
		{"worker", "\"v4.19.0\"", "worker"},
		{"target/python", "\"3.11\"", "full version"},
		{"target/python", "\"3.11.02\"", "full version"},
		{"target/python", "\"2.7.18\"", "Python 3"},
		{"target/glibc", "\"2.36-9\"", "glibc"},
		{"target/glibc", "\"2.36, os.system\"", "glibc"},
		{"target/platform", "\"linux/amd64\"", "linux/x86_64"},
		{"base/kind", "\"yum\"", "docker-archive"},
		{"base/file", "\"../base.tar\"", "relative path"},
		{"base/file", "\"/base.tar\"", "relative path"},
		{"pip/env", "\"conda\"", "pip.env"},
		{"pip/installer", "\"poetry\"", "pip.installer"},
		{"pip/lock", "\"a//b\"", "relative path"},
		{"pip/wheelhouses/0", "\"/wheels\"", "relative path"},
		{"files/0/mode", "\"4755\"", "files[0].mode"},
		{"files/0/mode", "\"644\"", "files[0].mode"},
		{"files/0/mode", "\"0888\"", "files[0].mode"},
		{"post/0/network", "\"host\"", "post[0].network"},
		{"post/0/run", "\"\"", "empty"},
		{"post/0/run", "\"true\"", "end with a line feed"},
		{"post/0/run", "\"true\\r\\n\"", "carriage return"},
		{"build/timeout", "0", "one second"},
		{"build/timeout", "604801", "limit"},
		{"build/options/0", "\"--sandbox\"", "must be one of"},
		{"build/options/0", "\"--fix-perms\\u0020\"", "must be one of"},
		{"build/options/1", "\"--fix-perms\"", "twice"},
		{"help", "\" \\n\"", "empty"},
	};
	REFUSE(refusals);
}

static void test_order_is_enforced(void **state)
{
	(void)state;
	static const struct refusal refusals[] = {
		{"files/0/to", "\"/zzz\"", "must come before"},
		{"files/1/to", "\"/app.bin\"", "must come before"},
		{"env/0/name", "\"ZZZ\"", "must come before"},
		{"env/1/name", "\"BRACES\"", "must come before"},
		{"labels/0/name", "\"z\"", "must come before"},
		{"labels/1/name", "\"maintainer\"", "must come before"},
	};
	REFUSE(refusals);
}

// `count` copies of what stands at path/0, each with its own name.
static void fill(json_t *json, const char *path, const char *key, const char *pattern, size_t count)
{
	json_t *array = at_path(json, path);
	sl_auto_json json_t *sample = json_deep_copy(json_array_get(array, 0));
	json_array_clear(array);
	for (size_t i = 0; i < count; i++) {
		json_t *item = json_deep_copy(sample);
		if (key) {
			char name[64];
			snprintf(name, sizeof name, pattern ? "%s%06zu" : "%s%zu",
				 pattern ? pattern : "", i);
			json_object_set_new(item, key, json_string(name));
		}
		json_array_append_new(array, item);
	}
}

static void check_ceiling(const char *path, const char *key, const char *pattern, size_t limit)
{
	for (size_t extra = 0; extra < 2; extra++) {
		struct sl_error err = {0};
		sl_auto_json json_t *json = load_json("every-field", "plan.json");
		fill(json, path, key, pattern, limit + extra);
		auto_plan struct plan *plan = plan_from_json(json, &err);
		if (extra == 0 && !plan)
			fail_msg("%s: %s", path, err.text);
		if (extra == 1 && plan)
			fail_msg("%s: more than the limit was read", path);
	}
}

static void t62_lists_meet_their_limits(void **state)
{
	(void)state;
	check_ceiling("files", "to", "/f", SL_LIMIT_FILES);
	check_ceiling("env", "name", "E", SL_LIMIT_ENV);
	check_ceiling("labels", "name", "l", SL_LIMIT_LABELS);
	check_ceiling("post", NULL, NULL, SL_LIMIT_SCRIPTS);
}

static char *filled(size_t len, const char *end)
{
	char *text = sl_alloc(len + strlen(end) + 1);
	memset(text, 'x', len);
	memcpy(text + len, end, strlen(end));
	return text;
}

static void t62_texts_meet_their_limits(void **state)
{
	(void)state;
	sl_auto_free char *script = filled(SL_LIMIT_SCRIPT - 1, "\n");
	sl_auto_free char *long_script = filled(SL_LIMIT_SCRIPT, "\n");
	assert_null(plan_check_script(script));
	assert_non_null(plan_check_script(long_script));
	sl_auto_free char *value = filled(SL_LIMIT_VALUE, "");
	sl_auto_free char *long_value = filled(SL_LIMIT_VALUE + 1, "");
	assert_null(plan_check_env_value(value));
	assert_non_null(plan_check_env_value(long_value));
	memset(value, '"', SL_LIMIT_VALUE); // twice as long once quoted: no section could hold it
	assert_non_null(plan_check_env_value(value));
	sl_auto_free char *help = filled(SL_LIMIT_HELP, "");
	assert_null(plan_check_help(help));
	memset(help + 1, '\n', SL_LIMIT_HELP - 1);
	assert_non_null(plan_check_help(help));
}

static void t62_a_requirement_as_long_as_it_may_be(void **state)
{
	(void)state;
	for (size_t more = 0; more < 2; more++) {
		struct sl_error err = {0};
		sl_auto_json json_t *json = load_json("every-field", "plan.json");
		sl_auto_free char *name = filled(SL_LIMIT_REQUIRE_LINE + more, "");
		json_t *list = json_array();
		sl_json_append(list, json_string(name));
		put_path(json, "pip/requirements", list);
		auto_plan struct plan *plan = plan_from_json(json, &err);
		if (!plan == !more)
			fail_msg("%zu more: %s", more, err.text);
	}
}

static void t62_a_version_as_long_as_it_may_be(void **state)
{
	(void)state;
	static const char *const paths[] = {"version", "worker"};
	for (size_t i = 0; i < 4; i++) {
		struct sl_error err = {0};
		size_t more = i % 2;
		char version[SL_LIMIT_VERSION + 2] = {0};
		memset(version, '1', SL_LIMIT_VERSION + more);
		sl_auto_json json_t *json = load_json("every-field", "plan.json");
		put_path(json, paths[i / 2], json_string(version));
		auto_plan struct plan *plan = plan_from_json(json, &err);
		if (!plan == !more)
			fail_msg("%s, %zu more: %s", paths[i / 2], more, err.text);
	}
}

static void test_rules_say_what_is_right(void **state)
{
	(void)state;
	static const char *const references[] = {
		"docker.io/library/python", "localhost/x", "localhost:5000/a/b",
		"registry.example.org:443/a/b-c/d__e.f", "nvcr.io/nvidia/pytorch"};
	for (size_t i = 0; i < sizeof references / sizeof *references; i++)
		if (plan_check_reference(references[i]))
			fail_msg("%s was refused", references[i]);
	static const char *const wrong[] = {"python",
					    "library/python",
					    "docker.io/",
					    "docker.io/Python",
					    "docker.io/a:1",
					    "docker.io/a@sha256:00",
					    "docker://docker.io/a",
					    "docker.io//a",
					    "docker.io/a/",
					    "docker.io/-a",
					    "docker.io/a..b",
					    "docker.io/a___b",
					    "docker.io/a b",
					    "docker.io/a#b",
					    "docker.io:x/a",
					    "docker.io:/a",
					    "-x.io/a",
					    "docker.io/a\n",
					    "",
					    "/",
					    "docker.io/a\\"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (!plan_check_reference(wrong[i]))
			fail_msg("%s was accepted", wrong[i]);
	for (size_t i = 0; plan_build_options()[i]; i++)
		assert_null(plan_check_build_option(plan_build_options()[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plan_round_trips),
		cmocka_unit_test(test_plan_holds_what_the_text_says),
		cmocka_unit_test(test_shape_is_checked),
		cmocka_unit_test(test_values_are_checked),
		cmocka_unit_test(test_order_is_enforced),
		cmocka_unit_test(t62_lists_meet_their_limits),
		cmocka_unit_test(t62_texts_meet_their_limits),
		cmocka_unit_test(t62_a_requirement_as_long_as_it_may_be),
		cmocka_unit_test(t62_a_version_as_long_as_it_may_be),
		cmocka_unit_test(test_rules_say_what_is_right),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
