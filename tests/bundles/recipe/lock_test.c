// SPDX-License-Identifier: Apache-2.0
// lock.json: reading is the exact inverse of writing, nothing else is read, and a lock has to fit
// its plan.
#include "support.h"

static const char *const cases[] = {"every-field", "no-python", "pandas-pip", "pandas-uv",
				    "pinned"};

static void test_lock_round_trips(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		sl_auto_json json_t *json = load_json(cases[i], "lock.json");
		auto_lock struct lock *lock = load_lock(cases[i]);
		sl_auto_buf struct sl_buf wanted, again;
		sl_buf_init(&wanted, SL_MIB);
		sl_buf_init(&again, SL_MIB);
		struct sl_error err = {0};
		assert_true(sl_json_canonical(json, &wanted, &err));
		lock_format(lock, &again);
		assert_string_equal(again.data, wanted.data);
	}
}

static void test_packages_are_found_by_name(void **state)
{
	(void)state;
	auto_lock struct lock *lock = load_lock("pandas-uv");
	assert_string_equal(lock_find(lock, "pandas")->version, "3.1.1");
	assert_string_equal(lock_find(lock, lock->packages.items[0].name)->name,
			    lock->packages.items[0].name);
	assert_null(lock_find(lock, "Pandas"));
	assert_null(lock_find(lock, "zzz"));
	auto_lock struct lock *empty = lock_new();
	assert_null(lock_find(empty, "pandas"));
}

struct refusal {
	const char *path, *value; // JSON; NULL removes the member
	const char *says;	  // part of the message
};

#define HEX0 "\"0000000000000000000000000000000000000000000000000000000000000000\""
#define HEXF "\"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\""

// In the case: 0 globus-compute-endpoint, 1 numpy, 2 pandas, 3 python-dateutil, 4 tzdata (fetched).
static const struct refusal refusals[] = {
	{"packages", NULL, "packages"},
	{"sealift_lock", "2", "format 1"},
	{"dependencies_checked", NULL, "dependencies_checked"},
	{"dependencies_checked", "false", "unknown key 'requires'"},
	{"base/path", "\"x\"", "unknown key 'path'"},
	{"base/size", "-1", "whole number"},
	{"base/size", "1099511627777", "limit"},
	{"base/sha256", "\"ABCD\"", "hexadecimal"},
	{"installer/name", "\"conda\"", "pip or uv"},
	{"installer/name", "\"uv\"", "wheel of uv"},
	{"installer/file", "\"pip-26.0-py3-none-any.whl/x\"", "wheel"},
	{"installer/file", "\"../pip-26.0-py3-none-any.whl\"", "wheel"},
	{"installer/wheel", NULL, "installer.wheel"},
	{"packages/0/name", "\"Globus_Compute_Endpoint\"", "normal form"},
	{"packages/0/name", "\"--index-url\"", "normal form"},
	{"packages/0/name", "\"zzz\"", "wheel of zzz"},
	{"packages/1/name", "\"aaa\"", "sorted by name"},
	{"packages/4/name", "\"python-dateutil\"", "sorted by name"},
	{"packages/0/version", "\"4.19.0 --hash\"", "normal form"},
	{"packages/0/version", "\"4.19\"", "wheel of"},
	{"packages/0/file", "\"globus_compute_endpoint-4.19.0.tar.gz\"", "wheel"},
	{"packages/0/file", "\"evil-4.19.0-py3-none-any.whl\"", "wheel"},
	{"packages/0/file", "\"globus_compute_endpoint-4.18.0-py3-none-any.whl\"", "wheel"},
	{"packages/0/file", "\"globus_compute_endpoint-4.19.0-py3-none-any $(id).whl\"", "wheel"},
	{"packages/0/file", "\"globus_compute_endpoint-4.19.0-py3-none-any.whl\\n\"", "wheel"},
	{"packages/0/file", NULL, "file"},
	{"packages/0/wheel", NULL, "unknown key 'file'"},
	{"packages/0/wheel/sha256", HEX0, "not among the hashes"},
	{"packages/0/hashes", "[]", "not be empty"},
	{"packages/0/hashes/0", HEXF, "sorted"},
	{"packages/0/hashes/0", "\"sha256:00\"", "not a sha256"},
	{"packages/0/hashes/0", "7", "not a sha256"},
	{"packages/0/requires", NULL, "requires"},
	{"packages/2/requires/0", "\"zzz\"", "sorted"},
	{"packages/4/requires", "[\"absent\"]", "not locked"},
	{"packages/4/requires", "[\"Not Normal\"]", "not a package name"},
	{"packages/4/file", "\"tzdata-2026.6-py3-none-any.whl\"", "unknown key 'file'"},
};

