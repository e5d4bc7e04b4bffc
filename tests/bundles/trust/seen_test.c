// SPDX-License-Identifier: Apache-2.0
// bundles/trust/seen.c: what has passed here before.
#include "tests/bundles/trust/fixtures.h"

#include <sys/wait.h>

static char home[] = "seen-home-XXXXXX";

static int set_up(void **state)
{
	(void)state;
	memcpy(home + strlen(home) - 6, "XXXXXX", 6);
	sl_auto_free char *here = getcwd(NULL, 0);
	if (!here || !mkdtemp(home))
		return -1;
	sl_auto_free char *path = sl_format("%s/%s", here, home);
	return setenv("SEALIFT_HOME", path, 1);
}

static int tear_down(void **state)
{
	(void)state;
	sl_auto_free char *command = sl_format("rm -rf '%s'", home);
	return system(command);
}

static void note(const char *name, const char *version, int64_t now)
{
	struct sl_error err = {0};
	if (!seen_note(name, version, NULL, now, &err))
		fail_msg("%s", err.text);
}

static void expect(const char *name, const char *version, int64_t latest)
{
	struct sl_error err = {0};
	auto_seen struct seen seen = {0};
	if (!seen_load(&seen, &err))
		fail_msg("%s", err.text);
	const struct seen_version *found = seen_find(&seen, name);
	assert_int_equal(seen.latest, latest);
	if (version)
		assert_string_equal(found->version, version);
	else
		assert_null(found);
}

static void t40_the_newest_version_of_each_name_is_kept(void **state)
{
	(void)state;
	expect("one", NULL, 0);
	note("one", "1.10.0", 1000);
	note("one", "1.9.0", 2000); // nothing new within the hour
	expect("one", "1.10.0", 1000);
	note("one", "1.9.0", 5000);
	expect("one", "1.10.0", 5000);
	note("one", "1.10.1", 6000);
	note("a", "2!0.1", 6000);
	note("z", "1.0rc1", 6000);
	note("m", "1", 6000);
	expect("one", "1.10.1", 6000);
	expect("a", "2!0.1", 6000);
	expect("z", "1.0rc1", 6000);
	expect("b", NULL, 6000);
	note("z", "1.0", 2000); // the clock went back: the latest time stays
	expect("z", "1.0", 6000);
}

static void t42_what_does_not_count_any_more_is_replaced(void **state)
{
	(void)state;
	struct sl_error err = {0};
	note("x", "999", 1000);
	assert_true(seen_note("x", "2.0", "1.9", 1000, &err)); // itself too high
	expect("x", "999", 1000);
	assert_true(seen_note("x", "1.5", "1.9", 1000, &err));
	expect("x", "1.5", 1000);
	assert_true(seen_note("x", "1.4", "1.9", 1000, &err));
	expect("x", "1.5", 1000);
}

static void t72_many_processes_lose_no_note(void **state)
{
	(void)state;
	pid_t children[8];
	for (size_t i = 0; i < 8; i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (children[i] == 0) {
			struct sl_error err = {0};
			bool good = true;
			for (size_t j = 0; good && j < 8; j++) {
				sl_auto_free char *name = sl_format("n%zu-%zu", i, j);
				good = seen_note(name, "1.0", NULL, 1000, &err);
			}
			_exit(good ? 0 : 1);
		}
	}
	for (size_t i = 0; i < 8; i++) {
		int status;
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	struct sl_error err = {0};
	auto_seen struct seen seen = {0};
	assert_true(seen_load(&seen, &err));
	assert_int_equal(seen.versions.len, 64);
}

static void a_broken_file_is_an_error_not_an_empty_memory(void **state)
{
	(void)state;
	static const struct {
		const char *text, *fragment;
	} cases[] = {
		{"", "seen.json"},
		{"{}", "sealift_seen: missing"},
		{"{\"latest\":\"2026-01-01T00:00:00Z\",\"sealift_seen\":2,\"versions\":[]}",
		 "number 1 only"},
		{"{\"latest\":\"yesterday\",\"sealift_seen\":1,\"versions\":[]}", "a time like"},
		{"{\"latest\":\"2026-01-01T00:00:00Z\",\"sealift_seen\":1,\"versions\":[{\"name\":"
		 "\"b\","
		 "\"time\":\"2026-01-01T00:00:00Z\",\"version\":\"1.0\"},{\"name\":\"a\",\"time\":"
		 "\"2026-01-01T00:00:00Z\",\"version\":\"1.0\"}]}",
		 "not in order"},
		{"{\"latest\":\"2026-01-01T00:00:00Z\",\"sealift_seen\":1,\"versions\":[{\"name\":"
		 "\"b\","
		 "\"time\":\"2026-01-01T00:00:00Z\",\"version\":\"v1\"}]}",
		 "normal form"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct seen seen;
		struct sl_error err = {0};
		assert_fails(
			seen_parse(cases[i].text, strlen(cases[i].text), "seen.json", &seen, &err),
			err, SL_E_INPUT, cases[i].fragment);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(t40_the_newest_version_of_each_name_is_kept, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(t42_what_does_not_count_any_more_is_replaced,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(t72_many_processes_lose_no_note, set_up, tear_down),
		cmocka_unit_test(a_broken_file_is_an_error_not_an_empty_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
