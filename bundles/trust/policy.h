// SPDX-License-Identifier: Apache-2.0
// The policy: whose signatures count, for what, and what else a bundle must be like.
// specs/policy.md is the law. What is absent demands nothing.
#ifndef SL_TRUST_POLICY_H
#define SL_TRUST_POLICY_H

#include "bundles/recipe/recipe.h"
#include "bundles/trust/keys.h"

#define POLICY_NUMBER 1

struct policy_key {
	char *name;
	struct public_key key;
	bool may_prepare, may_approve;
	struct sl_strings bundles; // patterns of bundle names; empty = all
};

struct policy_version {
	char *name;
	char *lowest, *highest; // normal form, or NULL
};

struct policy {
	SL_LIST(struct policy_key) keys;
	unsigned approvals;
	bool has_signed_since;
	int64_t signed_since;
	unsigned signed_within_days; // 0 = no demand
	SL_LIST(struct policy_version) versions;
	bool refuse_older;
	bool has_closure;
	enum closure closure;
	struct sl_strings bases, indexes, denied;
	uint64_t largest; // 0 = no demand
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

// Copies. Refuses a key (its 32 bytes) or a name that is there already (T31).
bool policy_add(struct policy *policy, const struct policy_key *entry,
		struct sl_error *err) SL_MUST_USE;
void policy_remove(struct policy *policy, const struct policy_key *entry); // one of its own
// By the 32 bytes; by name or fingerprint. Borrowed, or NULL.
const struct policy_key *policy_find(const struct policy *policy, const struct public_key *key);
const struct policy_key *policy_find_name(const struct policy *policy, const char *word);
const struct policy_version *policy_find_version(const struct policy *policy, const char *name);

// ---- values (policy_values.c): NULL when good, else a static sentence ----------------------

const char *policy_check_name(const char *name); // of a key
const char *policy_check_pattern(const char *pattern);
const char *policy_check_base(const char *base);
const char *policy_check_index(const char *url);
const char *policy_check_denied(const char *denied);

// Of good values.
bool policy_name_matches(const char *pattern, const char *name);
bool policy_key_covers(const struct policy_key *key, const char *bundle_name);
// Whole components only (T48).
bool policy_base_matches(const char *allowed, const struct plan_base *base,
			 const struct sl_digest *carried);
bool policy_index_matches(const char *allowed, const char *url);
bool policy_denies(const char *denied, const char *package, const char *version);

#endif
