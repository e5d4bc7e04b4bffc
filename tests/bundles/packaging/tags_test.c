// SPDX-License-Identifier: Apache-2.0
#include "bundles/packaging/tags.h"
#include "tests/bundles/packaging/vectors.h"

#include <stdio.h>

static struct tag_target target_of(const json_t *entry)
{
	struct tag_target target = {
		.implementation = vectors_text(entry, "implementation"),
		.free_threaded = vectors_bool(entry, "free_threaded"),
		.machine = vectors_text(entry, "arch"),
	};
	assert_int_equal(
		sscanf(vectors_text(entry, "python"), "%u.%u", &target.major, &target.minor), 2);
	const char *libc = vectors_text(entry, "libc");
	const char *version = vectors_text(entry, "libc_version");
	if (!libc) { // the version stands in the first platform
		target.libc = TAG_MACOS;
		version = json_string_value(json_array_get(json_object_get(entry, "platforms"), 0));
		assert_int_equal(
			sscanf(version, "macosx_%u_%u", &target.libc_major, &target.libc_minor), 2);
		return target;
	}
	target.libc = strcmp(libc, "glibc") == 0 ? TAG_GLIBC : TAG_MUSL;
	assert_int_equal(sscanf(version, "%u.%u", &target.libc_major, &target.libc_minor), 2);
	return target;
}

static struct tag_set *must_generate(const struct tag_target *target)
{
	struct sl_error err = {0};
	struct tag_set *tags;
	if (!tags_generate(target, &tags, &err))
		fail_msg("%s", err.text);
	return tags;
}

static size_t side_length(const char *tag)
{
	return (size_t)(strrchr(tag, '-') - tag);
}

static bool is_native(const char *tag)
{
	return strncmp(tag + side_length(tag), "-linux_", 7) == 0;
}

// The vectors have linux_* first among the platforms of one Python and ABI; we have it last.
static void expected_order(const json_t *list, struct sl_strings *out)
{
	const char *held = NULL;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *tag = json_string_value(json_array_get(list, i));
		if (held && strncmp(held, tag, side_length(held) + 1) != 0) {
			sl_strings_add(out, held);
			held = NULL;
		}
		if (is_native(tag))
			held = tag;
		else
			sl_strings_add(out, tag);
	}
	if (held)
		sl_strings_add(out, held);
}

static bool rank_is(const struct tag_set *tags, const char *tag, size_t rank)
{
	sl_auto_free char *python = sl_strdup(tag);
	char *abi = strchr(python, '-');
	*abi++ = '\0';
	char *platform = strchr(abi, '-');
	*platform++ = '\0';
	return tags_rank(tags, python, abi, platform) == (long)rank;
}

static bool tags_are(const json_t *entry)
{
	struct tag_target target = target_of(entry);
	struct tag_set *tags = must_generate(&target);
	struct sl_strings expected = {0};
	expected_order(json_object_get(entry, "tags"), &expected);
	bool same =
		tags_count(tags) == expected.len &&
		tags_count(tags) == (size_t)json_integer_value(json_object_get(entry, "tag_count"));
	for (size_t i = 0; same && i < expected.len; i++)
		same = same_text(tags_at(tags, i), expected.items[i]) &&
		       rank_is(tags, expected.items[i], i);
	sl_strings_release(&expected);
	tags_free(tags);
	return same;
}

// The platforms as the vectors list them with linux_* last: those of the first Python and ABI.
static bool platforms_are(const json_t *entry)
{
	struct tag_target target = target_of(entry);
	struct tag_set *tags = must_generate(&target);
	const json_t *platforms = json_object_get(entry, "platforms_linux_last");
	bool same = json_array_size(platforms) <= tags_count(tags);
	for (size_t i = 0; same && i < json_array_size(platforms); i++)
		same = same_text(strrchr(tags_at(tags, i), '-') + 1,
				 json_string_value(json_array_get(platforms, i)));
	tags_free(tags);
	return same;
}

static void lists_are_the_reference_s(void **state)
{
	json_t *targets = json_object_get(*state, "targets");
	const json_t *counts = json_object_get(json_object_get(*state, "meta"), "counts");
	assert_int_equal(json_object_size(targets),
			 json_integer_value(json_object_get(counts, "targets")));
	size_t wrong = 0;
	const char *name;
	json_t *entry;
	json_object_foreach (targets, name, entry) {
		if (!tags_are(entry) || !platforms_are(entry)) {
			print_error("differs: %s\n", name);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

static const struct tag_target usual = {.implementation = "cpython",
					.major = 3,
					.minor = 11,
					.libc = TAG_GLIBC,
					.libc_major = 2,
					.libc_minor = 28,
					.machine = "x86_64"};

static void other_tags_have_no_rank(void **state)
{
	(void)state;
	struct tag_set *tags = must_generate(&usual);
	assert_true(tags_rank(tags, "cp311", "cp311", "manylinux_2_28_x86_64") == 0);
	assert_true(tags_rank(tags, "cp311", "cp311", "manylinux_2_29_x86_64") == -1);
	assert_true(tags_rank(tags, "cp311", "cp311", "manylinux_2_28_x86_64 ") == -1);
	assert_true(tags_rank(tags, "cp311-cp311", "manylinux_2_28_x86_64", "") == -1);
	assert_true(tags_rank(tags, "", "", "") == -1);
	assert_true(tags_rank(tags, "cp312", "abi3", "manylinux_2_28_x86_64") == -1);
	assert_true(tags_rank(tags, "cp38", "abi3", "linux_x86_64") >= 0);
	tags_free(tags);
}

static bool generates(struct tag_target target)
{
	struct sl_error err = {0};
	struct tag_set *tags;
	bool good = tags_generate(&target, &tags, &err);
	assert_int_equal(err.kind, good ? SL_E_NONE : SL_E_INPUT);
	tags_free(tags);
	return good;
}

static void t19_targets_out_of_range_are_refused(void **state)
{
	(void)state;
	struct tag_target target = usual;
	assert_true(generates(target));
	target.minor = 0;
	assert_true(generates(target));
	target.minor = 4000000000U;
	assert_false(generates(target));
	target = usual;
	target.libc_minor = 4294967295U;
	assert_false(generates(target));
	target.libc_minor = 0;
	assert_true(generates(target));
	target.libc_major = 3;
	assert_false(generates(target));
	target = usual;
	target.machine = "x86-64";
	assert_false(generates(target));
	target.machine = "";
	assert_false(generates(target));
	target = usual;
	target.implementation = "jython";
	assert_false(generates(target));
	target = usual;
	target.libc = TAG_MACOS;
	assert_false(generates(target));
}

static void armv8l_takes_armv7l_wheels(void **state)
{
	(void)state;
	struct tag_target target = usual;
	target.machine = "armv8l";
	struct tag_set *tags = must_generate(&target);
	long own = tags_rank(tags, "cp311", "cp311", "manylinux_2_17_armv8l");
	long older = tags_rank(tags, "cp311", "cp311", "manylinux_2_17_armv7l");
	assert_true(own >= 0 && older > own);
	tags_free(tags);
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
		cmocka_unit_test(lists_are_the_reference_s),
		cmocka_unit_test(other_tags_have_no_rank),
		cmocka_unit_test(t19_targets_out_of_range_are_refused),
		cmocka_unit_test(armv8l_takes_armv7l_wheels),
	};
	return cmocka_run_group_tests(tests, load, unload);
}
