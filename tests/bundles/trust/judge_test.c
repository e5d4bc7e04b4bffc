// SPDX-License-Identifier: Apache-2.0
// bundles/trust/judge.c: one verdict for each signature, then the policy decides.
#include "bundles/trust/judge.h"

#include "tests/bundles/trust/fixtures.h"

#define PREPARE "signatures/prepare.minisig"

static const char manifest[] = "{\"name\":\"tiny\"}\n";
#define MANIFEST_LEN (sizeof manifest - 1)

struct scene {
	struct secret_key *ada, *bob, *eve; // ada prepares, bob approves, eve is nobody
	struct policy policy;
	struct raw_signature raw[8];
	size_t len;
	struct verdict verdict;
};

static int set_up(void **state)
{
	struct scene *scene = sl_alloc(sizeof *scene);
	scene->ada = fixture_key(1);
	scene->bob = fixture_key(2);
	scene->eve = fixture_key(3);
	fixture_trust(&scene->policy, scene->ada, "ada", true, false);
	fixture_trust(&scene->policy, scene->bob, "bob", false, true);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;
	for (size_t i = 0; i < scene->len; i++) {
		free(scene->raw[i].member);
		free(scene->raw[i].text);
	}
	verdict_release(&scene->verdict);
	policy_release(&scene->policy);
	secret_key_free(scene->ada);
	secret_key_free(scene->bob);
	secret_key_free(scene->eve);
	free(scene);
	return 0;
}

static char *approve_member(const struct secret_key *key)
{
	char fingerprint[65];
	public_key_fingerprint(secret_key_public(key), fingerprint);
	return sl_format("signatures/approve-%s.minisig", fingerprint);
}

static void put(struct scene *scene, char *member, char *text)
{
	scene->raw[scene->len++] = (struct raw_signature){member, text, strlen(text)};
}

static void put_prepare(struct scene *scene, const struct secret_key *key)
{
	struct statement statement = fixture_statement(manifest, MANIFEST_LEN);
	put(scene, sl_strdup(PREPARE), fixture_sign(key, &statement, manifest, MANIFEST_LEN));
}

static void put_approve(struct scene *scene, const struct secret_key *key, char *member)
{
	struct statement statement = fixture_statement(manifest, MANIFEST_LEN);
	statement.role = ROLE_APPROVE;
	put(scene, member, fixture_sign(key, &statement, manifest, MANIFEST_LEN));
}

static struct judge_case case_of(struct scene *scene)
{
	return (struct judge_case){
		.policy = &scene->policy,
		.manifest = manifest,
		.manifest_len = MANIFEST_LEN,
		.id = sl_sha256_bytes(manifest, MANIFEST_LEN),
		.signatures = scene->raw,
		.signatures_len = scene->len,
		.now = 1763821562,
	};
}

static void run(struct scene *scene)
{
	struct judge_case input = case_of(scene);
	judge(&input, &scene->verdict);
}

static void expect_signature(const struct scene *scene, size_t index,
			     enum signature_verdict verdict, bool counts)
{
	const struct signature_report *report = &scene->verdict.signatures.items[index];
	if (report->verdict != verdict || report->counts != counts)
		fail_msg("%s: %s, counts %d: %s", report->member,
			 signature_verdict_name(report->verdict), report->counts,
			 report->why ? report->why : "");
	if (!counts)
		assert_non_null(report->why);
}

static void expect_finding(const struct scene *scene, enum rule rule, enum finding_verdict verdict,
			   enum sl_kind kind)
{
	const struct finding *finding = &scene->verdict.findings[rule];
	if (finding->verdict != verdict || finding->kind != kind)
		fail_msg("%s: %s %s: %s", rule_name(rule), finding_verdict_name(finding->verdict),
			 sl_kind_name(finding->kind), finding->evidence);
}

static void trusted_preparer_passes(void **state)
{
	struct scene *scene = *state;
	put_prepare(scene, scene->ada);
	run(scene);
	expect_signature(scene, 0, SIGNATURE_GOOD, true);
	expect_finding(scene, RULE_SIGNATURES, FINDING_PASS, SL_E_NONE);
	expect_finding(scene, RULE_APPROVALS, FINDING_NONE, SL_E_NONE);
	assert_string_equal(scene->verdict.signatures.items[0].key_name, "ada");
}

