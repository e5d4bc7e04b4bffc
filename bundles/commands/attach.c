// SPDX-License-Identifier: Apache-2.0
// sealift attach: approvals from files of their own into a copy of the bundle.
#include "bundles/commands/commands.h"
#include "bundles/commands/open_bundle.h"
#include "bundles/commands/output_check.h"
#include "bundles/commands/show.h"
#include "bundles/trust/judge.h"
#include "bundles/trust/signature.h"

#include <stdio.h>
#include <string.h>

struct attach_options {
	struct judging_options judging;
	const char *output;
	struct sl_words keys;
	bool json;
};

static const struct sl_option options[] = {
	{"output", 'o', SL_OPT_PATH_OUT, offsetof(struct attach_options, output), "FILE",
	 "the bundle to write; it may be BUNDLE itself"},
	{"key", 0, SL_OPT_PATHS_IN, offsetof(struct attach_options, keys), "FILE",
	 "an approver's public key that the policy does not list"},
	JUDGING_OPTIONS(struct attach_options, judging),
	{"json", 0, SL_OPT_FLAG, offsetof(struct attach_options, json), NULL,
	 "report as JSON on stdout"},
	SL_OPTION_END,
};

struct attaching {
	const struct attach_options *options;
	struct judging judging; // its policy lists the keys of --key, too, behind its own
	size_t own_keys;	// how many the policy has by itself
	struct verified_bundle *bundle;
	struct sl_digest id;
	struct raw_signatures added; // under their names in a bundle
};

// ---- the keys -----------------------------------------------------------------------------

// One that the policy lists stays what it is there.
static bool know_key(struct policy *policy, const char *path, struct sl_error *err)
{
	char fingerprint[65];
	struct policy_key entry = {.may_approve = true};
	if (!public_key_load(path, &entry.key, err))
		return false;
	public_key_fingerprint(&entry.key, fingerprint);
	sl_auto_free char *name = sl_format("--key %s", fingerprint);
	entry.name = name;
	return policy_find(policy, &entry.key) || policy_add(policy, &entry, err);
}

static bool know_keys(struct attaching *run, struct sl_error *err)
{
	struct policy *policy = &run->judging.policy;
	run->own_keys = policy->keys.len;
	sl_list_each (&run->options->keys, path)
		if (!know_key(policy, *path, err))
			return false;
	return true;
}

static bool policy_lists(const struct attaching *run, const char *fingerprint)
{
	const struct policy *policy = &run->judging.policy;
	const struct policy_key *key = policy_find_name(policy, fingerprint);
	return key && (size_t)(key - policy->keys.items) < run->own_keys;
}

// ---- one file ------------------------------------------------------------------------------

// Who made it, when the file's name does not say so: a key that is known.
static const struct public_key *find_signer(const struct attaching *run, const char *text,
					    size_t len)
{
	struct sl_error ignored = {0};
	struct signature signature;
	unsigned char hash[MESSAGE_HASH_SIZE];
	size_t manifest_len;
	const char *manifest = bundle_manifest_text(verified_reader(run->bundle), &manifest_len);
	if (!signature_parse(text, len, &signature, &ignored))
		return NULL;
	message_hash(manifest, manifest_len, hash);
	sl_list_each (&run->judging.policy.keys, entry)
		if (signature_verify(&signature, &entry->key, hash))
			return &entry->key;
	return NULL;
}

// The name that the file has, or would have if it had been named as `approve` does. Owned.
static char *proper_name(const struct attaching *run, const char *path, const char *text,
			 size_t len)
{
	enum role role;
	struct sl_digest id;
	char fingerprint[65];
	const char *leaf = sl_path_leaf(path);
	if (detached_name_parse(leaf, &role, &id, fingerprint))
		return sl_strdup(leaf);
	const struct public_key *key = find_signer(run, text, len);
	return key ? detached_name(ROLE_APPROVE, &run->id, key) : NULL;
}

static bool check_name(const struct attaching *run, const char *name, const char *shown,
		       char fingerprint_out[65], struct sl_error *err)
{
	enum role role;
	struct sl_digest id;
	if (!name || !detached_name_parse(name, &role, &id, fingerprint_out))
		return sl_fail(err, SL_E_INPUT,
			       "cannot attach '%s': it is not named BUNDLE.KEY.minisig, and no key "
			       "of the policy or of --key has signed this bundle with it",
			       shown);
	if (role == ROLE_REVOKE)
		return sl_fail(err, SL_E_INPUT,
			       "cannot attach '%s': a revocation stays a file of its own", shown);
	if (!sl_digest_equal(&id, &run->id))
		return sl_fail(err, SL_E_INPUT, "cannot attach '%s': it is for another bundle",
			       shown);
	return true;
}

