// SPDX-License-Identifier: Apache-2.0
// bundles/trust/verify.c: the gate, on a real bundle of a few kilobytes.
#include "tests/bundles/trust/tiny.h"

// Verifies and returns the kind of the error; the verdict stays with the caller.
static enum sl_kind verify(const struct tiny *tiny, const struct policy *policy,
			   enum verify_depth depth, bool untrusted, struct verdict *verdict)
{
	struct sl_error err = {0};
	auto_verified_bundle struct verified_bundle *bundle = NULL;
	struct verify_request request = {
		.path = tiny->path,
		.policy = policy,
		.depth = depth,
		.untrusted = untrusted,
		.threads = 1,
	};
	bool ok = bundle_verify(&request, verdict, &bundle, &err);
	assert_int_equal(ok, bundle != NULL);
	assert_int_equal(ok, err.kind == SL_E_NONE);
	for (enum rule rule = 0; rule < RULE_COUNT; rule++)
		assert_non_null(verdict->findings[rule].evidence);
	return err.kind;
}

static enum sl_kind verify_all(const struct tiny *tiny)
{
	auto_verdict struct verdict verdict = {0};
	return verify(tiny, &tiny->policy, VERIFY_ALL, false, &verdict);
}

static void expect_rule(const struct verdict *verdict, enum rule rule,
			enum finding_verdict expected)
{
	const struct finding *finding = &verdict->findings[rule];
	if (finding->verdict != expected)
		fail_msg("%s: %s: %s", rule_name(rule), finding_verdict_name(finding->verdict),
			 finding->evidence);
}

static void a_good_bundle_passes_every_rule_that_demands_something(void **state)
{
	struct tiny *tiny = *state;
	auto_verdict struct verdict verdict = {0};
	tiny_countersign(tiny, tiny->bob);
	enum sl_kind kind = verify(tiny, &tiny->policy, VERIFY_ALL, false, &verdict);
	for (enum rule rule = 0; rule < RULE_COUNT; rule++) {
		bool demanded = rule < RULE_VERSION || rule > RULE_SIZE;
		expect_rule(&verdict, rule, demanded ? FINDING_PASS : FINDING_NONE);
	}
	assert_int_equal(kind, SL_E_NONE);
	assert_int_equal(verdict.signatures.len, 2);
	assert_true(verdict.has_id);
}

static void t28_the_whole_file_is_covered_and_counted(void **state)
{
	struct tiny *tiny = *state;
	auto_verdict struct verdict all = {0}, head = {0};
	assert_int_equal(verify(tiny, &tiny->policy, VERIFY_ALL, false, &all), SL_E_NONE);
	assert_int_equal(all.parts_checked, all.parts_total);
	assert_int_equal(all.bytes_checked, all.bytes_total);
	assert_int_equal(all.parts_total, 4); // manifest, signature, content, base
	assert_int_equal(verify(tiny, &tiny->policy, VERIFY_HEAD, false, &head), SL_E_NONE);
	assert_int_equal(head.parts_checked, 3);
	assert_int_equal(head.bytes_total - head.bytes_checked, strlen(TINY_BASE));
	expect_rule(&head, RULE_BLOBS, FINDING_NONE);
}

static void t24_without_a_trusted_key_the_answer_is_no(void **state)
{
	struct tiny *tiny = *state;
	struct policy empty = {0};
	auto_verdict struct verdict none = {0}, other = {0};
	assert_int_equal(verify(tiny, NULL, VERIFY_ALL, false, &none), SL_E_ANSWER);
	assert_int_equal(verify(tiny, &empty, VERIFY_ALL, false, &other), SL_E_ANSWER);
	// nothing behind the signatures was looked at (T27)
	assert_int_equal(none.parts_total, 0);
	expect_rule(&none, RULE_FORMAT, FINDING_NONE);
	expect_rule(&none, RULE_CONTENT, FINDING_NONE);
}

static void untrusted_opens_it_and_says_that_it_is_not_verified(void **state)
{
	struct tiny *tiny = *state;
	struct sl_error err = {0};
	auto_verdict struct verdict verdict = {0};
	auto_verified_bundle struct verified_bundle *bundle = NULL;
	struct verify_request request = {.path = tiny->path, .untrusted = true};
	assert_true(bundle_verify(&request, &verdict, &bundle, &err));
	assert_false(verified_is_trusted(bundle));
	expect_rule(&verdict, RULE_SIGNATURES, FINDING_FAIL);
	expect_rule(&verdict, RULE_RECIPE, FINDING_PASS);
	assert_string_equal(verified_plan(bundle)->name, "tiny");
	assert_int_equal(verified_lock(bundle)->files.len, 1);
}