static void t23_unsigned_is_an_answer_of_its_own(void **state)
{
	struct scene *scene = *state;
	put_approve(scene, scene->bob, approve_member(scene->bob));
	run(scene);
	expect_finding(scene, RULE_SIGNATURES, FINDING_FAIL, SL_E_ANSWER);
	assert_non_null(strstr(scene->verdict.findings[RULE_SIGNATURES].evidence, "not signed"));
}

static void t24_unknown_signer_is_not_verified(void **state)
{
	struct scene *scene = *state;
	put_prepare(scene, scene->eve);
	run(scene);
	expect_signature(scene, 0, SIGNATURE_UNKNOWN_KEY, false);
	expect_finding(scene, RULE_SIGNATURES, FINDING_FAIL, SL_E_ANSWER);
	assert_non_null(strstr(scene->verdict.findings[RULE_SIGNATURES].remedy, "trust add"));
}

static void t24_without_a_policy_nothing_is_verified(void **state)
{
	struct scene *scene = *state;
	put_prepare(scene, scene->ada);
	struct judge_case input = case_of(scene);
	input.policy = NULL;
	judge(&input, &scene->verdict);
	expect_signature(scene, 0, SIGNATURE_UNKNOWN_KEY, false);
	expect_finding(scene, RULE_SIGNATURES, FINDING_FAIL, SL_E_ANSWER);
}

static void a_known_keys_bad_signature_is_refused(void **state)
{
	struct scene *scene = *state;
	struct statement statement = fixture_statement(manifest, MANIFEST_LEN);
	put(scene, sl_strdup(PREPARE), fixture_sign(scene->ada, &statement, "other bytes", 11));
	run(scene);
	expect_signature(scene, 0, SIGNATURE_BAD, false);
	expect_finding(scene, RULE_SIGNATURES, FINDING_FAIL, SL_E_UNTRUSTED);
}

static void a_broken_signature_is_refused(void **state)
{
	struct scene *scene = *state;
	put(scene, sl_strdup(PREPARE), sl_strdup("untrusted comment: nothing\n"));
	run(scene);
	expect_signature(scene, 0, SIGNATURE_MALFORMED, false);
	expect_finding(scene, RULE_SIGNATURES, FINDING_FAIL, SL_E_UNTRUSTED);
}

static void an_approver_may_not_prepare(void **state)
{
	struct scene *scene = *state;
	put_prepare(scene, scene->bob);
	run(scene);
	expect_signature(scene, 0, SIGNATURE_GOOD, false);
	expect_finding(scene, RULE_SIGNATURES, FINDING_FAIL, SL_E_UNTRUSTED);
}

static void t35_signature_for_another_role_is_refused(void **state)
{
	struct scene *scene = *state;
	put_approve(scene, scene->ada, sl_strdup(PREPARE)); // an approval, moved to the first place
	run(scene);
	expect_signature(scene, 0, SIGNATURE_OTHER_PURPOSE, false);
	expect_finding(scene, RULE_SIGNATURES, FINDING_FAIL, SL_E_UNTRUSTED);
}

static void t35_signature_for_another_bundle_is_refused(void **state)
{
	struct scene *scene = *state;
	struct statement statement = fixture_statement("another manifest", 16);
	put(scene, sl_strdup(PREPARE),
	    fixture_sign(scene->ada, &statement, manifest, MANIFEST_LEN));
	run(scene);
	expect_signature(scene, 0, SIGNATURE_OTHER_PURPOSE, false);
	expect_finding(scene, RULE_SIGNATURES, FINDING_FAIL, SL_E_UNTRUSTED);
}

static void t35_names_are_the_manifests(void **state)
{
	struct scene *scene = *state;
	put_prepare(scene, scene->ada);
	run(scene);
	struct judge_case input = case_of(scene);
	judge_names(&input, "tiny", "1.0.0", &scene->verdict);
	expect_finding(scene, RULE_SIGNATURES, FINDING_PASS, SL_E_NONE);
	judge_names(&input, "tin", "1.0.0", &scene->verdict);
	expect_signature(scene, 0, SIGNATURE_OTHER_PURPOSE, false);
	verdict_release(&scene->verdict);
	run(scene);
	judge_names(&input, "tiny", "1.0.1", &scene->verdict);
	expect_signature(scene, 0, SIGNATURE_OTHER_PURPOSE, false);
	expect_finding(scene, RULE_SIGNATURES, FINDING_FAIL, SL_E_UNTRUSTED);
}

