// SPDX-License-Identifier: Apache-2.0
#include "bundles/packaging/specifier.h"
#include "tests/bundles/packaging/vectors.h"

static struct specifier_set *must_parse(const char *text)
{
	struct sl_error err = {0};
	struct specifier_set *set;
	if (!specifier_parse(text, &set, &err))
		fail_msg("%s", err.text);
	return set;
}

static bool contains(const struct specifier_set *set, const char *text)
{
	auto_version struct version *version = version_try(text, strlen(text));
	if (!version)
		fail_msg("%s is not a version", text);
	return specifier_contains(set, version);
}

static size_t count_wrong(const char *spec, const json_t *versions, bool want, size_t *answers)
{
	auto_specifier struct specifier_set *set = must_parse(spec);
	size_t index, wrong = 0;
	json_t *version;
	json_array_foreach (versions, index, version) {
		const char *text = json_string_value(version);
		(*answers)++;
		if (contains(set, text) != want) {
			print_error("%s %s %s\n", text, want ? "not in" : "in", spec);
			wrong++;
		}
	}
	return wrong;
}

static void membership_is_the_reference_s(void **state)
{
	const json_t *list = vectors_list(*state, "membership", "specs");
	const json_t *counts = json_object_get(json_object_get(*state, "meta"), "counts");
	size_t index, wrong = 0, answers = 0;
	json_t *entry;
	json_array_foreach (list, index, entry) {
		const char *spec = vectors_text(entry, "spec");
		wrong += count_wrong(spec, json_object_get(entry, "in"), true, &answers);
		wrong += count_wrong(spec, json_object_get(entry, "out"), false, &answers);
	}
	assert_int_equal(wrong, 0);
	assert_int_equal(answers, json_integer_value(json_object_get(counts, "membership")));
}

static bool has_clause(const struct specifier_set *set, const json_t *clause)
{
	const char *wanted = json_string_value(json_array_get(clause, 0));
	const char *text = json_string_value(json_array_get(clause, 1));
	for (size_t i = 0; i < specifier_count(set); i++) {
		if (same_text(specifier_operator(set, i), wanted) &&
		    same_text(specifier_text(set, i), text))
			return true;
	}
	return false;
}

static bool properties_are(const json_t *entry)
{
	auto_specifier struct specifier_set *set = must_parse(vectors_text(entry, "spec"));
	sl_auto_free char *canonical = specifier_format(set);
	const json_t *clauses = json_object_get(entry, "clauses");
	bool same = json_array_size(clauses) == specifier_count(set) &&
		    same_text(canonical, vectors_text(entry, "canonical")) &&
		    specifier_names_prerelease(set) == vectors_bool(entry, "mentions_prerelease") &&
		    specifier_is_empty(set) == (json_array_size(clauses) == 0);
	size_t index;
	json_t *clause;
	json_array_foreach (clauses, index, clause)
		same = same && has_clause(set, clause);
	return same;
}

