// SPDX-License-Identifier: Apache-2.0
// Judging signatures. Facts, in order:
//  1. A signature's role is its place: signatures/prepare.minisig, signatures/approve-<hex>.minisig
//     with the sha256 of the approver's 32 key bytes, or the name of a detached file.
//  2. Its key is one of the policy's, found by trying all keys of its 8-byte id: ids collide (T34).
//     An approval under the name of a known key must be that key's.
//  3. Only a signature that verifies has a statement worth reading, and the statement must name
//     this role and this bundle (T35).
//  4. An unknown signer neither helps nor hurts (T32); a known key's bad signature hurts.
#include "bundles/trust/judge.h"

#include "bundles/trust/signature.h"

#include <string.h>

#define PREPARE_MEMBER "signatures/prepare.minisig"
#define APPROVE_PREFIX "signatures/approve-"

struct judging {
	const struct judge_case *input;
	unsigned char hash[MESSAGE_HASH_SIZE];
};

// `fingerprint_out` is "" for the preparer.
static bool role_of_member(const struct judging *judging, const char *member, enum role *role_out,
			   char fingerprint_out[65])
{
	struct sl_digest digest;
	size_t prefix = strlen(APPROVE_PREFIX);
	fingerprint_out[0] = '\0';
	*role_out = ROLE_PREPARE;
	if (strcmp(member, PREPARE_MEMBER) == 0)
		return true;
	if (detached_name_parse(member, role_out, &digest, fingerprint_out))
		return sl_digest_equal(&digest, &judging->input->id);
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
		if (role != ROLE_PREPARE && strcmp(report->fingerprint, fingerprint) != 0)
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
	bool placed = role_of_member(judging, raw->member, &role, fingerprint);
	report->place = role;
	if (!placed) {
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

static struct signature_report *find_prepare(const struct verdict *verdict)
{
	sl_list_each (&verdict->signatures, report)
		if (strcmp(report->member, PREPARE_MEMBER) == 0)
			return report;
	return NULL;
}

// The same key's approval inside the bundle and beside it is one approval (T31).
static bool is_repeated(const struct verdict *verdict, const struct signature_report *report)
{
	sl_list_each (&verdict->signatures, other) {
		if (other == report)
			return false;
		if (other->counts && other->place == report->place &&
		    strcmp(other->fingerprint, report->fingerprint) == 0)
			return true;
	}
	return false;
}

static char *why_not(const struct policy *policy, const struct verdict *verdict,
		     const struct signature_report *report)
{
	const struct policy_key *key = policy_find_name(policy, report->fingerprint);
	const struct signature_report *prepare = find_prepare(verdict);
	bool may = report->place == ROLE_PREPARE ? key->may_prepare : key->may_approve;

	if (report->place == ROLE_REVOKE)
		return NULL; // any key of the policy may
	if (!may)
		return sl_format("the policy does not let '%s' %s", report->key_name,
				 role_name(report->place));
	if (!policy_key_covers(key, report->statement.name))
		return sl_format("the policy does not let '%s' %s bundles named '%s'",
				 report->key_name, role_name(report->place),
				 report->statement.name);
	if (report->place == ROLE_PREPARE)
		return NULL;
	if (prepare && strcmp(prepare->fingerprint, report->fingerprint) == 0)
		return sl_strdup("the preparing key does not count as an approval");
	return is_repeated(verdict, report) ? sl_strdup("the key has been counted already") : NULL;
}

static void weigh(const struct policy *policy, const struct verdict *verdict,
		  struct signature_report *report)
{
	if (report->verdict != SIGNATURE_GOOD)
		return;
	report->why = why_not(policy, verdict, report);
	report->counts = !report->why;
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

static void refuse_signature(struct verdict *verdict, enum rule rule,
			     const struct signature_report *report, const char *remedy)
{
	verdict_set(verdict, rule, FINDING_FAIL, SL_E_UNTRUSTED,
		    sl_format("%s: %s", report->member, report->why), sl_strdup(remedy));
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
		refuse_signature(verdict, RULE_SIGNATURES, prepare,
				 "ask the preparer for the bundle again; do not use this one");
	} else if (!prepare->counts) {
		refuse_signature(verdict, RULE_SIGNATURES, prepare,
				 "give the key the role 'prepare' for this name in the policy if "
				 "it is meant to have it");
	} else {
		sl_time_format(prepare->statement.time, time);
		verdict_set(verdict, RULE_SIGNATURES, FINDING_PASS, SL_E_NONE,
			    sl_format("prepared by '%s' at %s", prepare->key_name, time), NULL);
	}
}

static bool is_harmful(const struct signature_report *report)
{
	return report->verdict != SIGNATURE_GOOD && report->verdict != SIGNATURE_UNKNOWN_KEY;
}

static void weigh_approvals(const struct judge_case *input, struct verdict *verdict, size_t all,
			    size_t counting)
{
	unsigned demanded = input->policy ? input->policy->approvals : 0;
	sl_auto_free char *wanted =
		demanded == 0 ? sl_strdup("none is demanded") : sl_format("%u must", demanded);
	if (counting < demanded)
		verdict_set(verdict, RULE_APPROVALS, FINDING_FAIL, SL_E_UNTRUSTED,
			    sl_format("%zu of %zu count, and %s", counting, all, wanted),
			    sl_strdup("get more approvals: 'sealift approve' makes one, "
				      "--signatures DIR names a folder with them"));
	else if (all == 0)
		verdict_set(verdict, RULE_APPROVALS, FINDING_NONE, SL_E_NONE,
			    sl_strdup("none is there, and none is demanded"), NULL);
	else
		verdict_set(verdict, RULE_APPROVALS, FINDING_PASS, SL_E_NONE,
			    sl_format("%zu of %zu count, and %s", counting, all, wanted), NULL);
}

static void find_on_approvals(const struct judge_case *input, struct verdict *verdict)
{
	size_t all = 0, counting = 0;
	sl_list_each (&verdict->signatures, report) {
		if (report->place != ROLE_APPROVE)
			continue;
		all++;
		counting += report->counts;
		if (is_harmful(report)) {
			refuse_signature(verdict, RULE_APPROVALS, report,
					 "leave it out, or get the bundle again; do not use it so");
			return;
		}
	}
	weigh_approvals(input, verdict, all, counting);
}

static void find_on_revocation(struct verdict *verdict)
{
	size_t all = 0;
	sl_list_each (&verdict->signatures, report) {
		if (report->place != ROLE_REVOKE)
			continue;
		all++;
		if (report->counts) {
			char time[21];
			sl_time_format(report->statement.time, time);
			verdict_set(verdict, RULE_REVOCATION, FINDING_FAIL, SL_E_UNTRUSTED,
				    sl_format("revoked by '%s' at %s", report->key_name, time),
				    sl_strdup("do not use this bundle; ask whoever revoked it"));
			return;
		}
		if (is_harmful(report)) {
			refuse_signature(verdict, RULE_REVOCATION, report,
					 "find out what happened to the file; until then the "
					 "bundle is not to be used");
			return;
		}
	}
	char *evidence =
		all == 0 ? sl_strdup("nobody has revoked it")
			 : sl_format("nobody known has revoked it (%zu by unknown keys)", all);
	verdict_set(verdict, RULE_REVOCATION, FINDING_PASS, SL_E_NONE, evidence, NULL);
}

static void weigh_all(const struct judge_case *input, struct verdict *verdict)
{
	sl_list_each (&verdict->signatures, report)
		weigh(input->policy, verdict, report);
	find_on_prepare(input, verdict);
	find_on_approvals(input, verdict);
	find_on_revocation(verdict);
	judge_time(input, find_prepare(verdict), verdict);
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
