// SPDX-License-Identifier: Apache-2.0
// Who may say what: keys, signatures, the policy, and the one gate to a verified bundle.
#ifndef SL_TRUST_H
#define SL_TRUST_H

#include "bundles/format/format.h"
#include "bundles/trust/policy.h"
#include "bundles/trust/seen.h"

// ---- signatures ----------------------------------------------------------------------------

enum role { ROLE_PREPARE, ROLE_APPROVE, ROLE_REVOKE };
const char *role_name(enum role role);
bool role_parse(const char *word, enum role *out) SL_MUST_USE;

// The trusted comment "sealift:1 role=… bundle=<64 hex> name=… version=… time=<RFC 3339, Z>".
struct statement {
	enum role role;
	struct sl_digest bundle;
	char name[64];
	char version[128];
	int64_t time; // seconds since 1970
};

bool statement_format(const struct statement *statement, struct sl_buf *out,
		      struct sl_error *err) SL_MUST_USE;
bool statement_parse(const char *text, struct statement *out, struct sl_error *err) SL_MUST_USE;

// A signature of its own file: `<bundle id>.<fingerprint>.minisig`, and `….revoke.minisig`.
char *detached_name(enum role role, const struct sl_digest *bundle,
		    const struct public_key *key); // owned; role is not ROLE_PREPARE
// False unless `leaf` has one of those forms.
bool detached_name_parse(const char *leaf, enum role *role_out, struct sl_digest *bundle_out,
			 char fingerprint_out[65]) SL_MUST_USE;

// Adds the files of that bundle in `folder`, sorted by name; others are not opened. SL_E_IO, and
// SL_E_LIMIT past SL_LIMIT_SIGNATURES in one folder. A file that is too large for a signature is
// kept in part, so that it is judged malformed.
bool detached_load(const char *folder, const struct sl_digest *bundle, struct raw_signatures *out,
		   struct sl_error *err) SL_MUST_USE;
void raw_signatures_release(struct raw_signatures *list);

// The four lines of a .minisig over `message` (prehashed Ed25519).
bool signature_make(const struct secret_key *key, const struct statement *statement,
		    const void *message, size_t len, char **text_out,
		    struct sl_error *err) SL_MUST_USE;

enum signature_verdict {
	SIGNATURE_GOOD,
	SIGNATURE_UNKNOWN_KEY,	 // no key of the policy made it
	SIGNATURE_BAD,		 // a known key, but not its signature of these bytes
	SIGNATURE_MALFORMED,	 // not a minisign signature as sealift wants it
	SIGNATURE_OTHER_PURPOSE, // good, but the comment names another role or bundle, or is
				 // foreign
};
const char *signature_verdict_name(enum signature_verdict verdict);

// ---- the judge -----------------------------------------------------------------------------

struct signature_report {
	char *member;	 // or the name of a detached file
	enum role place; // what the name says it is
	enum signature_verdict verdict;
	bool counts; // good, and the policy gives its key the role for this name; an approval by
		     // the preparer, or a second one by the same key, does not
	bool has_statement;
	struct statement statement; // as claimed; believed only with SIGNATURE_GOOD
	char key_id[17];	    // as the signature claims
	char *key_name;		    // of the policy's key, or NULL
	char fingerprint[65];	    // of the policy's key, or ""
	char *why;		    // a sentence when the signature does not count
};

// The rules, in the order in which they are applied and shown.
enum rule {
	RULE_FORMAT,	 // the file's structure, up to its last byte
	RULE_SIGNATURES, // the preparer's signature
	RULE_APPROVALS,	 // countersignatures
	RULE_REVOCATION, // nobody known has revoked it
	RULE_TIME,	 // when it was signed, and the clock
	RULE_CONTENT,	 // content.tar.zst and the files in it
	RULE_RECIPE,	 // everything that is a function of plan and lock
	RULE_VERSION,	 // from here to RULE_SIZE: what the policy demands of plan and lock
	RULE_CLOSURE,
	RULE_BASE,
	RULE_INDEX,
	RULE_PACKAGES,
	RULE_SIZE,
	RULE_BLOBS, // every blob's bytes
	RULE_COUNT,
};
const char *rule_name(enum rule rule); // "format", "signatures", …

enum finding_verdict { FINDING_PASS, FINDING_FAIL, FINDING_NONE };
const char *finding_verdict_name(enum finding_verdict verdict); // "pass", "fail", "none"

struct finding {
	enum rule rule;
	enum finding_verdict verdict; // NONE: not examined, or nothing to say
	enum sl_kind kind;	      // of a failure: decides the exit code
	char *evidence;		      // never NULL once bundle_verify() has returned
	char *remedy;		      // or NULL
};

struct verdict {
	SL_LIST(struct signature_report) signatures;
	struct finding findings[RULE_COUNT]; // one for each rule
	bool has_id;			     // the file could be opened
	struct sl_digest id;
	// How much of the members was read and compared with what was signed. A total of 0 parts
	// means that the manifest was not believed.
	uint64_t bytes_checked, bytes_total;
	size_t parts_checked, parts_total;
};
void verdict_release(struct verdict *verdict);
#define auto_verdict __attribute__((cleanup(verdict_release)))

// ---- the gate ------------------------------------------------------------------------------

struct verified_bundle; // only bundle_verify() makes one

enum verify_depth {
	VERIFY_HEAD, // members 1 to 4: signatures, content, recipe (inspect, cat of a file)
	VERIFY_ALL,  // every byte of the file
};

struct verify_request {
	const char *path;
	const struct policy *policy;  // NULL: nothing is trusted
	struct sl_strings signatures; // folders with detached signatures; borrowed
	const struct seen *seen;      // NULL: what was seen before is not asked
	int64_t now;		      // seconds since 1970; 0: the clock is asked
	bool untrusted; // show it all the same: policy and signatures are judged but do not decide
	enum verify_depth depth;
	unsigned threads;
	struct sl_progress *progress; // may be NULL
};

// Drives the reader. `verdict_out` is filled in either case (release it); on success the bundle is
// owned by the caller. The kind of `err`: SL_E_ANSWER nobody trusted has signed, SL_E_UNTRUSTED a
// signature of a trusted key is bad or for another purpose, or the policy refuses, SL_E_FORMAT
// structure, digest or recipe.
bool bundle_verify(const struct verify_request *request, struct verdict *verdict_out,
		   struct verified_bundle **bundle_out, struct sl_error *err) SL_MUST_USE;
void verified_bundle_free(struct verified_bundle *bundle); // NULL is fine
#define auto_verified_bundle __attribute__((cleanup(verified_bundle_cleanup)))
static inline void verified_bundle_cleanup(struct verified_bundle **bundle)
{
	verified_bundle_free(*bundle);
}

struct sl_digest verified_id(const struct verified_bundle *bundle);
bool verified_is_trusted(const struct verified_bundle *bundle); // false under `untrusted`
const struct manifest *verified_manifest(const struct verified_bundle *bundle);
const struct plan *verified_plan(const struct verified_bundle *bundle);
const struct lock *verified_lock(const struct verified_bundle *bundle);
const struct content *verified_content(const struct verified_bundle *bundle);
// Those in the bundle, and then the detached ones that were found; borrowed.
const struct raw_signature *verified_signatures(const struct verified_bundle *bundle,
						size_t *len_out);
// For copying blobs, manifest text and raw signatures out: the same descriptor that was verified.
struct bundle_reader *verified_reader(struct verified_bundle *bundle);

#endif