// Each rule on signatures stops the examination, before the manifest is believed.
static void t27_nothing_is_read_behind_a_rule_on_signatures_that_fails(void **state)
{
	struct tiny *tiny = *state;
	static const enum rule rules[] = {RULE_APPROVALS, RULE_TIME};
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		auto_verdict struct verdict refused = {0}, shown = {0};
		tiny->policy.approvals = rules[i] == RULE_APPROVALS;
		tiny->policy.has_signed_since = rules[i] == RULE_TIME;
		tiny->policy.signed_since = (int64_t)1 << 40;
		assert_int_equal(verify(tiny, &tiny->policy, VERIFY_ALL, false, &refused),
				 SL_E_UNTRUSTED);
		expect_rule(&refused, rules[i], FINDING_FAIL);
		expect_rule(&refused, RULE_FORMAT, FINDING_NONE);
		assert_int_equal(refused.parts_total, 0);
		assert_int_equal(verify(tiny, &tiny->policy, VERIFY_ALL, true, &shown), SL_E_NONE);
		expect_rule(&shown, rules[i], FINDING_FAIL);
		expect_rule(&shown, RULE_BLOBS, FINDING_PASS);
	}
}

static void a_demand_stops_before_the_blobs_and_untrusted_goes_on(void **state)
{
	struct tiny *tiny = *state;
	struct sl_error err = {0};
	auto_verdict struct verdict refused = {0}, shown = {0};
	auto_verified_bundle struct verified_bundle *bundle = NULL;
	tiny->policy.largest = 1;
	assert_int_equal(verify(tiny, &tiny->policy, VERIFY_ALL, false, &refused), SL_E_UNTRUSTED);
	expect_rule(&refused, RULE_SIZE, FINDING_FAIL);
	expect_rule(&refused, RULE_BLOBS, FINDING_NONE);
	struct verify_request request = {
		.path = tiny->path, .policy = &tiny->policy, .untrusted = true};
	assert_true(bundle_verify(&request, &shown, &bundle, &err));
	assert_false(verified_is_trusted(bundle));
}

