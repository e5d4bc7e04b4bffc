// SPDX-License-Identifier: Apache-2.0
// bundles/trust/policy.c: reading, writing and editing the policy.
#include "tests/bundles/trust/fixtures.h"

#define KEY_A "RWSDYeEpcIsUTKW1C4RUgZTX/9SeHZ6DFvC1nYYJahlLpxt16eIDl1oq"
#define KEY_B "RWR7Td/lmZZsvT6LTBtexd59GjWrIoJWb6SnsnGqYA3Z/Ul93+hPRuVI"
// the bytes of A under the id of B
#define KEY_A2 "RWR7Td/lmZZsvaW1C4RUgZTX/9SeHZ6DFvC1nYYJahlLpxt16eIDl1oq"
#define ENTRY(name, key, roles) \
	"{\"name\":\"" name "\",\"public_key\":\"" key "\",\"roles\":[" roles "]}"
#define POLICY(keys) "{\"keys\":[" keys "],\"sealift_policy\":1}"

static bool parse(const char *text, struct policy *out, struct sl_error *err)
{
	return policy_parse(text, strlen(text), "policy.json", out, err);
}

static void reads_and_writes_the_same(void **state)
{
	(void)state;
	struct sl_error err = {0};
	auto_policy struct policy policy = {0}, again = {0};
	sl_auto_buf struct sl_buf text = {0}, second = {0};
	sl_buf_init(&text, 10000);
	sl_buf_init(&second, 10000);
	assert_true(parse(POLICY(ENTRY("ada", KEY_A, "\"prepare\"") "," ENTRY(
				  "bob", KEY_B, "\"approve\",\"prepare\"")),
			  &policy, &err));
	assert_int_equal(policy.keys.len, 2);
	assert_true(policy.keys.items[0].may_prepare && !policy.keys.items[0].may_approve);
	assert_true(policy.keys.items[1].may_prepare && policy.keys.items[1].may_approve);
	assert_true(policy_format(&policy, &text, &err));
	assert_true(policy_parse(text.data, text.len, "again", &again, &err));
	assert_true(policy_format(&again, &second, &err));
	assert_string_equal(text.data, second.data);
}

static void t31_one_key_under_two_names_is_refused(void **state)
{
	(void)state;
	struct policy policy;
	struct sl_error same = {0}, other_id = {0};
	assert_fails(parse(POLICY(ENTRY("ada", KEY_A, "\"prepare\"") "," ENTRY("ada2", KEY_A,
									       "\"approve\"")),
			   &policy, &same),
		     same, SL_E_INPUT, "listed already, as 'ada'");
	assert_fails(parse(POLICY(ENTRY("ada", KEY_A, "\"prepare\"") "," ENTRY("ada2", KEY_A2,
									       "\"approve\"")),
			   &policy, &other_id),
		     other_id, SL_E_INPUT, "listed already, as 'ada'");
}

