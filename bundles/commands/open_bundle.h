// SPDX-License-Identifier: Apache-2.0
// How the commands that read a bundle open it: verified to its head, or refused, or, when the
// person insists, shown under a banner.
#ifndef COMMANDS_OPEN_BUNDLE_H
#define COMMANDS_OPEN_BUNDLE_H

#include "bundles/commands/judging_options.h"

struct open_request {
	const char *path;
	const struct judging_options *judging;
	bool untrusted;
	enum verify_depth depth;
	bool before_approval; // to add signatures: how many the policy demands does not matter
	struct sl_progress *progress; // may be NULL
};

// Returns true with the bundle and the verdict on it (release both). A bundle that nobody trusted
// has signed is SL_E_UNTRUSTED here: these commands refuse it, they do not answer about it. With
// `untrusted` it is opened all the same and the banner goes to stderr.
bool open_bundle(const struct open_request *request, struct verdict *verdict_out,
		 struct verified_bundle **bundle_out, struct sl_error *err) SL_MUST_USE;

#endif