static void properties_are_the_reference_s(void **state)
{
	const json_t *list = vectors_list(*state, "properties", "specs");
	size_t index, wrong = 0;
	json_t *entry;
	json_array_foreach (list, index, entry) {
		if (!properties_are(entry)) {
			print_error("differs: %s\n", vectors_text(entry, "spec"));
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

static void invalid_sets_are_refused(void **state)
{
	const json_t *list = vectors_list(*state, "invalid", "invalid");
	size_t index, wrong = 0;
	json_t *entry;
	json_array_foreach (list, index, entry) {
		struct sl_error err = {0};
		struct specifier_set *set;
		if (specifier_parse(json_string_value(entry), &set, &err) || set ||
		    err.kind != SL_E_INPUT) {
			print_error("accepted: %s\n", json_string_value(entry));
			specifier_free(set);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

enum policy { POLICY_DEFAULT, POLICY_ADMIT, POLICY_REFUSE };

// The three pre-release policies of the reference, which stand above membership.
static json_t *filter(const struct specifier_set *set, const json_t *versions, enum policy policy)
{
	json_t *all = json_array(), *stable = json_array();
	size_t index;
	json_t *text;
	json_array_foreach (versions, index, text) {
		const char *name = json_string_value(text);
		auto_version struct version *version = version_try(name, strlen(name));
		if (!specifier_contains(set, version))
			continue;
		json_array_append(all, text);
		if (!version_is_prerelease(version))
			json_array_append(stable, text);
	}
	bool admit = policy == POLICY_ADMIT ||
		     (policy == POLICY_DEFAULT &&
		      (specifier_names_prerelease(set) || json_array_size(stable) == 0));
	json_decref(admit ? stable : all);
	return admit ? all : stable;
}

static bool filter_is(const json_t *entry, enum policy policy, const char *key)
{
	auto_specifier struct specifier_set *set = must_parse(vectors_text(entry, "spec"));
	sl_auto_json json_t *kept = filter(set, json_object_get(entry, "versions"), policy);
	return json_equal(kept, json_object_get(entry, key));
}

static void filtering_follows_from_membership_and_names(void **state)
{
	const json_t *list = vectors_list(*state, "filter", "filter");
	size_t index, wrong = 0;
	json_t *entry;
	json_array_foreach (list, index, entry) {
		if (!filter_is(entry, POLICY_DEFAULT, "default") ||
		    !filter_is(entry, POLICY_ADMIT, "pre_true") ||
		    !filter_is(entry, POLICY_REFUSE, "pre_false")) {
			print_error("differs: %s\n", vectors_text(entry, "spec"));
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

// Set relations are answered by probing: membership changes only next to the versions that clauses
// name, so it is enough to look at those and their neighbours on all sides.
struct probes {
	SL_LIST(struct version *) versions;
};

static void add_probe(struct probes *probes, const char *text)
{
	struct version *version = version_try(text, strlen(text));
	if (version)
		*sl_list_add(&probes->versions) = version;
}

static void add_around(struct probes *probes, const char *base)
{
	static const char *const ends[] = {"",
					   "+0",
					   "+z.z",
					   "+zz.99999",
					   ".dev0",
					   ".dev99999",
					   "a0.dev0",
					   "a0",
					   "a99999",
					   "rc99999",
					   "a0.post99999",
					   ".post0.dev0",
					   ".post0",
					   ".post99999",
					   ".post99999+zz",
					   ".0.0.0.0.1",
					   ".0.0.0.0.1.dev0",
					   ".99999",
					   ".99999.post9",
					   ".1.dev0",
					   ".0.0.0.1a1",
					   "a0.dev0+zz",
					   "rc99999.post99999",
					   ".post0.dev0+zz",
					   ".dev0+zz"};
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		sl_auto_free char *text = sl_format("%s%s", base, ends[i]);
		add_probe(probes, text);
	}
}

// V itself, each shorter release of V, and each of these with its last part one up or down.
static void add_neighbours(struct probes *probes, const struct version *version)
{
	sl_auto_free char *public = version_format_as(version, VERSION_PUBLIC);
	add_around(probes, public);
	for (const char *digits = public; *digits; digits++) {
		if (!strchr("0123456789", *digits) ||
		    (digits > public && strchr("0123456789", digits[-1])))
			continue;
		size_t len = strspn(digits, "0123456789");
		unsigned long number = strtoul(digits, NULL, 10);
		int head = (int)(digits - public);
		for (unsigned long n = number ? number - 1 : 0; n <= number + 1; n++) {
			sl_auto_free char *cut = sl_format("%.*s%lu", head, public, n);
			sl_auto_free char *kept = sl_format("%s%s", cut, digits + len);
			add_around(probes, cut);
			add_around(probes, kept);
		}
	}
}

static void add_from(struct probes *probes, const struct specifier_set *set)
{
	for (size_t i = 0; i < specifier_count(set); i++) {
		const char *text = specifier_text(set, i);
		size_t len = strlen(text);
		if (len > 2 && strcmp(text + len - 2, ".*") == 0)
			len -= 2;
		auto_version struct version *version = version_try(text, len);
		if (!version)
			continue;
		sl_auto_free char *whole = sl_strndup(text, len);
		add_probe(probes, whole);
		add_neighbours(probes, version);
	}
	add_around(probes, "0");
	add_around(probes, "99999!0");
}

static void probes_release(struct probes *probes)
{
	for (size_t i = 0; i < probes->versions.len; i++)
		version_free(probes->versions.items[i]);
	sl_list_release(&probes->versions);
}

static bool relations_are(const json_t *entry)
{
	auto_specifier struct specifier_set *a = must_parse(vectors_text(entry, "a"));
	auto_specifier struct specifier_set *b = must_parse(vectors_text(entry, "b"));
	struct probes probes = {0};
	add_from(&probes, a);
	add_from(&probes, b);
	bool disjoint = true, a_in_b = true, b_in_a = true;
	for (size_t i = 0; i < probes.versions.len; i++) {
		bool in_a = specifier_contains(a, probes.versions.items[i]);
		bool in_b = specifier_contains(b, probes.versions.items[i]);
		disjoint = disjoint && !(in_a && in_b);
		a_in_b = a_in_b && (!in_a || in_b);
		b_in_a = b_in_a && (!in_b || in_a);
	}
	probes_release(&probes);
	return disjoint == vectors_bool(entry, "disjoint") &&
	       a_in_b == vectors_bool(entry, "a_subset_b") &&
	       b_in_a == vectors_bool(entry, "b_subset_a");
}

static void relations_follow_from_membership(void **state)
{
	const json_t *list = vectors_list(*state, "relations", "relations");
	size_t index, wrong = 0;
	json_t *entry;
	json_array_foreach (list, index, entry) {
		if (!relations_are(entry)) {
			print_error("differs: '%s' and '%s'\n", vectors_text(entry, "a"),
				    vectors_text(entry, "b"));
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

static bool has_arbitrary_text(const struct specifier_set *set)
{
	for (size_t i = 0; i < specifier_count(set); i++) {
		const char *text = specifier_text(set, i);
		auto_version struct version *version = version_try(text, strlen(text));
		if (strcmp(specifier_operator(set, i), "===") == 0 && !version)
			return true;
	}
	return false;
}

// A clause `===text` that is no version may be met by text that is none either; our sets hold
// versions only. Those are checked by membership alone.
static void unsatisfiable_sets_have_no_member(void **state)
{
	const json_t *list = vectors_list(*state, "properties", "specs");
	size_t index, wrong = 0, unsatisfiable = 0;
	json_t *entry;
	json_array_foreach (list, index, entry) {
		auto_specifier struct specifier_set *set = must_parse(vectors_text(entry, "spec"));
		if (has_arbitrary_text(set))
			continue;
		struct probes probes = {0};
		add_from(&probes, set);
		bool any = false;
		for (size_t i = 0; i < probes.versions.len; i++)
			any = any || specifier_contains(set, probes.versions.items[i]);
		probes_release(&probes);
		unsatisfiable += !any;
		if (any == vectors_bool(entry, "unsatisfiable")) {
			print_error("differs: %s\n", vectors_text(entry, "spec"));
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
	assert_true(unsatisfiable > 10);
}

static void old_mistakes_are_mended(void **state)
{
	(void)state;
	static const struct {
		const char *text, *mended;
	} cases[] = {
		{">=7.2.0<8.0.0", "<8.0.0,>=7.2.0"},
		{"!=~5.0", "!=5.0.*"},
		{">=1.9.*", ">=1.9"},
		{">=2.7, !=3.0*", "!=3.0.*,>=2.7"},
		{">dev", ">0.0.0dev"},
		{">=9.0.0a1.0", ">=9.0.0a1"},
		{">=3.6'", ">=3.6"},
		{">=2.7,!=3.0.*,!=3.1*,<4.*", "!=3.0.*,!=3.1.*,<4,>=2.7"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct sl_error err = {0};
		auto_specifier struct specifier_set *set = NULL, *strict = NULL;
		bool repaired;
		assert_false(specifier_parse(cases[i].text, &strict, &err));
		sl_error_clear(&err);
		assert_true(specifier_parse_lenient(cases[i].text, &set, &repaired, &err));
		sl_auto_free char *text = specifier_format(set);
		assert_string_equal(text, cases[i].mended);
		assert_true(repaired);
	}
}

static void what_is_right_is_left_alone(void **state)
{
	(void)state;
	struct sl_error err = {0};
	auto_specifier struct specifier_set *set = NULL;
	bool repaired;
	assert_true(specifier_parse_lenient(">=1!2.0, <3,", &set, &repaired, &err));
	assert_false(repaired);
	assert_int_equal(specifier_count(set), 2);
	struct specifier_set *none;
	assert_false(specifier_parse_lenient("about 3", &none, &repaired, &err));
	assert_int_equal(err.kind, SL_E_INPUT);
	assert_null(none);
}

static bool pin_is(const char *text, const char *expected)
{
	auto_specifier struct specifier_set *set = must_parse(text);
	const char *pin = NULL;
	return specifier_is_pin(set, &pin) == (expected != NULL) && same_text(pin, expected);
}

static void pins_are_one_exact_clause(void **state)
{
	(void)state;
	assert_true(pin_is("==1.0", "1.0"));
	assert_true(pin_is(" === 1.0-x ", "1.0-x"));
	assert_true(pin_is("==1.0,", "1.0"));
	assert_true(pin_is("==1.*", NULL));
	assert_true(pin_is("~=1.0", NULL));
	assert_true(pin_is("==1.0,==1.0.0", "1.0"));
	assert_true(pin_is("==1.0,==1.1", NULL));
	assert_true(pin_is("", NULL));
}

static int load(void **state)
{
	*state = vectors_load("pep440-specifiers");
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
		cmocka_unit_test(membership_is_the_reference_s),
		cmocka_unit_test(properties_are_the_reference_s),
		cmocka_unit_test(invalid_sets_are_refused),
		cmocka_unit_test(filtering_follows_from_membership_and_names),
		cmocka_unit_test(relations_follow_from_membership),
		cmocka_unit_test(unsatisfiable_sets_have_no_member),
		cmocka_unit_test(old_mistakes_are_mended),
		cmocka_unit_test(what_is_right_is_left_alone),
		cmocka_unit_test(pins_are_one_exact_clause),
	};
	return cmocka_run_group_tests(tests, load, unload);
}
