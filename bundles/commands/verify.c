// SPDX-License-Identifier: Apache-2.0
// sealift verify: every byte of every bundle, against the policy.
#include "bundles/commands/commands.h"
#include "bundles/commands/judging_options.h"
#include "bundles/commands/output_check.h"
#include "bundles/commands/show.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

struct verify_options {
	struct judging_options judging;
	const char *evidence;
	int64_t threads;
	bool json;
};

static const struct sl_option options[] = {
	JUDGING_OPTIONS(struct verify_options, judging),
	{"evidence", 0, SL_OPT_PATH_OUT, offsetof(struct verify_options, evidence), "FILE",
	 "write the report as JSON into FILE, too"},
	{"threads", 0, SL_OPT_NUMBER, offsetof(struct verify_options, threads), "N",
	 "hash with N threads (default: one for each processor)"},
	{"json", 0, SL_OPT_FLAG, offsetof(struct verify_options, json), NULL,
	 "report as JSON on stdout"},
	SL_OPTION_END,
};

struct verifying {
	const struct verify_options *options;
	struct judging judging;
	json_t *results; // owned; NULL unless --json or --evidence
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

// What has passed is remembered: later an older version is noticed.
static bool remember(const struct verifying *run, const struct verified_bundle *bundle,
		     struct sl_error *err)
{
	const struct manifest *manifest = verified_manifest(bundle);
	struct sl_error why = {0};
	const struct policy_version *named =
		policy_find_version(&run->judging.policy, manifest->name);
	if (seen_note(manifest->name, manifest->version, named ? named->highest : NULL,
		      (int64_t)time(NULL), &why))
		return true;
	if (run->judging.policy.refuse_older)
		return sl_fail(
			err, why.kind,
			"cannot remember that %s %s has passed, which this policy relies on: %s",
			manifest->name, manifest->version, why.text);
	sl_warn("it is not remembered that %s %s has passed: %s", manifest->name, manifest->version,
		why.text);
	return true;
}

static int verify_one(struct verifying *run, const char *path)
{
	struct sl_error err = {0};
	struct sl_progress progress = {0};
	auto_verdict struct verdict verdict = {0};
	auto_verified_bundle struct verified_bundle *bundle = NULL;
	struct verify_request request = judging_request(&run->judging, path, VERIFY_ALL);
	request.threads = (unsigned)run->options->threads;
	request.progress = &progress;
	bool ok = bundle_verify(&request, &verdict, &bundle, &err) && remember(run, bundle, &err);
	if (run->results)
		sl_json_append(run->results, result_json(path, &verdict, &err));
	if (!run->options->json && verdict.has_id)
		print_result(path, &verdict, &err);
	if (!ok) {
		fflush(stdout); // so that the complaint stands below its bundle
		sl_complain(&err);
		if (!verdict.has_id && !run->options->json)
			print_remedy(&verdict);
	}
	return sl_exit_code(err.kind);
}

static json_t *report_json(struct verifying *run, int worst)
{
	char now[21];
	json_t *json = json_object();
	sl_time_format((int64_t)time(NULL), now);
	sl_json_set_uint(json, "sealift_verify", 1);
	sl_json_set_uint(json, "exit_code", (uint64_t)worst);
	sl_json_set_string(json, "program", "sealift " SEALIFT_VERSION);
	sl_json_set_string(json, "time", now);
	sl_json_set(json, "policy",
		    run->judging.has_policy ? show_json_string(run->judging.policy_path)
					    : json_string(""));
	sl_json_set(json, "bundles", sl_take(run->results));
	return json;
}

static bool write_evidence(const char *path, const json_t *json, struct sl_error *err)
{
	sl_auto_free char *text =
		json_dumps(json, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
	if (!text)
		return sl_fail(err, SL_E_INTERNAL, "cannot write the report as JSON");
	sl_auto_free char *line = sl_format("%s\n", text);
	return sl_store_file(path, line, strlen(line), 0644, SL_OUTPUT_REPLACE, err);
}

// All are attempted; the highest exit code is the worst one.
static int verify_all(struct verifying *run, int argc, char **operands)
{
	struct sl_error err = {0};
	int worst = 0;
	if (run->options->json || run->options->evidence)
		run->results = json_array();
	for (int i = 0; i < argc; i++) {
		int code = verify_one(run, operands[i]);
		worst = code > worst ? code : worst;
	}
	if (!run->results)
		return sl_finish(worst);
	json_t *json = report_json(run, worst);
	if (run->options->evidence && !write_evidence(run->options->evidence, json, &err)) {
		sl_complain(&err);
		worst = sl_exit_code(err.kind) > worst ? sl_exit_code(err.kind) : worst;
		sl_json_set_uint(json, "exit_code", (uint64_t)worst);
	}
	if (run->options->json)
		return show_json(json, worst);
	json_decref(json);
	return sl_finish(worst);
}

static bool before(void *values, int argc, char **operands, struct sl_error *err)
{
	const struct verify_options *chosen = values;
	return output_is_no_input(chosen->evidence, operands, argc, &chosen->judging, err);
}

static int run(const void *values, int argc, char **operands)
{
	struct verifying run = {.options = values};
	struct sl_error err = {0};
	if (run.options->threads > SL_THREADS_MAX)
		sl_fail(&err, SL_E_USAGE, "--threads is at most %d", SL_THREADS_MAX);
	int code = err.kind == SL_E_NONE && judging_by_options(&run.judging, &run.options->judging,
							       true, &err)
			   ? verify_all(&run, argc, operands)
			   : -1;
	judging_release(&run.judging);
	if (code >= 0)
		return code;
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
	.reach = SL_REACH_NAMED | SL_REACH_CONFIG | SL_REACH_STATE,
	.path_operands = -1,
	.before = before,
	.run = run,
};