static void test_everything_else_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
		const struct refusal *refusal = &refusals[i];
		struct sl_error err = {0};
		sl_auto_json json_t *json = load_json("every-field", "lock.json");
		put_path(json, refusal->path, refusal->value ? json_of(refusal->value) : NULL);
		auto_lock struct lock *lock = lock_from_json(json, &err);
		if (lock)
			fail_msg("%s = %s was read", refusal->path, refusal->value);
		assert_int_equal(err.kind, SL_E_FORMAT);
		if (!strstr(err.text, refusal->says) || strncmp(err.text, "lock.json", 9) != 0)
			fail_msg("%s: the message is: %s", refusal->path, err.text);
	}
}

// With one more the length is what is wrong, before that it is what stands in the list.
static void test_t17_lists_end_at_their_limits(void **state)
{
	(void)state;
	static const struct {
		const char *path;
		size_t most;
	} lists[] = {
		{"packages", SL_LIMIT_PACKAGES},
		{"packages/4/requires", SL_LIMIT_REQUIRES},
		{"packages/0/hashes", SL_LIMIT_HASHES},
		{"files", SL_LIMIT_FILES},
	};
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		for (size_t more = 0; more < 2; more++) {
			struct sl_error err = {0};
			sl_auto_json json_t *json = load_json("every-field", "lock.json");
			json_t *list = json_array();
			for (size_t n = 0; n < lists[i].most + more; n++)
				sl_json_append(list, json_null());
			put_path(json, lists[i].path, list);
			sl_auto_free char *says =
				sl_format("more than %zu elements", lists[i].most);
			assert_null(lock_from_json(json, &err));
			if (!strstr(err.text, says) != !more)
				fail_msg("%s: %zu more: %s", lists[i].path, more, err.text);
		}
	}
}

static void test_t17_a_package_name_as_long_as_it_may_be(void **state)
{
	(void)state;
	for (size_t more = 0; more < 2; more++) {
		struct sl_error err = {0};
		sl_auto_json json_t *json = load_json("every-field", "lock.json");
		char name[SL_LIMIT_PACKAGE_NAME + 2] = {0};
		memset(name, 'z', SL_LIMIT_PACKAGE_NAME + more);
		json_t *list = json_array();
		sl_json_append(list, json_string(name));
		put_path(json, "packages/4/requires", list);
		assert_null(lock_from_json(json, &err));
		if (!strstr(err.text, more ? "is not a package name" : "which is not locked"))
			fail_msg("%zu more: %s", more, err.text);
	}
}

// What a writer could ask for.
static void test_t17_locks_that_are_too_long_are_refused_as_values(void **state)
{
	(void)state;
	auto_lock struct lock *lock = load_lock("every-field");
	size_t len = lock->packages.len;
	struct sl_error err = {0};
	lock->packages.len = SL_LIMIT_PACKAGES + 1;
	assert_false(lock_check_values(lock, &err));
	lock->packages.len = len;
	assert_int_equal(err.kind, SL_E_LIMIT);
	struct sl_strings *requires = &lock->packages.items[len - 1].requires;
	sl_strings_release(requires);
	for (size_t i = 0; i <= SL_LIMIT_REQUIRES; i++) {
		struct sl_error why = {0};
		sl_auto_free char *name = sl_format("a%05zu", i);
		sl_strings_add(requires, name);
		if (i + 1 < SL_LIMIT_REQUIRES)
			continue;
		assert_false(lock_check_values(lock, &why));
		bool past = i >= SL_LIMIT_REQUIRES;
		if (!strstr(why.text, past ? "more than 4096 entries" : "which is not locked"))
			fail_msg("%zu: %s", i, why.text);
	}
}