static void mistakes_are_named_with_their_place(void **state)
{
	(void)state;
	static const struct {
		const char *text, *fragment;
	} cases[] = {
		{"{", "policy.json:1:"},
		{"[]", "an object is needed"},
		{"{\"keys\":[]}", "sealift_policy: missing"},
		{"{\"keys\":[],\"sealift_policy\":2}", "number 1 only"},
		{"{\"keys\":[],\"keys\":[],\"sealift_policy\":1}", "duplicate"},
		{"{\"keys\":[],\"sealift_policy\":1,\"approval\":1}", "unknown key 'approval'"},
		{POLICY("{\"name\":\"a\",\"public_key\":\"" KEY_A "\",\"role\":[\"prepare\"]}"),
		 "keys[0]"},
		{POLICY(ENTRY("a", KEY_A, "")), "keys[0].roles: empty"},
		{POLICY(ENTRY("a", KEY_A, "\"sign\"")), "a role is"},
		{POLICY(ENTRY("a", KEY_A, "\"prepare\",\"prepare\"")), "twice"},
		{POLICY(ENTRY("a", "RWQ", "\"prepare\"")), "keys[0].public_key: not a minisign"},
		{POLICY(ENTRY("", KEY_A, "\"prepare\"")), "keys[0]: a name has 1 to 100"},
		{POLICY(ENTRY("a\\u001b[2J", KEY_A, "\"prepare\"")), "no control"},
		{POLICY(ENTRY("a\\u202e", KEY_A, "\"prepare\"")), "invisible"},
		{POLICY(ENTRY("a", KEY_A, "\"prepare\"") "," ENTRY("a", KEY_B, "\"prepare\"")),
		 "keys[1]: the name 'a' is used already"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct policy policy;
		struct sl_error err = {0};
		assert_fails(parse(cases[i].text, &policy, &err), err, SL_E_INPUT,
			     cases[i].fragment);
		assert_null(policy.keys.items);
	}
}

static void t34_two_keys_may_share_an_id(void **state)
{
	(void)state;
	struct sl_error err = {0};
	auto_policy struct policy policy = {0};
	struct secret_key *a = fixture_key(1), *b = fixture_key(2);
	struct public_key twin = *secret_key_public(b);
	memcpy(twin.id, secret_key_public(a)->id, 8);
	fixture_trust(&policy, a, "a", true, false);
	char name[] = "b";
	struct policy_key entry = {.name = name, .key = twin, .may_prepare = true};
	assert_true(policy_add(&policy, &entry, &err));
	assert_string_equal(policy_find(&policy, secret_key_public(b))->name, "b");
	secret_key_free(a);
	secret_key_free(b);
}

static void removes_by_name_and_by_fingerprint(void **state)
{
	(void)state;
	auto_policy struct policy policy = {0};
	struct secret_key *keys[] = {fixture_key(1), fixture_key(2), fixture_key(3)};
	char fingerprint[65];
	fixture_trust(&policy, keys[0], "a", true, false);
	fixture_trust(&policy, keys[1], "b", true, false);
	fixture_trust(&policy, keys[2], "c", false, true);
	public_key_fingerprint(secret_key_public(keys[2]), fingerprint);
	policy_remove(&policy, policy_find_name(&policy, "a"));
	assert_int_equal(policy.keys.len, 2);
	assert_null(policy_find_name(&policy, "a"));
	policy_remove(&policy, policy_find_name(&policy, fingerprint));
	assert_int_equal(policy.keys.len, 1);
	assert_string_equal(policy.keys.items[0].name, "b");
	for (size_t i = 0; i < 3; i++)
		secret_key_free(keys[i]);
}

// A policy with `count` elements in the list `key`, each `before` number `after`.
static bool parse_list(const char *key, const char *before, const char *after, size_t count,
		       struct policy *out, struct sl_error *err)
{
	sl_auto_buf struct sl_buf text = {0};
	sl_buf_init(&text, SL_LIMIT_POLICY);
	sl_buf_addf(&text, "{\"keys\":[],\"sealift_policy\":1,\"%s\":[", key);
	for (size_t i = 0; i < count; i++)
		sl_buf_addf(&text, "%s%s%zu%s", i ? "," : "", before, i, after);
	sl_buf_adds(&text, "]}");
	return sl_buf_ok(&text, "policy", err) && policy_parse(text.data, text.len, "p", out, err);
}

static void t17_lists_end_at_their_limits(void **state)
{
	(void)state;
	static const struct {
		const char *key, *before, *after;
		size_t most;
	} cases[] = {
		{"bases", "\"a.example/x", "\"", SL_LIMIT_POLICY_BASES},
		{"indexes", "\"https://a.example/x", "\"", SL_LIMIT_POLICY_INDEXES},
		{"denied", "\"x", "\"", SL_LIMIT_POLICY_DENIED},
		{"versions", "{\"lowest\":\"1\",\"name\":\"x", "\"}", SL_LIMIT_POLICY_VERSIONS},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct sl_error err = {0}, past = {0};
		auto_policy struct policy policy = {0};
		struct policy none;
		if (!parse_list(cases[i].key, cases[i].before, cases[i].after, cases[i].most,
				&policy, &err))
			fail_msg("%s", err.text);
		assert_fails(parse_list(cases[i].key, cases[i].before, cases[i].after,
					cases[i].most + 1, &none, &past),
			     past, SL_E_INPUT, "more than");
	}
}

static void t17_numbers_and_patterns_end_at_their_limits(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool good;
	} cases[] = {
		{"\"approvals\":64", true},
		{"\"approvals\":65", false},
		{"\"signed_within_days\":36500", true},
		{"\"signed_within_days\":36501", false},
		{"\"signed_within_days\":1", true},
		{"\"signed_within_days\":0", false},
		{"\"largest\":4398046511104", true},
		{"\"largest\":4398046511105", false},
		{"\"largest\":0", false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct sl_error err = {0};
		auto_policy struct policy policy = {0};
		sl_auto_free char *text =
			sl_format("{\"keys\":[],\"sealift_policy\":1,%s}", cases[i].text);
		if (parse(text, &policy, &err) != cases[i].good)
			fail_msg("%s: %s", cases[i].text, err.text);
	}
	for (size_t count = SL_LIMIT_KEY_PATTERNS; count <= SL_LIMIT_KEY_PATTERNS + 1; count++) {
		struct sl_error err = {0};
		auto_policy struct policy policy = {0};
		sl_auto_buf struct sl_buf text = {0};
		sl_buf_init(&text, 10000);
		sl_buf_adds(&text, "{\"sealift_policy\":1,\"keys\":[{\"name\":\"a\",\"public_key\":"
				   "\"" KEY_A "\",\"roles\":[\"prepare\"],\"bundles\":[");
		for (size_t i = 0; i < count; i++)
			sl_buf_addf(&text, "%s\"x%zu\"", i ? "," : "", i);
		sl_buf_adds(&text, "]}]}");
		assert_int_equal(parse(text.data, &policy, &err), count == SL_LIMIT_KEY_PATTERNS);
	}
}

static void t17_as_many_keys_as_there_may_be(void **state)
{
	(void)state;
	auto_policy struct policy policy = {0};
	for (unsigned i = 0; i <= SL_LIMIT_KEYS; i++) {
		struct sl_error err = {0};
		sl_auto_free char *name = sl_format("key %u", i);
		struct policy_key entry = {.name = name, .may_approve = true};
		memcpy(entry.key.key, &i, sizeof i);
		assert_int_equal(policy_add(&policy, &entry, &err), i < SL_LIMIT_KEYS);
		assert_int_equal(err.kind, i < SL_LIMIT_KEYS ? SL_E_NONE : SL_E_LIMIT);
	}
	assert_int_equal(policy.keys.len, SL_LIMIT_KEYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t17_lists_end_at_their_limits),
		cmocka_unit_test(t17_as_many_keys_as_there_may_be),
		cmocka_unit_test(t17_numbers_and_patterns_end_at_their_limits),
		cmocka_unit_test(reads_and_writes_the_same),
		cmocka_unit_test(t31_one_key_under_two_names_is_refused),
		cmocka_unit_test(mistakes_are_named_with_their_place),
		cmocka_unit_test(t34_two_keys_may_share_an_id),
		cmocka_unit_test(removes_by_name_and_by_fingerprint),
	};
	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
