// SPDX-License-Identifier: Apache-2.0
// sealift verify: every byte of every bundle, against the policy.
#include "bundles/commands/commands.h"
#include "bundles/commands/policy_file.h"
#include "bundles/commands/show.h"

#include <stdio.h>

struct verify_options {
	const char *policy;
	int64_t threads;
	bool json;
};

static const struct sl_option options[] = {
	{"policy", 0, SL_OPT_STRING, offsetof(struct verify_options, policy), "FILE",
	 "judge by FILE instead of the policy.json of the configuration folder"},
	{"threads", 0, SL_OPT_NUMBER, offsetof(struct verify_options, threads), "N",
	 "hash with N threads (default: one for each processor)"},
	{"json", 0, SL_OPT_FLAG, offsetof(struct verify_options, json), NULL,
	 "report as JSON on stdout"},
	SL_OPTION_END,
};

struct verifying {
	const struct verify_options *options;
	const struct policy *policy; // NULL when there is none
	json_t *results;	     // NULL unless --json
};

static json_t *covered_json(const struct verdict *verdict)
{
	json_t *json = json_object();
	sl_json_set_uint(json, "bytes", verdict->bytes_checked);
	sl_json_set_uint(json, "bytes_total", verdict->bytes_total);
	sl_json_set_uint(json, "parts", verdict->parts_checked);
	sl_json_set_uint(json, "parts_total", verdict->parts_total);
	return json;
}

static json_t *result_json(const char *path, const struct verdict *verdict,
			   const struct sl_error *err)
{
	json_t *json = json_object();
	sl_json_set(json, "file", show_json_string(path));
	sl_json_set_bool(json, "verified", err->kind == SL_E_NONE);
	sl_json_set_uint(json, "exit_code", (uint64_t)sl_exit_code(err->kind));
	if (verdict->has_id)
		sl_json_set_digest(json, "bundle", &verdict->id);
	if (err->kind != SL_E_NONE) {
		sl_json_set_string(json, "kind", sl_kind_name(err->kind));
		sl_json_set(json, "error", show_json_string(err->text));
	}
	sl_json_set(json, "findings", show_findings_json(verdict));
	sl_json_set(json, "signatures", show_signatures_json(verdict));
	sl_json_set(json, "covered", covered_json(verdict));
	return json;
}

static void print_covered(const struct verdict *verdict)
{
	if (verdict->parts_total == 0)
		printf("  covered: nothing\n");
	else if (verdict->parts_checked == verdict->parts_total)
		printf("  covered: all %ju bytes of all %zu parts\n",
		       (uintmax_t)verdict->bytes_checked, verdict->parts_checked);
	else
		printf("  covered: only %ju of %ju bytes, %zu of %zu parts\n",
		       (uintmax_t)verdict->bytes_checked, (uintmax_t)verdict->bytes_total,
		       verdict->parts_checked, verdict->parts_total);
}

static void print_result(const char *path, const struct verdict *verdict,
			 const struct sl_error *err)
{
	sl_auto_free char *shown = show_escaped(path);
	printf("%s: %s\n", shown, err->kind == SL_E_NONE ? "verified" : "NOT VERIFIED");
	if (verdict->has_id) {
		char hex[SL_DIGEST_HEX + 1];
		sl_digest_hex(&verdict->id, hex);
		printf("  bundle %s\n", hex);
	}
	show_findings(verdict);
	show_signatures(verdict);
	print_covered(verdict);
}

// Of what could not even be opened as a bundle there is no more to say than the complaint.
static void print_remedy(const struct verdict *verdict)
{
	const struct finding *finding = &verdict->findings[RULE_FORMAT];
	if (finding->remedy)
		fprintf(stderr, "    hint: %s\n", finding->remedy);
}

static int verify_one(const struct verifying *run, const char *path)
{
	struct sl_error err = {0};
	struct sl_progress progress = {0};
	auto_verdict struct verdict verdict = {0};
	auto_verified_bundle struct verified_bundle *bundle = NULL;
	struct verify_request request = {
		.path = path,
		.policy = run->policy,
		.depth = VERIFY_ALL,
		.threads = (unsigned)run->options->threads,
		.progress = &progress,
	};
	bool ok = bundle_verify(&request, &verdict, &bundle, &err);
	if (run->results)
		sl_json_append(run->results, result_json(path, &verdict, &err));
	else if (verdict.has_id)
		print_result(path, &verdict, &err);
	if (!ok) {
		fflush(stdout); // so that the complaint stands below its bundle
		sl_complain(&err);
		if (!verdict.has_id && !run->results)
			print_remedy(&verdict);
	}
	return sl_exit_code(err.kind);
}

// All are attempted; the highest exit code is the worst one.
static int verify_all(struct verifying *run, int argc, char **operands)
{
	int worst = 0;
	for (int i = 0; i < argc; i++) {
		int code = verify_one(run, operands[i]);
		worst = code > worst ? code : worst;
	}
	if (!run->results)
		return sl_finish(worst);
	json_t *json = json_object();
	sl_json_set_uint(json, "sealift_verify", 1);
	sl_json_set_uint(json, "exit_code", (uint64_t)worst);
	sl_json_set(json, "bundles", run->results);
	return show_json(json, worst);
}

static int run(const void *values, int argc, char **operands)
{
	struct verifying run = {.options = values};
	struct sl_error err = {0};
	auto_policy struct policy policy = {0};
	sl_auto_free char *path = NULL;
	bool found = false;
	if (run.options->threads > SL_THREADS_MAX)
		sl_fail(&err, SL_E_USAGE, "--threads is at most %d", SL_THREADS_MAX);
	else if (policy_file_load(run.options->policy, &path, &policy, &found, &err)) {
		run.policy = found ? &policy : NULL;
		run.results = run.options->json ? json_array() : NULL;
		return verify_all(&run, argc, operands);
	}
	sl_complain(&err);
	return sl_exit_code(err.kind);
}

const struct sl_command command_verify = {
	.name = "verify",
	.operands = "BUNDLE...",
	.summary = "check every byte of bundles and who signed them",
	.description =
		"Judges the signatures by the policy, compares every digest, and makes the build "
		"recipe again from\nplan and lock. All bundles are attempted; the exit code is "
		"that of the worst.",
	.options = options,
	.size = sizeof(struct verify_options),
	.min_operands = 1,
	.max_operands = -1,
	.run = run,
};
