// SPDX-License-Identifier: Apache-2.0
// bundles/trust/policy_values.c: what a good value is, and what it matches.
#include "tests/bundles/trust/fixtures.h"

static void expect_good(const char *(*check)(const char *text), const char *text, bool good)
{
	const char *wrong = check(text);
	if ((wrong == NULL) != good)
		fail_msg("'%s' is %s", text, wrong ? wrong : "taken for good");
}

static void patterns_match_whole_names(void **state)
{
	(void)state;
	static const struct {
		const char *pattern, *name;
		bool matches;
	} cases[] = {
		{"a", "a", true},
		{"a", "ab", false},
		{"a", "b", false},
		{"*", "anything", true},
		{"a*", "a", true},
		{"a*", "abc", true},
		{"*c", "abc", true},
		{"*c", "abcd", false},
		{"a*c", "ac", true},
		{"a*c", "abcbc", true},
		{"a*c", "abcb", false},
		{"*a*", "bab", true},
		{"a**b", "ab", true},
		{"pandas-*", "pandas", false},
		{"pandas-*", "pandas-x", true},
		{"*-*-*", "a-b-c", true},
		{"*-*-*", "a-b", false},
		{"a.b", "axb", false},
		{"*ab*ab", "ababab", true},
		{"*ab*ab", "abab", true},
		{"*ab*ab", "ab", false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (policy_name_matches(cases[i].pattern, cases[i].name) != cases[i].matches)
			fail_msg("'%s' and '%s'", cases[i].pattern, cases[i].name);
	static const char *const bad[] = {"", "A", "a b", "-a", ".a", "a/b", "a?", "a\n", "[a]"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		expect_good(policy_check_pattern, bad[i], false);
	char longest[65];
	memset(longest, 'a', 64);
	longest[63] = '\0';
	expect_good(policy_check_pattern, longest, true);
	longest[63] = 'a';
	longest[64] = '\0';
	expect_good(policy_check_pattern, longest, false);
}

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void t48_bases_are_compared_by_whole_components(void **state)
{
	(void)state;
	char reference[] = "docker.io/library/python";
	struct plan_base docker = {.kind = BASE_DOCKER, .reference = reference};
	struct plan_base carried = {.kind = BASE_OCI_ARCHIVE};
	struct sl_digest digest;
	assert_true(sl_digest_parse(HEX, &digest));
	docker.digest = digest;
	static const struct {
		const char *allowed;
		bool docker, carried;
	} cases[] = {
		{"docker.io/library/python", true, false},
		{"docker.io/library", true, false},
		{"docker.io", true, false},
		{"docker.io/library/pyth", false, false},
		{"docker.io/lib", false, false},
		{"docker.i", false, false},
		{"docker.io/library/python/x", false, false},
		{"docker.io/library2", false, false},
		{"sha256:" HEX, true, true},
		{"sha256:1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", false,
		 false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		expect_good(policy_check_base, cases[i].allowed, true);
		if (policy_base_matches(cases[i].allowed, &docker, &digest) != cases[i].docker ||
		    policy_base_matches(cases[i].allowed, &carried, &digest) != cases[i].carried)
			fail_msg("'%s'", cases[i].allowed);
	}
	static const char *const bad[] = {"",
					  "/",
					  "docker.io/",
					  "docker.io//a",
					  "docker.io/A",
					  "docker.io/a:tag",
					  "docker.io/a@sha256:" HEX,
					  "sha256:" HEX "0",
					  "sha256:",
					  "https://docker.io/a",
					  "python"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		expect_good(policy_check_base, bad[i], false);
}

static void t48_indexes_are_compared_by_whole_components(void **state)
{
	(void)state;
	static const struct {
		const char *allowed, *url;
		bool matches;
	} cases[] = {
		{"https://a.example/simple", "https://a.example/simple", true},
		{"https://a.example/simple", "https://a.example/simple/", true},
		{"https://a.example/simple/", "https://a.example/simple", true},
		{"https://a.example", "https://a.example/simple", true},
		{"https://a.example/", "https://a.example/simple", true},
		{"https://a.example/simple", "https://a.example/simple2", false},
		{"https://a.example/simple", "https://a.example.org/simple", false},
		{"https://a.example/simple", "http://a.example/simple", false},
		{"https://a.example:443/simple", "https://a.example/simple", true},
		{"https://a.example:8443/simple", "https://a.example/simple", false},
		{"http://a.example:80", "http://a.example", true},
		{"https://a.example", "https://b.example", false},
		{"https://a.example:8443", "https://a.example:9443", false},
		{"https://a.example", "https://user@a.example/simple", false},
		{"https://a.example/x", "https://a.example/x/../y", false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (policy_index_matches(cases[i].allowed, cases[i].url) != cases[i].matches)
			fail_msg("'%s' and '%s'", cases[i].allowed, cases[i].url);
	static const char *const bad[] = {"",
					  "a.example",
					  "ftp://a.example",
					  "https://",
					  "https://A.example",
					  "https://u:p@a.example",
					  "https://a.example/?q",
					  "https://a.example/#f",
					  "https://a.example//x",
					  "https://a.example/./x",
					  "https://a.example:/",
					  "https://a.example:0",
					  "https://a.example:123456",
					  "https://-a.example",
					  "https://a.example/%2e%2e/"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		expect_good(policy_check_index, bad[i], false);
}

static void denied_packages_are_compared_by_the_order_of_versions(void **state)
{
	(void)state;
	static const struct {
		const char *denied, *name, *version;
		bool denies;
	} cases[] = {
		{"numpy", "numpy", "1.0", true},
		{"numpy", "numpy-base", "1.0", false},
		{"num", "numpy", "1.0", false},
		{"numpy<1.26", "numpy", "1.25.9", true},
		{"numpy<1.26", "numpy", "1.26", false},
		{"numpy<1.26", "numpy", "1.26rc1", true},
		{"numpy<1.26", "numpy", "1.26.0", false},
		{"numpy<=1.26", "numpy", "1.26.0", true},
		{"numpy>=1.24,<1.26", "numpy", "1.25", true},
		{"numpy>=1.24,<1.26", "numpy", "1.23", false},
		{"numpy==2.0", "numpy", "2.0", true},
		{"numpy==2.0", "numpy", "2.0+cpu", true},
		{"numpy!=2.0", "numpy", "2.0+cpu", false},
		{"numpy!=2.0", "numpy", "2.1", true},
		{"numpy>2.0", "numpy", "2.0.post1", true},
		{"numpy<9", "numpy", "1!0.1", false},
		{"numpy<10", "numpy", "9", true},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		expect_good(policy_check_denied, cases[i].denied, true);
		if (policy_denies(cases[i].denied, cases[i].name, cases[i].version) !=
		    cases[i].denies)
			fail_msg("'%s' and %s %s", cases[i].denied, cases[i].name,
				 cases[i].version);
	}
	static const char *const bad[] = {"",
					  "Numpy",
					  "numpy ",
					  "numpy <1",
					  "numpy<",
					  "numpy<1,",
					  "numpy<1,,<2",
					  "numpy~=1.0",
					  "numpy===1.0",
					  "numpy=1.0",
					  "numpy<1.0.RC1",
					  "numpy==1.*",
					  "numpy==1.0+cpu",
					  "num_py",
					  "<1",
					  "numpy<1<2",
					  "a<1,<1,<1,<1,<1,<1,<1,<1,<1"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		expect_good(policy_check_denied, bad[i], false);
	expect_good(policy_check_denied, "a<1,<1,<1,<1,<1,<1,<1,<1", true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_match_whole_names),
		cmocka_unit_test(t48_bases_are_compared_by_whole_components),
		cmocka_unit_test(t48_indexes_are_compared_by_whole_components),
		cmocka_unit_test(denied_packages_are_compared_by_the_order_of_versions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