// A signature that would make the bundle worse is not put into it, nor one that nobody can judge:
// it would take the place of the true one of that name.
static bool judge_added(const struct attaching *run, const struct raw_signature *raw,
			const char *shown, struct sl_error *err)
{
	auto_verdict struct verdict verdict = {0};
	const struct manifest *manifest = verified_manifest(run->bundle);
	struct judge_case input = {
		.policy = &run->judging.policy,
		.id = run->id,
		.signatures = raw,
		.signatures_len = 1,
	};
	input.manifest = bundle_manifest_text(verified_reader(run->bundle), &input.manifest_len);
	judge(&input, &verdict);
	judge_names(&input, manifest->name, manifest->version, &verdict);
	const struct signature_report *report = &verdict.signatures.items[0];
	if (report->verdict == SIGNATURE_UNKNOWN_KEY)
		return sl_fail(err, SL_E_UNTRUSTED,
			       "cannot attach '%s': %s; --key FILE names its public key", shown,
			       report->why);
	if (report->verdict != SIGNATURE_GOOD)
		return sl_fail(err, SL_E_UNTRUSTED, "cannot attach '%s': %s", shown, report->why);
	if (!policy_lists(run, report->fingerprint))
		sl_warn("'%s' does not count by this policy, which does not list its key", shown);
	else if (!report->counts)
		sl_warn("'%s' will not count: %s", shown, report->why);
	return true;
}

static bool take_file(struct attaching *run, const char *path, struct sl_error *err)
{
	sl_auto_free char *shown = sl_text_shown(path);
	sl_auto_buf struct sl_buf text = {0};
	char fingerprint[65];
	sl_buf_init(&text, SL_LIMIT_SIGNATURE);
	if (!sl_read_file(path, &text, err))
		return false;
	sl_auto_free char *name = proper_name(run, path, text.data, text.len);
	if (!check_name(run, name, shown, fingerprint, err))
		return false;
	struct raw_signature *added = sl_list_add(&run->added);
	added->member = sl_format("signatures/approve-%s.minisig", fingerprint);
	added->text = sl_buf_steal(&text, &added->len);
	return judge_added(run, added, shown, err);
}

// ---- all of them ---------------------------------------------------------------------------

static bool attach(struct attaching *run, int argc, char **operands, struct sl_error *err)
{
	if (!run->options->output)
		return sl_fail(err, SL_E_USAGE,
			       "-o FILE is missing: which bundle is to be written?");
	struct open_request request = {
		.path = operands[0],
		.judging = &run->options->judging,
		.before_approval = true,
	};
	auto_verdict struct verdict verdict = {0};
	if (!open_bundle(&request, &verdict, &run->bundle, err) ||
	    !judging_by_options(&run->judging, &run->options->judging, false, err) ||
	    !know_keys(run, err))
		return false;
	run->id = verified_id(run->bundle);
	for (int i = 1; i < argc; i++)
		if (!take_file(run, operands[i], err))
			return false;
	return bundle_attach(verified_reader(run->bundle), run->added.items, run->added.len,
			     run->options->output, err);
}

static int report(const struct attaching *run)
{
	char hex[SL_DIGEST_HEX + 1];
	sl_digest_hex(&run->id, hex);
	if (run->options->json) {
		json_t *json = json_object(), *members = json_array();
		sl_list_each (&run->added, added)
			sl_json_append(members, json_string(added->member));
		sl_json_set_uint(json, "sealift_attach", 1);
		sl_json_set(json, "file", show_json_string(run->options->output));
		sl_json_set_string(json, "bundle", hex);
		sl_json_set(json, "attached", members);
		return show_json(json, 0);
	}
	sl_auto_free char *shown = show_escaped(run->options->output);
	printf("%s\n  bundle %s\n", shown, hex);
	sl_list_each (&run->added, added)
		printf("  attached %s\n", added->member);
	return sl_finish(0);
}

// The bundle itself may be replaced: by itself with more approvals.
static bool before(void *values, int argc, char **operands, struct sl_error *err)
{
	const struct attach_options *chosen = values;
	return output_is_no_input(chosen->output, operands + 1, argc - 1, &chosen->judging, err) &&
	       output_is_none_of(chosen->output, &chosen->keys, err);
}

static int run(const void *values, int argc, char **operands)
{
	struct attaching run = {.options = values};
	struct sl_error err = {0};
	int code;
	if (attach(&run, argc, operands, &err)) {
		code = report(&run);
	} else {
		sl_complain(&err);
		code = sl_exit_code(err.kind);
	}
	raw_signatures_release(&run.added);
	judging_release(&run.judging);
	verified_bundle_free(run.bundle);
	return code;
}

const struct sl_command command_attach = {
	.name = "attach",
	.operands = "BUNDLE SIG...",
	.summary = "put approvals into a copy of a bundle",
	.description =
		"Writes FILE: BUNDLE with the approvals in SIG... in their places. The bundle id "
		"stays the same, and every\nbyte is compared with its digest on the way. A "
		"signature that would make the bundle fail is refused,\nand so is one whose key "
		"neither the policy nor --key has.",
	.options = options,
	.size = sizeof(struct attach_options),
	.min_operands = 2,
	.max_operands = -1,
	.reach = SL_REACH_NAMED | SL_REACH_CONFIG,
	.path_operands = -1,
	.before = before,
	.run = run,
};
