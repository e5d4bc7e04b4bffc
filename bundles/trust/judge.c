// SPDX-License-Identifier: Apache-2.0
// Judging signatures. Facts, in order:
//  1. A signature's role is its place: signatures/prepare.minisig, signatures/approve-<hex>.minisig
//     with the sha256 of the approver's 32 key bytes.
//  2. Its key is one of the policy's, found by trying all keys of its 8-byte id: ids collide (T34).
//     An approval under the name of a known key must be that key's.
//  3. Only a signature that verifies has a statement worth reading, and the statement must name
//     this role and this bundle (T35).
//  4. An unknown signer neither helps nor hurts (T32); a known key's bad signature hurts.
#include "bundles/trust/judge.h"

#include "bundles/trust/signature.h"

#include <string.h>

#define APPROVE_PREFIX "signatures/approve-"

struct judging {
	const struct judge_case *input;
	unsigned char hash[MESSAGE_HASH_SIZE];
};

// `fingerprint_out` is "" for the preparer.
static bool role_of_member(const char *member, enum role *role_out, char fingerprint_out[65])
{
	struct sl_digest digest;
	size_t prefix = strlen(APPROVE_PREFIX);
	fingerprint_out[0] = '\0';
	*role_out = ROLE_PREPARE;
	if (strcmp(member, "signatures/prepare.minisig") == 0)
		return true;
	*role_out = ROLE_APPROVE;
	if (strncmp(member, APPROVE_PREFIX, prefix) != 0 ||
	    strlen(member) != prefix + SL_DIGEST_HEX + strlen(".minisig") ||
	    strcmp(member + prefix + SL_DIGEST_HEX, ".minisig") != 0)
		return false;
	memcpy(fingerprint_out, member + prefix, SL_DIGEST_HEX);
	fingerprint_out[SL_DIGEST_HEX] = '\0';
	return sl_digest_parse(fingerprint_out, &digest);
}

static void decide(struct signature_report *report, enum signature_verdict verdict, char *why)
{
	report->verdict = verdict;
	report->why = why;
}

static void name_key(struct signature_report *report, const struct policy_key *key)
{
	report->key_name = sl_strdup(key->name);
	public_key_fingerprint(&key->key, report->fingerprint);
}

// ---- whose is it ----------------------------------------------------------------------------

struct candidates {
	const struct policy_key *signer;  // its key verifies
	const struct policy_key *same_id; // the first key with the signature's id
	const struct policy_key *named;	  // the key that the member's name claims
};

static struct candidates find_key(const struct judging *judging, const struct signature *signature,
				  const char *fingerprint)
{
	struct candidates found = {0};
	const struct policy *policy = judging->input->policy;
	if (!policy)
		return found;
	sl_list_each (&policy->keys, entry) {
		char own[65];
		public_key_fingerprint(&entry->key, own);
		if (strcmp(own, fingerprint) == 0)
			found.named = entry;
		if (memcmp(entry->key.id, signature->key_id, sizeof signature->key_id) != 0)
			continue;
		if (!found.same_id)
			found.same_id = entry;
		if (!found.signer && signature_verify(signature, &entry->key, judging->hash))
			found.signer = entry;
	}
	return found;
}

static void judge_statement(const struct judging *judging, enum role role,
			    const struct signature *signature, struct signature_report *report)
{
	struct sl_error err = {0};
	if (!report->has_statement &&
	    !statement_parse(signature->comment, &report->statement, &err))
		decide(report, SIGNATURE_OTHER_PURPOSE, sl_strdup(err.text));
	else if (report->statement.role != role)
		decide(report, SIGNATURE_OTHER_PURPOSE,
		       sl_format("made for the role '%s', but it stands where '%s' belongs",
				 role_name(report->statement.role), role_name(role)));
	else if (!sl_digest_equal(&report->statement.bundle, &judging->input->id))
		decide(report, SIGNATURE_OTHER_PURPOSE, sl_strdup("made for another bundle"));
	else
		report->verdict = SIGNATURE_GOOD;
}

