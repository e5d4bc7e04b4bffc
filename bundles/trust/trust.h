// SPDX-License-Identifier: Apache-2.0
// Who may say what: keys, signatures, the policy, and the one gate to a verified bundle.
#ifndef SL_TRUST_H
#define SL_TRUST_H

#include "bundles/format/format.h"

// ---- keys (minisign's files) ---------------------------------------------------------------

// The id is a hint (anybody can choose it); identity is the 32 bytes, compared whole (T34).
struct public_key {
	unsigned char id[8];
	unsigned char key[32];
};

struct secret_key; // lives in sodium_malloc memory

// Strict: two lines, or the one base64 line alone; the point must be canonical and of the large
// order group (T37). SL_E_INPUT "file:line: …".
bool public_key_parse(const char *text, size_t len, const char *shown, struct public_key *out,
		      struct sl_error *err) SL_MUST_USE;
bool public_key_load(const char *path, struct public_key *out, struct sl_error *err) SL_MUST_USE;
bool public_key_equal(const struct public_key *a, const struct public_key *b); // the 32 bytes
void public_key_base64(const struct public_key *key, char out[57]);
void public_key_fingerprint(const struct public_key *key,
			    char hex_out[65]);			    // sha256 of the 32 bytes
void public_key_id_hex(const struct public_key *key, char out[17]); // as minisign prints it

// Gives the password of a key that has one, in memory of sodium_malloc() that is wiped and
// freed for it. Unlocking takes SECRET_KEY_MEMORY bytes afterwards: here is the place to say so.
#define SECRET_KEY_MEMORY (1 * SL_GIB)
typedef bool secret_key_asker(void *context, char **password_out, struct sl_error *err);
// The file is read once. `ask` is called for a key with a password only; NULL: such keys are
// refused. The public half is derived and compared (T38).
bool secret_key_load(const char *path, secret_key_asker *ask, void *context,
		     struct secret_key **key_out, struct sl_error *err) SL_MUST_USE;
bool secret_key_needs_password(const char *path, bool *needs_out, struct sl_error *err) SL_MUST_USE;
// From the text of the file; `password` may be NULL for keys without one.
bool secret_key_parse(const char *text, size_t len, const char *shown, const char *password,
		      struct secret_key **key_out, struct sl_error *err) SL_MUST_USE;
void secret_key_free(struct secret_key *key); // wipes; NULL is fine
#define auto_secret_key __attribute__((cleanup(secret_key_cleanup)))
static inline void secret_key_cleanup(struct secret_key **key)
{
	secret_key_free(*key);
}
// A sentence for the command to print when other people can read or replace the file (T39), or
// NULL.
const char *secret_key_warning(const struct secret_key *key);
const struct public_key *secret_key_public(const struct secret_key *key);
// Makes NAME.key (0600) and NAME.pub (0644); neither may exist. password NULL = none. Refuses a
// folder that everybody may write to.
bool key_generate(const char *name, const char *password, struct public_key *public_out,
		  struct sl_error *err) SL_MUST_USE;

// ---- signatures ----------------------------------------------------------------------------

enum role { ROLE_PREPARE, ROLE_APPROVE };
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

// ---- policy --------------------------------------------------------------------------------

struct policy_key {
	char *name;
	struct public_key key;
	bool may_prepare, may_approve;
};

struct policy {
	SL_LIST(struct policy_key) keys;
};

void policy_release(struct policy *policy);
#define auto_policy __attribute__((cleanup(policy_release)))
bool policy_load(const char *path, struct policy *out, struct sl_error *err) SL_MUST_USE;
bool policy_parse(const char *text, size_t len, const char *shown, struct policy *out,
		  struct sl_error *err) SL_MUST_USE;
bool policy_format(const struct policy *policy, struct sl_buf *out,
		   struct sl_error *err) SL_MUST_USE;
// The person's own policy.json in the configuration folder. Owned.
bool policy_default_path(char **path_out, struct sl_error *err) SL_MUST_USE;

// NULL when `name` is good for a key, else a static sentence.
const char *policy_check_name(const char *name);
// Copies. Refuses a key (its 32 bytes) or a name that is there already (T31).
bool policy_add(struct policy *policy, const struct policy_key *entry,
		struct sl_error *err) SL_MUST_USE;
void policy_remove(struct policy *policy, const struct policy_key *entry); // one of its own
// By the 32 bytes; by name or fingerprint. Borrowed, or NULL.
const struct policy_key *policy_find(const struct policy *policy, const struct public_key *key);
const struct policy_key *policy_find_name(const struct policy *policy, const char *word);

// ---- the judge -----------------------------------------------------------------------------

struct signature_report {
	char *member;
	enum signature_verdict verdict;
	bool counts; // good, and the policy gives its key the role; an approval by the preparer
		     // does not
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
	RULE_CONTENT,	 // content.tar.zst and the files in it
	RULE_RECIPE,	 // everything that is a function of plan and lock
	RULE_BLOBS,	 // every blob's bytes
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
	const struct policy *policy; // NULL: nothing is trusted
	bool untrusted; // show it all the same: signatures are judged but do not decide
	enum verify_depth depth;
	unsigned threads;
	struct sl_progress *progress; // may be NULL
};

// Drives the reader. `verdict_out` is filled in either case (release it); on success the bundle is
// owned by the caller. The kind of `err`: SL_E_ANSWER nobody trusted has signed, SL_E_UNTRUSTED a
// signature of a trusted key is bad or for another purpose, SL_E_FORMAT structure, digest or
// recipe.
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
// For copying blobs, manifest text and raw signatures out: the same descriptor that was verified.
struct bundle_reader *verified_reader(struct verified_bundle *bundle);

#endif
