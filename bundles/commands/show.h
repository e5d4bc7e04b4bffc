// SPDX-License-Identifier: Apache-2.0
// What several commands print the same way: escaped text, JSON, keys and verdicts.
#ifndef COMMANDS_SHOW_H
#define COMMANDS_SHOW_H

#include "bundles/trust/trust.h"

// The whole text with everything that steers a terminal escaped (T36, T63). Owned.
char *show_escaped(const char *text);

// A JSON string of `text`; bytes that are not UTF-8 appear escaped, as show_escaped() has them.
json_t *show_json_string(const char *text);

// Prints the object on stdout, indented, keys sorted, ASCII only; takes the object over.
// Returns `code`, or 5 when stdout could not be written.
int show_json(json_t *object, int code);

// {"fingerprint":…,"key_id":…,"public_key":…}
json_t *show_key_json(const struct public_key *key);
void show_key(const struct public_key *key);

// specs/json-output.md, "verdict". Owned by the caller.
json_t *show_signatures_json(const struct verdict *verdict);
json_t *show_findings_json(const struct verdict *verdict);
// A policy in sentences, and the same as [{"rule", "sentence"}…].
void show_policy(const struct policy *policy);
json_t *show_policy_json(const struct policy *policy);
// One line for each signature, indented.
void show_signatures(const struct verdict *verdict);
// One line for each finding, and one more where there is a remedy.
void show_findings(const struct verdict *verdict);

#endif
