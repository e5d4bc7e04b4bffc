// SPDX-License-Identifier: Apache-2.0
#include "bundles/commands/countersign.h"

#include "bundles/commands/show.h"
#include "bundles/trust/signature.h"

#include <stdio.h>
#include <string.h>

struct countersigning {
	const struct countersign_request *request;
	const char *manifest; // borrowed
	size_t manifest_len;
	struct sl_digest id;
	struct statement statement;
	struct signing signing;
	char *path; // owned
};

static bool begin(struct countersigning *run, struct sl_error *err)
{
	const struct manifest *manifest = verified_manifest(run->request->bundle);
	int64_t time;
	if (!signing_time(run->request->signing, &time, err))
		return false;
	run->id = verified_id(run->request->bundle);
	run->manifest =
		bundle_manifest_text(verified_reader(run->request->bundle), &run->manifest_len);
	run->statement = signing_statement(run->request->role, &run->id, manifest->name,
					   manifest->version, time);
	return true;
}

int countersign_print_comment(const struct countersign_request *request)
{
	struct countersigning run = {.request = request};
	struct sl_error err = {0};
	sl_auto_buf struct sl_buf comment = {0};
	sl_buf_init(&comment, SL_LIMIT_SIGNATURE);
	if (begin(&run, &err) && statement_format(&run.statement, &comment, &err)) {
		puts(comment.data);
		return sl_finish(0);
	}
	sl_complain(&err);
	return sl_exit_code(err.kind);
}

// Whether this key has made the preparer's signature.
static bool has_prepared(const struct countersigning *run, const struct public_key *key)
{
	size_t count;
	const struct raw_signature *signatures =
		bundle_signatures(verified_reader(run->request->bundle), &count);
	struct sl_error ignored = {0};
	struct signature signature;
	unsigned char hash[MESSAGE_HASH_SIZE];
	message_hash(run->manifest, run->manifest_len, hash);
	for (size_t i = 0; i < count; i++)
		if (strcmp(signatures[i].member, "signatures/prepare.minisig") == 0 &&
		    signature_parse(signatures[i].text, signatures[i].len, &signature, &ignored))
			return signature_verify(&signature, key, hash);
	return false;
}

static bool sign(struct countersigning *run, struct sl_error *err)
{
	sl_auto_free char *text = NULL;
	if (!signing_begin(run->request->signing, &run->signing, err))
		return false;
	const struct public_key *key = &run->signing.public;
	if (run->request->role == ROLE_APPROVE && has_prepared(run, key))
		return sl_fail(err, SL_E_INPUT,
			       "this key has prepared the bundle, so its approval would not count: "
			       "somebody else approves");
	sl_auto_free char *leaf = detached_name(run->request->role, &run->id, key);
	run->path = strcmp(run->request->folder, ".") == 0
			    ? sl_take(leaf)
			    : sl_path_join(run->request->folder, leaf);
	return signing_make(&run->signing, &run->statement, run->manifest, run->manifest_len, &text,
			    err) &&
	       sl_store_file(run->path, text, strlen(text), 0644, SL_OUTPUT_NEW, err);
}

static int report(const struct countersigning *run)
{
	char time[21], fingerprint[65];
	const struct statement *statement = &run->statement;
	const char *done = statement->role == ROLE_APPROVE ? "approved" : "revoked";
	sl_time_format(statement->time, time);
	public_key_fingerprint(&run->signing.public, fingerprint);
	if (run->request->json) {
		json_t *json = json_object();
		sl_json_set_uint(json, "sealift_signature", 1);
		sl_json_set(json, "file", show_json_string(run->path));
		sl_json_set_digest(json, "bundle", &run->id);
		sl_json_set_string(json, "role", role_name(statement->role));
		sl_json_set_string(json, "name", statement->name);
		sl_json_set_string(json, "version", statement->version);
		sl_json_set_string(json, "time", time);
		sl_json_set_string(json, "fingerprint", fingerprint);
		return show_json(json, 0);
	}
	sl_auto_free char *shown = show_escaped(run->path);
	printf("%s\n  %s %s %s\n  at %s, key %s\n", shown, done, statement->name,
	       statement->version, time, fingerprint);
	return sl_finish(0);
}

int countersign(const struct countersign_request *request)
{
	struct countersigning run = {.request = request};
	struct sl_error err = {0};
	int code;
	if (begin(&run, &err) && sign(&run, &err)) {
		code = report(&run);
	} else {
		sl_complain(&err);
		code = sl_exit_code(err.kind);
	}
	signing_end(&run.signing);
	free(run.path);
	return code;
}