static void t32_an_unknown_approval_neither_helps_nor_hurts(void **state)
{
	struct scene *scene = *state;
	put_prepare(scene, scene->ada);
	put_approve(scene, scene->eve, approve_member(scene->eve));
	put_approve(scene, scene->bob, approve_member(scene->bob));
	run(scene);
	expect_signature(scene, 1, SIGNATURE_UNKNOWN_KEY, false);
	expect_signature(scene, 2, SIGNATURE_GOOD, true);
	expect_finding(scene, RULE_SIGNATURES, FINDING_PASS, SL_E_NONE);
	expect_finding(scene, RULE_APPROVALS, FINDING_PASS, SL_E_NONE);
	assert_non_null(strstr(scene->verdict.findings[RULE_APPROVALS].evidence, "1 of 2"));
}

static void a_known_keys_bad_approval_hurts(void **state)
{
	struct scene *scene = *state;
	struct statement statement = fixture_statement(manifest, MANIFEST_LEN);
	statement.role = ROLE_APPROVE;
	put_prepare(scene, scene->ada);
	put(scene, approve_member(scene->bob),
	    fixture_sign(scene->bob, &statement, "other bytes", 11));
	run(scene);
	expect_signature(scene, 1, SIGNATURE_BAD, false);
	expect_finding(scene, RULE_SIGNATURES, FINDING_PASS, SL_E_NONE);
	expect_finding(scene, RULE_APPROVALS, FINDING_FAIL, SL_E_UNTRUSTED);
}

// bob's approval under eve's name would let one key fill two places.
static void t31_an_approval_stands_under_its_own_key(void **state)
{
	struct scene *scene = *state;
	put_prepare(scene, scene->ada);
	put_approve(scene, scene->bob, approve_member(scene->eve));
	put_approve(scene, scene->eve, approve_member(scene->bob));
	run(scene);
	expect_signature(scene, 1, SIGNATURE_BAD, false);
	expect_signature(scene, 2, SIGNATURE_BAD, false);
	expect_finding(scene, RULE_APPROVALS, FINDING_FAIL, SL_E_UNTRUSTED);
}

static void the_preparing_key_is_no_approver(void **state)
{
	struct scene *scene = *state;
	scene->policy.keys.items[0].may_approve = true;
	put_prepare(scene, scene->ada);
	put_approve(scene, scene->ada, approve_member(scene->ada));
	run(scene);
	expect_signature(scene, 0, SIGNATURE_GOOD, true);
	expect_signature(scene, 1, SIGNATURE_GOOD, false);
	assert_non_null(strstr(scene->verdict.findings[RULE_APPROVALS].evidence, "0 of 1"));
}

// A key with eve's bytes under ada's id: found, tried, and not taken for ada.
static void t34_colliding_ids_are_told_apart(void **state)
{
	struct scene *scene = *state;
	char name[] = "twin";
	struct sl_error err = {0};
	struct policy_key twin = {.name = name, .key = *secret_key_public(scene->eve)};
	memcpy(twin.key.id, secret_key_public(scene->ada)->id, 8);
	twin.may_approve = true;
	struct policy policy = {0};
	assert_true(policy_add(&policy, &twin, &err));
	fixture_trust(&policy, scene->ada, "ada", true, false);
	policy_release(&scene->policy);
	scene->policy = policy;
	put_prepare(scene, scene->ada);
	run(scene);
	expect_signature(scene, 0, SIGNATURE_GOOD, true);
	assert_string_equal(scene->verdict.signatures.items[0].key_name, "ada");
}

static void member_names_are_strict(void **state)
{
	static const char *const names[] = {"signatures/approve-.minisig", "signatures/other",
					    "signatures/prepare.minisig.old", ""};
	struct scene *scene = *state;
	struct statement statement = fixture_statement(manifest, MANIFEST_LEN);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		put(scene, sl_strdup(names[i]),
		    fixture_sign(scene->ada, &statement, manifest, MANIFEST_LEN));
	run(scene);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		expect_signature(scene, i, SIGNATURE_MALFORMED, false);
	expect_finding(scene, RULE_SIGNATURES, FINDING_FAIL, SL_E_ANSWER);
	expect_finding(scene, RULE_APPROVALS, FINDING_FAIL, SL_E_UNTRUSTED);
}