static void test_t20_a_blob_as_large_as_it_may_be(void **state)
{
	(void)state;
	struct sl_error err = {0};
	sl_auto_json json_t *json = load_json("every-field", "lock.json");
	put_path(json, "base/size", json_integer((json_int_t)SL_LIMIT_BLOB));
	auto_lock struct lock *lock = lock_from_json(json, &err);
	if (!lock)
		fail_msg("%s", err.text);
}

static void expect_misfit(const struct lock *lock, const struct plan *plan, const char *says)
{
	struct sl_error err = {0};
	assert_false(lock_check(lock, plan, &err));
	assert_int_equal(err.kind, SL_E_FORMAT);
	if (!strstr(err.text, says))
		fail_msg("wanted '%s', the message is: %s", says, err.text);
}

static void test_lock_fits_its_plan(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct sl_error err = {0};
		auto_plan struct plan *plan = load_plan(cases[i]);
		auto_lock struct lock *lock = load_lock(cases[i]);
		if (!lock_check(lock, plan, &err))
			fail_msg("%s: %s", cases[i], err.text);
	}
}

static void t25_parts_of_two_bundles_do_not_fit(void **state)
{
	(void)state;
	auto_plan struct plan *every = load_plan("every-field"), *pinned = load_plan("pinned");
	auto_plan struct plan *none = load_plan("no-python"), *uv = load_plan("pandas-uv");
	auto_lock struct lock *every_lock = load_lock("every-field"),
			      *uv_lock = load_lock("pandas-uv");
	auto_lock struct lock *pinned_lock = load_lock("pinned"),
			      *pip_lock = load_lock("pandas-pip");
	expect_misfit(uv_lock, every, "files: 0 entries, the plan has 4");
	expect_misfit(every_lock, uv, "files: 4 entries, the plan has 0");
	expect_misfit(uv_lock, pinned, "fetched by digest, not carried");
	expect_misfit(pinned_lock, uv, "base: missing");
	expect_misfit(uv_lock, none, "asks for no packages");
	uv->installer = PIP_INSTALLER_UV;
	expect_misfit(pip_lock, uv, "installer: is pip, the plan says uv");
}

static void test_worker_and_installer_are_tied(void **state)
{
	(void)state;
	auto_plan struct plan *plan = load_plan("pandas-uv");
	auto_lock struct lock *lock = load_lock("pandas-uv");
	free(plan->worker_version);
	plan->worker_version = sl_strdup("4.18.0");
	expect_misfit(lock, plan, "is 4.19.0, the plan says 4.18.0");
	lock->has_installer = false;
	free(plan->worker_version);
	plan->worker_version = sl_strdup("4.19.0");
	expect_misfit(lock, plan, "installer: missing");
	lock->has_installer = true;
	sl_list_each (&lock->packages, package) {
		package->carried = false;
	}
	expect_misfit(lock, plan, "no carried wheel");
	auto_lock struct lock *empty = load_lock("no-python");
	expect_misfit(empty, plan, "globus-compute-endpoint is missing");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lock_round_trips),
		cmocka_unit_test(test_packages_are_found_by_name),
		cmocka_unit_test(test_everything_else_is_refused),
		cmocka_unit_test(test_t17_lists_end_at_their_limits),
		cmocka_unit_test(test_t17_locks_that_are_too_long_are_refused_as_values),
		cmocka_unit_test(test_t17_a_package_name_as_long_as_it_may_be),
		cmocka_unit_test(test_t20_a_blob_as_large_as_it_may_be),
		cmocka_unit_test(test_lock_fits_its_plan),
		cmocka_unit_test(t25_parts_of_two_bundles_do_not_fit),
		cmocka_unit_test(test_worker_and_installer_are_tied),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
