// SPDX-License-Identifier: Apache-2.0
#include "bundles/base/digest.h"
#include "bundles/base/parallel.h"
#include "tests/cmocka_all.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static void sha256_of(const char *text, const char *hex)
{
	struct sl_digest digest = sl_sha256_bytes(text, strlen(text)), parsed;
	char out[SL_DIGEST_HEX + 1];
	sl_digest_hex(&digest, out);
	assert_string_equal(out, hex);
	assert_true(sl_digest_parse(hex, &parsed));
	assert_true(sl_digest_equal(&digest, &parsed));
}

static void fips_180_vectors(void **state)
{
	(void)state;
	sha256_of("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	sha256_of("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void hex_is_strict(void **state)
{
	(void)state;
	char hex[66];
	memset(hex, 'a', 65);
	struct sl_digest digest;
	hex[64] = '\0';
	assert_true(sl_digest_parse(hex, &digest));
	hex[64] = 'a';
	hex[65] = '\0';
	assert_false(sl_digest_parse(hex, &digest));
	hex[63] = '\0';
	assert_false(sl_digest_parse(hex, &digest));
	hex[63] = 'A';
	hex[64] = '\0';
	assert_false(sl_digest_parse(hex, &digest));
	assert_false(sl_digest_parse("", &digest));
}

static bool count(void *context, size_t index, struct sl_error *err)
{
	(void)err;
	atomic_fetch_add((atomic_size_t *)context, index + 1);
	return true;
}

static bool fail_from_seven(void *context, size_t index, struct sl_error *err)
{
	(void)context;
	if (index == 7)
		usleep(20000); // let a higher index fail first
	return index < 7 || sl_fail(err, SL_E_FORMAT, "item %zu", index);
}

static void every_item_runs_once(void **state)
{
	(void)state;
	struct sl_error err = {0};
	for (unsigned threads = 0; threads < 5; threads++) {
		atomic_size_t sum = 0;
		assert_true(sl_parallel(1000, threads, count, &sum, &err));
		assert_int_equal(sum, 500500);
	}
	assert_true(sl_parallel(0, 3, count, NULL, &err));
}

static void the_lowest_failure_is_reported(void **state)
{
	(void)state;
	for (unsigned threads = 1; threads < 5; threads++) {
		struct sl_error err = {0};
		assert_false(sl_parallel(50, threads, fail_from_seven, NULL, &err));
		assert_string_equal(err.text, "item 7");
		assert_int_equal(err.kind, SL_E_FORMAT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fips_180_vectors),
		cmocka_unit_test(hex_is_strict),
		cmocka_unit_test(every_item_runs_once),
		cmocka_unit_test(the_lowest_failure_is_reported),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