// Good signatures of any number do not stand in for the one that is asked for.
static void t26_nothing_else_stands_in_for_what_is_missing(void **state)
{
	struct scene *scene = *state;
	fixture_trust(&scene->policy, scene->eve, "eve", false, true);
	scene->policy.approvals = 2;
	put_approve(scene, scene->bob, approve_member(scene->bob));
	put_approve(scene, scene->eve, approve_member(scene->eve));
	run(scene);
	expect_finding(scene, RULE_APPROVALS, FINDING_PASS, SL_E_NONE);
	expect_finding(scene, RULE_SIGNATURES, FINDING_FAIL, SL_E_ANSWER);
	scene->policy.approvals = 3; // and the preparer is no approver
	put_prepare(scene, scene->ada);
	verdict_release(&scene->verdict);
	run(scene);
	expect_finding(scene, RULE_SIGNATURES, FINDING_PASS, SL_E_NONE);
	expect_finding(scene, RULE_APPROVALS, FINDING_FAIL, SL_E_UNTRUSTED);
}

// ---- files of their own --------------------------------------------------------------------

static void put_detached(struct scene *scene, enum role role, const struct secret_key *key)
{
	struct statement statement = fixture_statement(manifest, MANIFEST_LEN);
	struct sl_digest id = sl_sha256_bytes(manifest, MANIFEST_LEN);
	statement.role = role;
	put(scene, detached_name(role, &id, secret_key_public(key)),
	    fixture_sign(key, &statement, manifest, MANIFEST_LEN));
}

static void t31_one_key_attached_and_detached_counts_once(void **state)
{
	struct scene *scene = *state;
	scene->policy.approvals = 2;
	put_prepare(scene, scene->ada);
	put_approve(scene, scene->bob, approve_member(scene->bob));
	put_detached(scene, ROLE_APPROVE, scene->bob);
	run(scene);
	expect_signature(scene, 1, SIGNATURE_GOOD, true);
	expect_signature(scene, 2, SIGNATURE_GOOD, false);
	expect_finding(scene, RULE_APPROVALS, FINDING_FAIL, SL_E_UNTRUSTED);
}

static void t31_as_many_different_keys_as_are_demanded(void **state)
{
	struct scene *scene = *state;
	fixture_trust(&scene->policy, scene->eve, "eve", false, true);
	put_prepare(scene, scene->ada);
	put_approve(scene, scene->bob, approve_member(scene->bob));
	put_detached(scene, ROLE_APPROVE, scene->eve);
	for (unsigned demanded = 0; demanded <= 3; demanded++) {
		verdict_release(&scene->verdict);
		scene->policy.approvals = demanded;
		run(scene);
		expect_finding(scene, RULE_APPROVALS, demanded <= 2 ? FINDING_PASS : FINDING_FAIL,
			       demanded <= 2 ? SL_E_NONE : SL_E_UNTRUSTED);
	}
}

static void t35_a_detached_file_says_what_its_statement_says(void **state)
{
	struct scene *scene = *state;
	struct sl_digest other = sl_sha256_bytes("other", 5);
	struct statement statement = fixture_statement(manifest, MANIFEST_LEN);
	statement.role = ROLE_APPROVE;
	put_prepare(scene, scene->ada);
	put(scene, detached_name(ROLE_APPROVE, &other, secret_key_public(scene->bob)),
	    fixture_sign(scene->bob, &statement, manifest, MANIFEST_LEN));
	put(scene, detached_name(ROLE_REVOKE, &statement.bundle, secret_key_public(scene->bob)),
	    fixture_sign(scene->bob, &statement, manifest, MANIFEST_LEN));
	run(scene);
	expect_signature(scene, 1, SIGNATURE_MALFORMED, false);	    // another bundle's name
	expect_signature(scene, 2, SIGNATURE_OTHER_PURPOSE, false); // an approval, renamed
	expect_finding(scene, RULE_APPROVALS, FINDING_FAIL, SL_E_UNTRUSTED);
	expect_finding(scene, RULE_REVOCATION, FINDING_FAIL, SL_E_UNTRUSTED);
}

static void any_known_key_may_revoke(void **state)
{
	struct scene *scene = *state;
	put_prepare(scene, scene->ada);
	put_detached(scene, ROLE_REVOKE, scene->eve);
	run(scene);
	expect_finding(scene, RULE_REVOCATION, FINDING_PASS, SL_E_NONE); // T32: nobody knows her
	verdict_release(&scene->verdict);
	sl_strings_add(&scene->policy.keys.items[1].bundles, "other-*"); // bob's, who may approve
	put_detached(scene, ROLE_REVOKE, scene->bob);
	run(scene);
	expect_signature(scene, 2, SIGNATURE_GOOD, true);
	expect_finding(scene, RULE_REVOCATION, FINDING_FAIL, SL_E_UNTRUSTED);
	expect_finding(scene, RULE_APPROVALS, FINDING_NONE, SL_E_NONE); // it is no approval
}

