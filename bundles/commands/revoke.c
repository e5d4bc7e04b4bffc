// SPDX-License-Identifier: Apache-2.0
// sealift revoke: a signed statement that a bundle is not to be used any more.
#include "bundles/commands/commands.h"
#include "bundles/commands/countersign.h"
#include "bundles/commands/open_bundle.h"

struct revoke_options {
	struct signing_options signing;
	const char *directory;
	bool json;
};

static const struct sl_option options[] = {
	SIGNING_OPTIONS(struct revoke_options, signing),
	{"directory", 'C', SL_OPT_STRING, offsetof(struct revoke_options, directory), "DIR",
	 "write into the folder DIR (default: the current one)"},
	{"json", 0, SL_OPT_FLAG, offsetof(struct revoke_options, json), NULL,
	 "report as JSON on stdout"},
	SL_OPTION_END,
};

// Nobody has to trust a bundle to say that it is not to be trusted; its own digests have to be
// right.
static bool open_any(const char *path, struct verdict *verdict_out,
		     struct verified_bundle **bundle_out, struct sl_error *err)
{
	struct verify_request request = {.path = path, .untrusted = true};
	return bundle_verify(&request, verdict_out, bundle_out, err);
}

static bool before(void *values, int argc, char **operands, struct sl_error *err)
{
	(void)argc;
	(void)operands;
	struct revoke_options *chosen = values;
	return signing_before(&chosen->signing, err);
}

static int run(const void *values, int argc, char **operands)
{
	(void)argc;
	const struct revoke_options *chosen = values;
	struct sl_error err = {0};
	auto_verdict struct verdict verdict = {0};
	auto_verified_bundle struct verified_bundle *bundle = NULL;
	if (!open_any(operands[0], &verdict, &bundle, &err)) {
		sl_complain(&err);
		return sl_exit_code(err.kind);
	}
	struct countersign_request countersigning = {
		.role = ROLE_REVOKE,
		.bundle = bundle,
		.signing = &chosen->signing,
		.folder = chosen->directory ? chosen->directory : ".",
		.json = chosen->json,
	};
	return countersign(&countersigning);
}

const struct sl_command command_revoke = {
	.name = "revoke",
	.operands = "BUNDLE",
	.summary = "say, signed, that a bundle is not to be used any more",
	.description =
		"Writes ID.KEY.revoke.minisig. Whoever has the file in the folder 'signatures' "
		"beside the policy, or\nnames its folder with --signatures, refuses the bundle, "
		"if the policy knows the key at all. Nothing\ntakes a revocation back but "
		"removing the file.",
	.options = options,
	.size = sizeof(struct revoke_options),
	.min_operands = 1,
	.max_operands = 1,
	.before = before,
	.run = run,
};