// The file of each bundle with one byte changed, whatever the byte is: signatures, headers,
// padding, compressed content, blobs, the end.
static void t75_no_byte_of_a_bundle_can_be_changed(void **state)
{
	struct tiny *tiny = *state;
	size_t len, accepted = 0;
	tiny_countersign(tiny, tiny->bob);
	sl_auto_free char *good = tiny_read(tiny, &len);
	assert_int_equal(verify_all(tiny), SL_E_NONE);
	sl_auto_fd int fd = open(tiny->path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	for (size_t at = 0; at < len; at++) {
		char changed = (char)(good[at] ^ (1 << at % 8));
		assert_int_equal(pwrite(fd, &changed, 1, (off_t)at), 1);
		enum sl_kind kind = verify_all(tiny);
		accepted += kind == SL_E_NONE;
		if (kind == SL_E_IO || kind == SL_E_INTERNAL)
			fail_msg("byte %zu: %s", at, sl_kind_name(kind));
		assert_int_equal(pwrite(fd, &good[at], 1, (off_t)at), 1);
	}
	print_message("%zu changed bytes, %zu accepted\n", len, accepted);
	assert_int_equal(accepted, 0);
	assert_int_equal(verify_all(tiny), SL_E_NONE);
}

static void t75_no_bundle_can_be_cut_or_lengthened(void **state)
{
	struct tiny *tiny = *state;
	size_t len;
	sl_auto_free char *good = tiny_read(tiny, &len);
	for (size_t cut = 0; cut < len; cut += 61) {
		tiny_write(tiny, good, cut);
		assert_int_equal(verify_all(tiny), SL_E_FORMAT);
	}
	sl_auto_free char *longer = sl_alloc(len + TAR_BLOCK);
	memcpy(longer, good, len);
	tiny_write(tiny, longer, len + 1);
	assert_int_equal(verify_all(tiny), SL_E_FORMAT);
	tiny_write(tiny, longer, len + TAR_BLOCK);
	assert_int_equal(verify_all(tiny), SL_E_FORMAT);
}

static void t29_a_changed_blob_is_seen_by_verify_and_not_by_the_head(void **state)
{
	struct tiny *tiny = *state;
	size_t len;
	sl_auto_free char *bytes = tiny_read(tiny, &len);
	char *blob = memmem(bytes, len, TINY_BASE, strlen(TINY_BASE));
	assert_non_null(blob);
	blob[3] ^= 1;
	tiny_write(tiny, bytes, len);
	auto_verdict struct verdict all = {0}, head = {0};
	assert_int_equal(verify(tiny, &tiny->policy, VERIFY_HEAD, false, &head), SL_E_NONE);
	assert_int_equal(verify(tiny, &tiny->policy, VERIFY_ALL, false, &all), SL_E_FORMAT);
	expect_rule(&all, RULE_BLOBS, FINDING_FAIL);
	expect_rule(&all, RULE_SIGNATURES, FINDING_PASS);
	assert_true(all.parts_checked < all.parts_total);
}

// Bytes whose digest begins as the blob's does: all of a digest is compared.
static void t30_a_whole_digest_is_compared(void **state)
{
	struct tiny *tiny = *state;
	size_t len;
	sl_auto_free char *bytes = tiny_read(tiny, &len);
	char *blob = memmem(bytes, len, TINY_BASE, strlen(TINY_BASE));
	struct sl_digest wanted = sl_sha256_bytes(TINY_BASE, strlen(TINY_BASE)), found;
	assert_non_null(blob);
	unsigned number = 0;
	do {
		assert_true(number < 1000000);
		char digits[9];
		snprintf(digits, sizeof digits, "%08x", number++);
		memcpy(blob, digits, 8);
		found = sl_sha256_bytes(blob, strlen(TINY_BASE));
	} while (memcmp(&found, &wanted, 2) != 0);
	tiny_write(tiny, bytes, len);
	assert_int_equal(verify_all(tiny), SL_E_FORMAT);
}

static void t32_a_strangers_approval_changes_nothing(void **state)
{
	struct tiny *tiny = *state;
	struct secret_key *eve = fixture_key(3);
	tiny_countersign(tiny, eve);
	secret_key_free(eve);
	auto_verdict struct verdict verdict = {0};
	assert_int_equal(verify(tiny, &tiny->policy, VERIFY_ALL, false, &verdict), SL_E_NONE);
	assert_int_equal(verdict.signatures.items[1].verdict, SIGNATURE_UNKNOWN_KEY);
	expect_rule(&verdict, RULE_APPROVALS, FINDING_PASS);
}

static void t25_a_signature_of_another_bundle_is_no_help(void **state)
{
	struct tiny *tiny = *state;
	size_t len, other_len;
	sl_auto_free char *first = tiny_read(tiny, &len);
	free(tiny->plan->description);
	tiny->plan->description = sl_strdup("another");
	content_release(&tiny->content);
	tiny->content = (struct content){0};
	tiny_render(tiny->plan, tiny->lock, &tiny->content);
	tiny_seal(tiny);
	sl_auto_free char *second = tiny_read(tiny, &other_len);
	char *from = memmem(first, len, "untrusted comment", 17);
	char *to = memmem(second, other_len, "untrusted comment", 17);
	assert_true(from && to);
	memcpy(to, from, strcspn(from, "\n") + 1 + 101); // the first two lines
	tiny_write(tiny, second, other_len);
	assert_int_equal(verify_all(tiny), SL_E_UNTRUSTED);
}

static void a_recipe_that_says_something_else_is_refused(void **state)
{
	struct tiny *tiny = *state;
	struct content_file *file = NULL;
	sl_list_each (&tiny->content.files, one)
		if (strcmp(one->name, "image.def") == 0)
			file = one;
	assert_non_null(file);
	char *word = strstr(file->data, "tiny");
	assert_non_null(word);
	word[0] = 'T';
	tiny_seal(tiny); // sealed and signed by ada herself
	auto_verdict struct verdict verdict = {0};
	assert_int_equal(verify(tiny, &tiny->policy, VERIFY_ALL, false, &verdict), SL_E_FORMAT);
	expect_rule(&verdict, RULE_SIGNATURES, FINDING_PASS);
	expect_rule(&verdict, RULE_RECIPE, FINDING_FAIL);
	assert_non_null(strstr(verdict.findings[RULE_RECIPE].evidence, "image.def:"));
}

static void a_missing_file_is_an_input_output_error(void **state)
{
	struct tiny *tiny = *state;
	assert_int_equal(unlink(tiny->path), 0);
	assert_int_equal(verify_all(tiny), SL_E_IO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tiny_set_up, tiny_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_good_bundle_passes_every_rule_that_demands_something),
		TEST(t28_the_whole_file_is_covered_and_counted),
		TEST(t24_without_a_trusted_key_the_answer_is_no),
		TEST(untrusted_opens_it_and_says_that_it_is_not_verified),
		TEST(t27_nothing_is_read_behind_a_rule_on_signatures_that_fails),
		TEST(a_demand_stops_before_the_blobs_and_untrusted_goes_on),
		TEST(t75_no_byte_of_a_bundle_can_be_changed),
		TEST(t75_no_bundle_can_be_cut_or_lengthened),
		TEST(t29_a_changed_blob_is_seen_by_verify_and_not_by_the_head),
		TEST(t30_a_whole_digest_is_compared),
		TEST(t32_a_strangers_approval_changes_nothing),
		TEST(t25_a_signature_of_another_bundle_is_no_help),
		TEST(a_recipe_that_says_something_else_is_refused),
		TEST(a_missing_file_is_an_input_output_error),
	};
	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
