// SPDX-License-Identifier: Apache-2.0
// sealift approve: a countersignature in a file of its own.
#include "bundles/commands/commands.h"
#include "bundles/commands/countersign.h"
#include "bundles/commands/open_bundle.h"

struct approve_options {
	struct judging_options judging;
	struct signing_options signing;
	const char *directory;
	bool print_comment, json;
};

static const struct sl_option options[] = {
	SIGNING_OPTIONS(struct approve_options, signing),
	{"directory", 'C', SL_OPT_STRING, offsetof(struct approve_options, directory), "DIR",
	 "write into the folder DIR (default: the current one)"},
	{"print-comment", 0, SL_OPT_FLAG, offsetof(struct approve_options, print_comment), NULL,
	 "only print what to give to 'minisign -S -t' instead"},
	JUDGING_OPTIONS(struct approve_options, judging),
	{"json", 0, SL_OPT_FLAG, offsetof(struct approve_options, json), NULL,
	 "report as JSON on stdout"},
	SL_OPTION_END,
};

static bool before(void *values, int argc, char **operands, struct sl_error *err)
{
	(void)argc;
	(void)operands;
	struct approve_options *chosen = values;
	return signing_before(&chosen->signing, err);
}

static int run(const void *values, int argc, char **operands)
{
	(void)argc;
	const struct approve_options *chosen = values;
	struct sl_error err = {0};
	struct sl_progress progress = {0};
	auto_verdict struct verdict verdict = {0};
	auto_verified_bundle struct verified_bundle *bundle = NULL;
	struct open_request request = {
		.path = operands[0],
		.judging = &chosen->judging,
		.depth = VERIFY_ALL,
		.before_approval = true,
		.progress = &progress,
	};
	if (!open_bundle(&request, &verdict, &bundle, &err)) {
		sl_complain(&err);
		return sl_exit_code(err.kind);
	}
	struct countersign_request countersigning = {
		.role = ROLE_APPROVE,
		.bundle = bundle,
		.signing = &chosen->signing,
		.folder = chosen->directory ? chosen->directory : ".",
		.json = chosen->json,
	};
	return chosen->print_comment ? countersign_print_comment(&countersigning)
				     : countersign(&countersigning);
}

const struct sl_command command_approve = {
	.name = "approve",
	.operands = "BUNDLE",
	.summary = "countersign a bundle, in a file of its own",
	.description =
		"Verifies every byte of BUNDLE and writes ID.KEY.minisig, about 400 bytes, which "
		"counts as an approval\nwherever the policy gives the key the role 'approve'. "
		"'sealift attach' puts it into the bundle. The key\nthat prepared a bundle cannot "
		"approve it, and how many approvals the policy demands does not matter here.",
	.options = options,
	.size = sizeof(struct approve_options),
	.min_operands = 1,
	.max_operands = 1,
	.before = before,
	.run = run,
};
