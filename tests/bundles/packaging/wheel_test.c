// SPDX-License-Identifier: Apache-2.0
#include "bundles/packaging/wheel.h"
#include "tests/bundles/packaging/vectors.h"

#include <stdio.h>

static void tags_of(const struct wheel_name *wheel, struct sl_strings *out)
{
	for (size_t p = 0; p < wheel->pythons.len; p++)
		for (size_t a = 0; a < wheel->abis.len; a++)
			for (size_t f = 0; f < wheel->platforms.len; f++)
				*sl_list_add(out) =
					sl_format("%s-%s-%s", wheel->pythons.items[p],
						  wheel->abis.items[a], wheel->platforms.items[f]);
	sl_strings_sort(out);
}

static bool tags_are(const struct wheel_name *wheel, const json_t *expected)
{
	struct sl_strings tags = {0};
	tags_of(wheel, &tags);
	bool same = tags.len == json_array_size(expected);
	for (size_t i = 0; same && i < tags.len; i++)
		same = same_text(tags.items[i], json_string_value(json_array_get(expected, i)));
	sl_strings_release(&tags);
	return same;
}

static bool version_is(const struct version *version, const char *expected)
{
	sl_auto_free char *text = version_format(version);
	return same_text(text, expected);
}

static bool build_is(const struct wheel_name *wheel, const json_t *expected)
{
	if (json_array_size(expected) == 0)
		return !wheel->has_build;
	sl_auto_free char *number = vectors_number(json_array_get(expected, 0));
	return wheel->has_build && same_text(wheel->build_number, number) &&
	       same_text(wheel->build_rest, json_string_value(json_array_get(expected, 1)));
}

static bool wheel_is_as(const json_t *entry)
{
	struct sl_error err = {0};
	auto_wheel_name struct wheel_name wheel;
	if (!wheel_name_parse(vectors_text(entry, "file"), &wheel, &err))
		return !vectors_bool(entry, "ok") && err.kind == SL_E_INPUT;
	return vectors_bool(entry, "ok") && same_text(wheel.name, vectors_text(entry, "name")) &&
	       version_is(wheel.version, vectors_text(entry, "version")) &&
	       build_is(&wheel, json_object_get(entry, "build")) &&
	       tags_are(&wheel, json_object_get(entry, "tags"));
}