static void judge_known(const struct judging *judging, enum role role, const char *fingerprint,
			const struct signature *signature, struct signature_report *report)
{
	struct candidates found = find_key(judging, signature, fingerprint);
	const struct policy_key *claimed = role == ROLE_PREPARE ? found.same_id : found.named;
	if (found.signer) {
		name_key(report, found.signer);
		if (role == ROLE_APPROVE && strcmp(report->fingerprint, fingerprint) != 0)
			decide(report, SIGNATURE_BAD,
			       sl_format("made by '%s', but it stands under another key's name",
					 found.signer->name));
		else
			judge_statement(judging, role, signature, report);
	} else if (claimed) {
		name_key(report, claimed);
		decide(report, SIGNATURE_BAD,
		       sl_format("not a signature of these bytes by '%s'", claimed->name));
	} else {
		decide(report, SIGNATURE_UNKNOWN_KEY,
		       sl_format("no key of the policy has made it (key id %s)", report->key_id));
	}
}

static void judge_one(const struct judging *judging, const struct raw_signature *raw,
		      struct signature_report *report)
{
	enum role role;
	char fingerprint[65];
	struct signature signature;
	struct sl_error err = {0}, ignored = {0};
	report->member = sl_strdup(raw->member);
	if (!role_of_member(raw->member, &role, fingerprint)) {
		decide(report, SIGNATURE_MALFORMED, sl_strdup("no signature has this name"));
		return;
	}
	if (!signature_parse(raw->text, raw->len, &signature, &err)) {
		decide(report, SIGNATURE_MALFORMED, sl_strdup(err.text));
		return;
	}
	struct public_key claimed = {0};
	memcpy(claimed.id, signature.key_id, sizeof claimed.id);
	public_key_id_hex(&claimed, report->key_id);
	report->has_statement = statement_parse(signature.comment, &report->statement, &ignored);
	judge_known(judging, role, fingerprint, &signature, report);
}

// ---- what it is worth -----------------------------------------------------------------------

static bool is_prepare(const struct signature_report *report)
{
	return strcmp(report->member, "signatures/prepare.minisig") == 0;
}

static struct signature_report *find_prepare(const struct verdict *verdict)
{
	sl_list_each (&verdict->signatures, report)
		if (is_prepare(report))
			return report;
	return NULL;
}

static void weigh(const struct policy *policy, const struct signature_report *prepare,
		  struct signature_report *report)
{
	if (report->verdict != SIGNATURE_GOOD)
		return;
	const struct policy_key *key = policy_find_name(policy, report->fingerprint);
	bool preparing = is_prepare(report);
	report->counts = preparing ? key->may_prepare : key->may_approve;
	if (!report->counts)
		report->why = sl_format("the policy does not let '%s' %s", report->key_name,
					role_name(report->statement.role));
	if (!preparing && prepare && strcmp(prepare->fingerprint, report->fingerprint) == 0) {
		report->counts = false;
		free(report->why);
		report->why = sl_strdup("the preparing key does not count as an approval");
	}
}

static void find_on_unknown(const struct judge_case *input, struct verdict *verdict,
			    const struct signature_report *prepare)
{
	bool empty = !input->policy || input->policy->keys.len == 0;
	char *remedy = sl_strdup(
		empty ? "'sealift trust add KEY.pub --role prepare' trusts a preparer; "
			"--policy FILE names another policy"
		      : "if you trust that key: 'sealift trust add KEY.pub --role prepare'");
	char *evidence =
		empty ? sl_format("nobody is trusted yet (signed by key id %s)", prepare->key_id)
		      : sl_format("nobody you trust has signed it (signed by key id %s)",
				  prepare->key_id);
	verdict_set(verdict, RULE_SIGNATURES, FINDING_FAIL, SL_E_ANSWER, evidence, remedy);
}

