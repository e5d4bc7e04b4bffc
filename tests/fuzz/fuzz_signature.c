// SPDX-License-Identifier: Apache-2.0
// Signatures as they come out of a foreign bundle, and the judge behind them.
#include "bundles/trust/judge.h"
#include "bundles/trust/signature.h"

#include <string.h>

static const char manifest[] = "{}\n";
static const char trusted[] = "RWSDYeEpcIsUTKW1C4RUgZTX/9SeHZ6DFvC1nYYJahlLpxt16eIDl1oq";

static void judge_text(const char *text, size_t len)
{
	char member[] = "signatures/prepare.minisig", name[] = "someone";
	sl_auto_free char *copy = sl_strndup(text, len);
	struct policy_key entry = {.name = name, .may_prepare = true};
	struct sl_error err = {0};
	if (!public_key_parse(trusted, strlen(trusted), "fuzz", &entry.key, &err))
		abort();
	struct policy policy = {.keys = {&entry, 1, 1}};
	struct raw_signature raw = {member, copy, len};
	struct judge_case input = {
		.policy = &policy,
		.manifest = manifest,
		.manifest_len = strlen(manifest),
		.signatures = &raw,
		.signatures_len = 1,
	};
	auto_verdict struct verdict verdict = {0};
	judge(&input, &verdict);
	if (verdict.findings[RULE_SIGNATURES].verdict != FINDING_FAIL)
		abort(); // no signature over these bytes names the bundle 000…
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct signature signature;
	struct sl_error err = {0};
	bool ok = signature_parse((const char *)data, size, &signature, &err);
	if (ok && !sl_text_is_ascii_printable(signature.comment))
		abort();
	if (size <= SL_LIMIT_SIGNATURE && !memchr(data, 0, size))
		judge_text((const char *)data, size);
	return 0;
}