static void wheel_names_have_these_parts(void **state)
{
	const json_t *list = vectors_list(*state, "wheel_filenames", "wheel_filenames");
	size_t index, wrong = 0;
	json_t *entry;
	json_array_foreach (list, index, entry) {
		if (!wheel_is_as(entry)) {
			print_error("differs: %s\n", vectors_text(entry, "file"));
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

static bool sdist_is_as(const json_t *entry)
{
	struct sl_error err = {0};
	sl_auto_free char *name = NULL;
	auto_version struct version *version = NULL;
	if (!sdist_name_parse(vectors_text(entry, "file"), &name, &version, &err))
		return !vectors_bool(entry, "ok") && err.kind == SL_E_INPUT && !name && !version;
	return vectors_bool(entry, "ok") && same_text(name, vectors_text(entry, "name")) &&
	       version_is(version, vectors_text(entry, "version"));
}

static void sdist_names_have_these_parts(void **state)
{
	const json_t *list = vectors_list(*state, "sdist_filenames", "sdist_filenames");
	size_t index, wrong = 0;
	json_t *entry;
	json_array_foreach (list, index, entry) {
		if (!sdist_is_as(entry)) {
			print_error("differs: %s\n", vectors_text(entry, "file"));
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

static struct tag_set *tags_for(const json_t *entry)
{
	struct tag_target target = {
		.implementation = vectors_text(entry, "implementation"),
		.free_threaded = vectors_bool(entry, "free_threaded"),
		.machine = vectors_text(entry, "arch"),
	};
	const char *libc = vectors_text(entry, "libc");
	const char *version = vectors_text(entry, "libc_version");
	target.libc = !libc ? TAG_MACOS : strcmp(libc, "glibc") == 0 ? TAG_GLIBC : TAG_MUSL;
	sscanf(vectors_text(entry, "python"), "%u.%u", &target.major, &target.minor);
	sscanf(version ? version : "14.0", "%u.%u", &target.libc_major, &target.libc_minor);
	struct sl_error err = {0};
	struct tag_set *tags;
	if (!tags_generate(&target, &tags, &err))
		fail_msg("%s", err.text);
	return tags;
}

struct candidate {
	const char *leaf;
	struct wheel_name wheel;
	long rank;
};

static int compare_candidates(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;
	return wheel_prefer(&a->wheel, a->rank, a->leaf, &b->wheel, b->rank, b->leaf);
}

struct candidates {
	struct candidate *items;
	size_t len, cap;
};

static void add_candidate(struct candidates *list, const char *leaf, const struct tag_set *tags)
{
	struct sl_error err = {0};
	struct candidate candidate = {.leaf = leaf};
	if (!wheel_name_parse(leaf, &candidate.wheel, &err))
		fail_msg("%s", err.text);
	candidate.rank = wheel_rank(&candidate.wheel, tags);
	*sl_list_add(list) = candidate;
}

static void candidates_release(struct candidates *list)
{
	for (size_t i = 0; i < list->len; i++)
		wheel_name_release(&list->items[i].wheel);
	sl_list_release(list);
}

static bool is_native(const char *leaf)
{
	return strstr(leaf, "-linux_") != NULL;
}

// True if `a`, which stands before `b` in the vectors, stands behind it here. Two rules of ours:
// among wheels for one Python and ABI the native platform comes last, and equal wheels go by their
// names.
static bool order_differs(const struct candidate *a, const struct candidate *b)
{
	size_t sides = (size_t)(strrchr(a->leaf, '-') - a->leaf);
	if (is_native(a->leaf) && strncmp(a->leaf, b->leaf, sides + 1) == 0 &&
	    strcmp(b->leaf + sides, "-any.whl") != 0)
		return true;
	return a->rank == b->rank && a->wheel.has_build == b->wheel.has_build &&
	       same_text(a->wheel.build_number, b->wheel.build_number) &&
	       same_text(a->wheel.build_rest, b->wheel.build_rest) && strcmp(a->leaf, b->leaf) > 0;
}

static void apply_our_rules(struct candidates *list)
{
	for (size_t round = 0; round < list->len; round++) {
		for (size_t i = 0; i + 1 < list->len; i++) {
			struct candidate *pair = &list->items[i];
			if (!order_differs(&pair[0], &pair[1]))
				continue;
			struct candidate first = pair[0];
			pair[0] = pair[1];
			pair[1] = first;
		}
	}
}

// True if the compatible ones of `files`, best first, are `expected` (NULL for none).
static bool selection_is(const json_t *files, const struct tag_set *tags, const json_t *expected)
{
	struct candidates chosen = {0}, wanted = {0};
	for (size_t i = 0; i < json_array_size(files); i++) {
		add_candidate(&chosen, json_string_value(json_array_get(files, i)), tags);
		if (chosen.items[chosen.len - 1].rank < 0)
			wheel_name_release(&chosen.items[--chosen.len].wheel);
	}
	for (size_t i = 0; i < json_array_size(expected); i++)
		add_candidate(&wanted, json_string_value(json_array_get(expected, i)), tags);
	if (chosen.len)
		qsort(chosen.items, chosen.len, sizeof *chosen.items, compare_candidates);
	apply_our_rules(&wanted);
	bool same = chosen.len == wanted.len;
	for (size_t i = 0; same && i < chosen.len; i++)
		same = same_text(chosen.items[i].leaf, wanted.items[i].leaf);
	candidates_release(&chosen);
	candidates_release(&wanted);
	return same;
}

static void files_are_ranked_as_the_reference_says(void **state)
{
	const json_t *list = vectors_list(*state, "selection", "selection_sets");
	json_t *targets = json_object_get(*state, "targets");
	size_t index, wrong = 0;
	const char *name;
	json_t *target, *entry;
	json_object_foreach (targets, name, target) {
		struct tag_set *tags = tags_for(target);
		json_array_foreach (list, index, entry) {
			const json_t *results = json_object_get(entry, "results");
			if (!selection_is(json_object_get(entry, "files"), tags,
					  json_object_get(results, name))) {
				print_error("differs: set %zu for %s\n", index, name);
				wrong++;
			}
		}
		tags_free(tags);
	}
	assert_int_equal(wrong, 0);
}

static void misfit_is(const char *leaf, const char *expected)
{
	static const struct tag_target target = {.implementation = "cpython",
						 .major = 3,
						 .minor = 11,
						 .libc = TAG_GLIBC,
						 .libc_major = 2,
						 .libc_minor = 28,
						 .machine = "x86_64"};
	struct sl_error err = {0};
	auto_wheel_name struct wheel_name wheel;
	struct tag_set *tags;
	assert_true(tags_generate(&target, &tags, &err));
	assert_true(wheel_name_parse(leaf, &wheel, &err));
	assert_true(wheel_rank(&wheel, tags) == -1);
	sl_auto_free char *reason = wheel_misfit(&wheel, &target);
	assert_string_equal(reason, expected);
	tags_free(tags);
}

static void the_nearest_reason_is_given(void **state)
{
	(void)state;
	misfit_is("a-1-cp311-cp311-manylinux_2_31_x86_64.whl", "needs glibc 2.31, target has 2.28");
	misfit_is("a-1-cp312-cp312-manylinux_2_17_x86_64.whl",
		  "needs Python 3.12, target has 3.11");
	misfit_is("a-1-cp310-cp310-manylinux_2_17_x86_64.whl",
		  "built for Python 3.10 only, target has 3.11");
	misfit_is("a-1-cp311-cp311-musllinux_1_2_x86_64.whl", "built for musl, target has glibc");
	misfit_is("a-1-cp311-cp311-manylinux2014_aarch64.whl",
		  "built for aarch64, target is x86_64");
	misfit_is("a-1-cp311-cp311-linux_aarch64.whl", "built for aarch64, target is x86_64");
	misfit_is("a-1-cp311-cp311-macosx_11_0_arm64.whl", "built for macOS, target is Linux");
	misfit_is("a-1-cp311-cp311-win_amd64.whl", "built for Windows, target is Linux");
	misfit_is("a-1-cp313-cp313t-manylinux_2_17_x86_64.whl",
		  "needs Python 3.13, target has 3.11");
	misfit_is("a-1-cp311-cp311t-manylinux_2_17_x86_64.whl", "built for free-threaded Python");
	misfit_is("a-1-cp311-abi3t-manylinux_2_17_x86_64.whl", "built for free-threaded Python");
	misfit_is("a-1-pp311-pypy311_pp73-manylinux_2_17_x86_64.whl",
		  "built for another implementation of Python ('pp311'), target has cpython");
	misfit_is("a-1-py2-none-any.whl", "needs Python 2, target has 3.11");
	misfit_is("a-1-cp312.cp311-cp312.cp311-manylinux_2_99_x86_64.whl",
		  "needs glibc 2.99, target has 2.28");
	misfit_is("a-1-py27-none-any.whl", "needs Python 2, target has 3.11");
	misfit_is("a-1-foo-none-any.whl", "built for 'foo', which is no Python of the target");
}

static int prefer(const char *left, long left_rank, const char *right, long right_rank)
{
	struct sl_error err = {0};
	auto_wheel_name struct wheel_name a, b;
	assert_true(wheel_name_parse(left, &a, &err));
	assert_true(wheel_name_parse(right, &b, &err));
	int order = wheel_prefer(&a, left_rank, left, &b, right_rank, right);
	int back = wheel_prefer(&b, right_rank, right, &a, left_rank, left);
	assert_true((order < 0 && back > 0) || (order > 0 && back < 0) || (!order && !back));
	return order;
}

// "A1.A2...": `count` tags.
static void add_set(struct sl_buf *out, char letter, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		sl_buf_addf(out, "%c%c%u", i ? '.' : '-', letter, i);
}

static void t17_file_names_end_at_their_limits(void **state)
{
	(void)state;
	static const unsigned pythons[] = {8, 5}, abis[] = {8, 5}, platforms[] = {16, 41};
	for (unsigned more = 0; more < 2; more++) {
		struct sl_error err = {0}, past = {0};
		auto_wheel_name struct wheel_name wheel = {0}, named = {0};
		char leaf[SL_LIMIT_WHEEL_NAME + 2] = {0};
		const char *end = "-1-py3-none-any.whl";
		memset(leaf, 'a', SL_LIMIT_WHEEL_NAME + more - strlen(end));
		strcat(leaf, end);
		assert_int_equal(strlen(leaf), SL_LIMIT_WHEEL_NAME + more);
		assert_int_equal(wheel_name_parse(leaf, &named, &err), !more);
		assert_true(!more || strstr(err.text, "longer than 255 bytes"));

		assert_int_equal(pythons[more] * abis[more] * platforms[more],
				 SL_LIMIT_WHEEL_TAGS + more);
		sl_auto_buf struct sl_buf text;
		sl_buf_init(&text, 1000);
		sl_buf_adds(&text, "a-1");
		add_set(&text, 'p', pythons[more]);
		add_set(&text, 'b', abis[more]);
		add_set(&text, 'x', platforms[more]);
		sl_buf_adds(&text, ".whl");
		assert_int_equal(wheel_name_parse(text.data, &wheel, &past), !more);
		assert_true(!more || strstr(past.text, "more than 1024 tags"));
	}
}

static void ties_are_broken_by_build_and_name(void **state)
{
	(void)state;
	assert_true(prefer("a-1-py3-none-any.whl", 1, "a-1-9-py3-none-any.whl", 2) < 0);
	assert_true(prefer("a-1-2-py3-none-any.whl", 1, "a-1-1-py3-none-any.whl", 1) < 0);
	assert_true(prefer("a-1-10-py3-none-any.whl", 1, "a-1-9-py3-none-any.whl", 1) < 0);
	assert_true(prefer("a-1-0-py3-none-any.whl", 1, "a-1-py3-none-any.whl", 1) < 0);
	assert_true(prefer("a-1-1b-py3-none-any.whl", 1, "a-1-1a-py3-none-any.whl", 1) < 0);
	assert_true(prefer("a-1-18446744073709551617-py3-none-any.whl", 1,
			   "a-1-18446744073709551616-py3-none-any.whl", 1) < 0);
	assert_true(prefer("a-1-py2.py3-none-any.whl", 1, "a-1-py3-none-any.whl", 1) < 0);
	assert_true(prefer("a-1-py3-none-any.whl", 1, "a-1-py3-none-any.whl", 1) == 0);
}

static enum sl_kind kind_of(const char *leaf)
{
	struct sl_error err = {0};
	auto_wheel_name struct wheel_name wheel;
	return wheel_name_parse(leaf, &wheel, &err) ? SL_E_NONE : err.kind;
}

static void t63_names_that_deceive_are_refused(void **state)
{
	(void)state;
	assert_int_equal(kind_of("fo\xd0\xbe-1-py3-none-any.whl"), SL_E_NONE); // a letter
	assert_int_equal(kind_of("foo\xe2\x80\xae-1-py3-none-any.whl"), SL_E_INPUT);
	assert_int_equal(kind_of("foo\xff-1-py3-none-any.whl"), SL_E_INPUT);
	assert_int_equal(kind_of("../foo-1-py3-none-any.whl"), SL_E_INPUT);
	assert_int_equal(kind_of("foo-1-py3-none-a/b.whl"), SL_E_INPUT);
	assert_int_equal(kind_of("foo- 1-py3-none-any.whl"), SL_E_INPUT);
	assert_int_equal(kind_of("foo-1-1/2-py3-none-any.whl"), SL_E_INPUT);
}

static void t19_products_of_tags_are_limited(void **state)
{
	(void)state;
	char leaf[300] = "a-1-";
	for (int side = 0; side < 3; side++) {
		for (int i = 0; i < 30; i++)
			strcat(leaf, i ? ".a" : "a");
		strcat(leaf, side < 2 ? "-" : ".whl");
	}
	assert_int_equal(kind_of(leaf), SL_E_INPUT);
	char long_leaf[400];
	memset(long_leaf, 'a', sizeof long_leaf);
	strcpy(long_leaf + 300, "-1-py3-none-any.whl");
	assert_int_equal(kind_of(long_leaf), SL_E_INPUT);
}

static int load(void **state)
{
	*state = vectors_load("wheel-tags");
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
		cmocka_unit_test(wheel_names_have_these_parts),
		cmocka_unit_test(sdist_names_have_these_parts),
		cmocka_unit_test(files_are_ranked_as_the_reference_says),
		cmocka_unit_test(the_nearest_reason_is_given),
		cmocka_unit_test(ties_are_broken_by_build_and_name),
		cmocka_unit_test(t17_file_names_end_at_their_limits),
		cmocka_unit_test(t63_names_that_deceive_are_refused),
		cmocka_unit_test(t19_products_of_tags_are_limited),
	};
	return cmocka_run_group_tests(tests, load, unload);
}