static void find_on_prepare(const struct judge_case *input, struct verdict *verdict)
{
	const struct signature_report *prepare = find_prepare(verdict);
	char time[21];
	if (!prepare) {
		verdict_set(verdict, RULE_SIGNATURES, FINDING_FAIL, SL_E_ANSWER,
			    sl_strdup("the bundle is not signed"), NULL);
	} else if (prepare->verdict == SIGNATURE_UNKNOWN_KEY) {
		find_on_unknown(input, verdict, prepare);
	} else if (prepare->verdict != SIGNATURE_GOOD) {
		verdict_set(
			verdict, RULE_SIGNATURES, FINDING_FAIL, SL_E_UNTRUSTED,
			sl_format("%s: %s", prepare->member, prepare->why),
			sl_strdup("ask the preparer for the bundle again; do not use this one"));
	} else if (!prepare->counts) {
		verdict_set(verdict, RULE_SIGNATURES, FINDING_FAIL, SL_E_UNTRUSTED,
			    sl_format("%s: %s", prepare->member, prepare->why),
			    sl_strdup("give the key the role 'prepare' in the policy if it is "
				      "meant to have it"));
	} else {
		sl_time_format(prepare->statement.time, time);
		verdict_set(verdict, RULE_SIGNATURES, FINDING_PASS, SL_E_NONE,
			    sl_format("prepared by '%s' at %s", prepare->key_name, time), NULL);
	}
}

static bool approval_is_harmful(const struct signature_report *report)
{
	return report->verdict != SIGNATURE_GOOD && report->verdict != SIGNATURE_UNKNOWN_KEY;
}

static void find_on_approvals(struct verdict *verdict)
{
	size_t all = 0, counting = 0;
	sl_list_each (&verdict->signatures, report) {
		if (is_prepare(report))
			continue;
		all++;
		counting += report->counts;
		if (approval_is_harmful(report)) {
			verdict_set(verdict, RULE_APPROVALS, FINDING_FAIL, SL_E_UNTRUSTED,
				    sl_format("%s: %s", report->member, report->why),
				    sl_strdup("ask for the bundle again; do not use this one"));
			return;
		}
	}
	if (all == 0)
		verdict_set(verdict, RULE_APPROVALS, FINDING_NONE, SL_E_NONE,
			    sl_strdup("none is there, and none is demanded"), NULL);
	else
		verdict_set(verdict, RULE_APPROVALS, FINDING_PASS, SL_E_NONE,
			    sl_format("%zu of %zu count, and none is demanded", counting, all),
			    NULL);
}

static void weigh_all(const struct judge_case *input, struct verdict *verdict)
{
	sl_list_each (&verdict->signatures, report)
		weigh(input->policy, find_prepare(verdict), report);
	find_on_prepare(input, verdict);
	find_on_approvals(verdict);
}

void judge(const struct judge_case *input, struct verdict *verdict)
{
	struct judging judging = {.input = input};
	message_hash(input->manifest, input->manifest_len, judging.hash);
	for (size_t i = 0; i < input->signatures_len; i++)
		judge_one(&judging, &input->signatures[i], sl_list_add(&verdict->signatures));
	weigh_all(input, verdict);
}

void judge_names(const struct judge_case *input, const char *name, const char *version,
		 struct verdict *verdict)
{
	sl_list_each (&verdict->signatures, report) {
		if (report->verdict != SIGNATURE_GOOD)
			continue;
		free(report->why);
		report->why = NULL;
		report->counts = false;
		if (strcmp(report->statement.name, name) != 0 ||
		    strcmp(report->statement.version, version) != 0)
			decide(report, SIGNATURE_OTHER_PURPOSE,
			       sl_format("it names %s %s, but the manifest says %s %s",
					 report->statement.name, report->statement.version, name,
					 version));
	}
	weigh_all(input, verdict);
}
