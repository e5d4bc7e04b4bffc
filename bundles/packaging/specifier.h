// SPDX-License-Identifier: Apache-2.0
// Specifier sets: PEP 440 clauses. Membership is pure order (pre-releases always admitted);
// which members to prefer is the resolver's policy, not this file's.
#ifndef SL_PACKAGING_SPECIFIER_H
#define SL_PACKAGING_SPECIFIER_H

#include "bundles/packaging/version.h"

struct specifier_set; // opaque

// Strict. SL_E_INPUT names the clause. Equal clauses ("==1.0,==1.0.0") are kept once.
bool specifier_parse(const char *text, struct specifier_set **out,
		     struct sl_error *err) SL_MUST_USE;
// As found in METADATA of old wheels (Requires-Dist, Requires-Python): the fixed list of rewrites
// is tried after the strict parse failed. `*repaired_out` says whether one was needed.
bool specifier_parse_lenient(const char *text, struct specifier_set **out, bool *repaired_out,
			     struct sl_error *err) SL_MUST_USE;
void specifier_free(struct specifier_set *set);
#define auto_specifier __attribute__((cleanup(specifier_cleanup)))
static inline void specifier_cleanup(struct specifier_set **set)
{
	specifier_free(*set);
}

bool specifier_contains(const struct specifier_set *set, const struct version *version);
bool specifier_is_empty(const struct specifier_set *set); // no clause: everything is a member
size_t specifier_count(const struct specifier_set *set);
const char *specifier_operator(const struct specifier_set *set, size_t index); // "==", "~=", …
const char *specifier_text(const struct specifier_set *set, size_t index);     // "1.*"
// True for exactly one clause `==V` or `===V` without ".*": then `*pin_out` is V as written.
bool specifier_is_pin(const struct specifier_set *set, const char **pin_out);
// True if a clause (other than != and ".*") names a pre-release: the library's own policy then
// admits all pre-releases.
bool specifier_names_prerelease(const struct specifier_set *set);
// The clauses sorted by bytes and joined by commas, without blanks. Owned.
char *specifier_format(const struct specifier_set *set);

#endif