static void a_key_counts_for_the_names_that_it_is_listed_for(void **state)
{
	struct scene *scene = *state;
	put_prepare(scene, scene->ada);
	put_approve(scene, scene->bob, approve_member(scene->bob));
	sl_strings_add(&scene->policy.keys.items[1].bundles, "other-*");
	run(scene);
	expect_signature(scene, 1, SIGNATURE_GOOD, false);
	sl_strings_add(&scene->policy.keys.items[1].bundles, "t*y");
	verdict_release(&scene->verdict);
	run(scene);
	expect_signature(scene, 1, SIGNATURE_GOOD, true);
	sl_strings_add(&scene->policy.keys.items[0].bundles, "other-*");
	verdict_release(&scene->verdict);
	run(scene);
	expect_signature(scene, 0, SIGNATURE_GOOD, false);
	expect_finding(scene, RULE_SIGNATURES, FINDING_FAIL, SL_E_UNTRUSTED);
}

// ---- time ----------------------------------------------------------------------------------

#define DAY 86400

static void expect_time(struct scene *scene, int64_t now, const struct seen *seen, bool good)
{
	struct judge_case input = case_of(scene);
	input.now = now;
	input.seen = seen;
	verdict_release(&scene->verdict);
	judge(&input, &scene->verdict);
	expect_finding(scene, RULE_TIME, good ? FINDING_PASS : FINDING_FAIL,
		       good ? SL_E_NONE : SL_E_UNTRUSTED);
}

static void t41_old_and_future_signatures(void **state)
{
	struct scene *scene = *state;
	int64_t made = 1763821562; // fixture_statement()
	put_prepare(scene, scene->ada);
	expect_time(scene, made - 400 * DAY, NULL, true); // nothing is demanded
	scene->policy.signed_within_days = 2;
	expect_time(scene, made + 2 * DAY, NULL, true);
	expect_time(scene, made + 2 * DAY + 1, NULL, false);
	expect_time(scene, made - DAY, NULL, true);
	expect_time(scene, made - DAY - 1, NULL, false);
	scene->policy.signed_within_days = 0;
	scene->policy.has_signed_since = true;
	scene->policy.signed_since = made;
	expect_time(scene, made, NULL, true);
	scene->policy.signed_since = made + 1;
	expect_time(scene, made, NULL, false);
}

static void t43_a_clock_that_has_gone_back(void **state)
{
	struct scene *scene = *state;
	struct seen seen = {.latest = 1000 * DAY};
	put_prepare(scene, scene->ada);
	expect_time(scene, 999 * DAY, &seen, true);
	expect_time(scene, 999 * DAY - 1, &seen, false);
	expect_time(scene, 999 * DAY - 1, NULL, true);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(trusted_preparer_passes),
		TEST(t23_unsigned_is_an_answer_of_its_own),
		TEST(t24_unknown_signer_is_not_verified),
		TEST(t24_without_a_policy_nothing_is_verified),
		TEST(a_known_keys_bad_signature_is_refused),
		TEST(a_broken_signature_is_refused),
		TEST(an_approver_may_not_prepare),
		TEST(t35_signature_for_another_role_is_refused),
		TEST(t35_signature_for_another_bundle_is_refused),
		TEST(t35_names_are_the_manifests),
		TEST(t32_an_unknown_approval_neither_helps_nor_hurts),
		TEST(a_known_keys_bad_approval_hurts),
		TEST(t31_an_approval_stands_under_its_own_key),
		TEST(the_preparing_key_is_no_approver),
		TEST(t34_colliding_ids_are_told_apart),
		TEST(member_names_are_strict),
		TEST(t26_nothing_else_stands_in_for_what_is_missing),
		TEST(t31_one_key_attached_and_detached_counts_once),
		TEST(t31_as_many_different_keys_as_are_demanded),
		TEST(t35_a_detached_file_says_what_its_statement_says),
		TEST(any_known_key_may_revoke),
		TEST(a_key_counts_for_the_names_that_it_is_listed_for),
		TEST(t41_old_and_future_signatures),
		TEST(t43_a_clock_that_has_gone_back),
	};
	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
