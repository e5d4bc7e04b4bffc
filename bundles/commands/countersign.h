// SPDX-License-Identifier: Apache-2.0
// A signature beside a bundle: what approve and revoke have in common.
#ifndef COMMANDS_COUNTERSIGN_H
#define COMMANDS_COUNTERSIGN_H

#include "bundles/commands/signing.h"

struct countersign_request {
	enum role role; // ROLE_APPROVE or ROLE_REVOKE
	struct verified_bundle *bundle;
	const struct signing_options *signing;
	const char *folder; // where the file goes
	bool json;
};

// What the signature says, on one line of stdout. Returns the exit code.
int countersign_print_comment(const struct countersign_request *request);

// Signs and writes `<bundle id>.<fingerprint>[.revoke].minisig` into the folder; one that exists is
// never replaced. The key that prepared the bundle cannot approve it. Reports on stdout, complains
// on stderr; returns the exit code.
int countersign(const struct countersign_request *request);

#endif
