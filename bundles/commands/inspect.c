// SPDX-License-Identifier: Apache-2.0
// sealift inspect: what a bundle would build, for people or as JSON. Reads members 1 to 4 only.
#include "bundles/commands/commands.h"
#include "bundles/commands/open_bundle.h"
#include "bundles/commands/show.h"

#include <stdio.h>
#include <string.h>

struct inspect_options {
	struct judging_options judging;
	bool json, untrusted;
};

static const struct sl_option options[] = {
	JUDGING_OPTIONS(struct inspect_options, judging),
	{"untrusted", 0, SL_OPT_FLAG, offsetof(struct inspect_options, untrusted), NULL,
	 "show it even though it does not verify; digests are checked all the same"},
	{"json", 0, SL_OPT_FLAG, offsetof(struct inspect_options, json), NULL,
	 "report as JSON on stdout"},
	SL_OPTION_END,
};

static const char *closure_meaning(enum closure closure)
{
	static const char *const meanings[] = {
		[CLOSURE_OPEN] = "an input is not named by a digest: the image cannot be foreseen",
		[CLOSURE_PINNED] = "every input is named by a digest; the build fetches some",
		[CLOSURE_SEALED] = "every byte that the build needs is in the bundle",
	};
	return meanings[closure];
}

// "  label       value", the value escaped.
static void print_value(const char *label, const char *value)
{
	sl_auto_free char *shown = show_escaped(value);
	printf("%-12s %s\n", label, shown);
}

// ---- sections -------------------------------------------------------------------------------

static void print_closure(const struct plan *plan, const struct lock *lock)
{
	struct closure_report report = {0};
	closure_compute(plan, lock, &report);
	printf("%-12s %s: %s\n", "closure", closure_name(report.closure),
	       closure_meaning(report.closure));
	sl_list_each (&report.inputs, input) {
		sl_auto_free char *what = show_escaped(input->what);
		sl_auto_free char *why = show_escaped(input->why);
		printf("  %-8s %s: %s\n", closure_name(input->closure), what, why);
	}
	closure_report_release(&report);
}

static void print_base(const struct plan *plan, const struct lock *lock)
{
	char hex[SL_DIGEST_HEX + 1], size[16];
	const struct plan_base *base = &plan->base;
	if (base->kind == BASE_DOCKER) {
		sl_auto_free char *reference = show_escaped(base->reference);
		sl_auto_free char *tag = show_escaped(base->tag ? base->tag : "");
		sl_digest_hex(&base->digest, hex);
		printf("%-12s %s %s%s%s@sha256:%s\n", "base", base_kind_name(base->kind), reference,
		       tag[0] ? ":" : "", tag, hex);
	} else {
		sl_auto_free char *file = show_escaped(base->file);
		sl_digest_hex(&lock->base.sha256, hex);
		sl_size_format(lock->base.size, size);
		printf("%-12s %s %s, %s, sha256 %s\n", "base", base_kind_name(base->kind), file,
		       size, hex);
	}
}

static void print_head(struct verified_bundle *bundle)
{
	const struct manifest *manifest = verified_manifest(bundle);
	const struct plan *plan = verified_plan(bundle);
	char hex[SL_DIGEST_HEX + 1];
	struct sl_digest id = verified_id(bundle);
	sl_digest_hex(&id, hex);
	print_value("name", manifest->name);
	print_value("version", manifest->version);
	if (plan->description && plan->description[0])
		print_value("description", plan->description);
	print_value("bundle", hex);
	printf("%-12s Python %s, %s, glibc %s\n", "target", manifest->python, manifest->platform,
	       manifest->glibc);
	print_base(plan, verified_lock(bundle));
	if (plan->worker_version)
		printf("%-12s globus-compute-endpoint %s\n", "worker", plan->worker_version);
	printf("%-12s %u, content packed by zstd %s\n", "recipe", manifest->recipe,
	       manifest->zstd_version);
}

static void print_package(const struct lock_package *package)
{
	char hex[SL_DIGEST_HEX + 1], size[16];
	if (package->carried) {
		sl_auto_free char *file = show_escaped(package->file);
		sl_digest_hex(&package->wheel.sha256, hex);
		sl_size_format(package->wheel.size, size);
		printf("  %s %s  %s, %s, sha256 %s\n", package->name, package->version, file, size,
		       hex);
	} else {
		printf("  %s %s  fetched by the build, one of %zu digests\n", package->name,
		       package->version, package->hashes.len);
	}
}

static void print_packages(const struct plan *plan, const struct lock *lock)
{
	printf("\npackages: %zu%s\n", lock->packages.len,
	       lock->packages.len && !lock->dependencies_checked
		       ? ", whether they fit together was not checked"
		       : "");
	sl_list_each (&plan->requirements, requirement) {
		sl_auto_free char *shown = show_escaped(*requirement);
		printf("  asked for: %s\n", shown);
	}
	sl_list_each (&lock->packages, package)
		print_package(package);
	if (lock->has_installer)
		printf("  installed by the carried %s %s\n", lock->installer.name,
		       lock->installer.version);
}

static void print_files(const struct plan *plan, const struct lock *lock)
{
	if (plan->files.len == 0)
		return;
	printf("\nfiles: %zu\n", plan->files.len);
	for (size_t i = 0; i < plan->files.len; i++) {
		char hex[SL_DIGEST_HEX + 1], size[16];
		sl_auto_free char *to = show_escaped(plan->files.items[i].to);
		sl_digest_hex(&lock->files.items[i].sha256, hex);
		sl_size_format(lock->files.items[i].size, size);
		printf("  %s  mode %04o, %s, sha256 %s\n", to, plan->files.items[i].mode, size,
		       hex);
	}
}

static void print_pair(const struct plan_pair *pair)
{
	sl_auto_free char *name = show_escaped(pair->name), *value = show_escaped(pair->value);
	printf("  %s=%s\n", name, value);
}

static void print_pairs(const struct plan *plan)
{
	if (plan->env.len)
		printf("\nenvironment: %zu\n", plan->env.len);
	sl_list_each (&plan->env, pair)
		print_pair(pair);
	if (plan->labels.len)
		printf("\nlabels: %zu\n", plan->labels.len);
	sl_list_each (&plan->labels, pair)
		print_pair(pair);
}

// Each line of the script behind a bar, so that no script can pass for something else on the page.
static void print_script(const char *title, const char *text)
{
	printf("\n%s:\n", title);
	while (*text) {
		size_t len = strcspn(text, "\n");
		sl_auto_free char *line = sl_strndup(text, len);
		sl_auto_free char *shown = show_escaped(line);
		printf("  | %s\n", shown);
		text += len + (text[len] == '\n');
	}
}

static void print_scripts(const struct plan *plan)
{
	for (size_t i = 0; i < plan->post.len; i++) {
		const struct plan_script *script = &plan->post.items[i];
		sl_auto_free char *title =
			sl_format("post %zu, network %s", i + 1,
				  script->network == SCRIPT_NETWORK_NONE ? "none" : "any");
		print_script(title, script->run);
	}
	sl_list_each (&plan->test, script)
		print_script(script->network == SCRIPT_NETWORK_NONE ? "test, network none"
								    : "test, network any",
			     script->run);
	if (plan->runscript)
		print_script("runscript", plan->runscript);
	if (plan->help)
		print_script("help", plan->help);
}

static void print_build(const struct plan *plan)
{
	printf("\nbuild: at most %u s", plan->timeout);
	sl_list_each (&plan->options, option) {
		sl_auto_free char *shown = show_escaped(*option);
		printf(", %s", shown);
	}
	putchar('\n');
}

static void print_parts(const struct manifest *manifest)
{
	char size[16];
	uint64_t bytes = 0;
	printf("\ncontent: %zu files\n", manifest->files.len);
	sl_list_each (&manifest->files, file) {
		sl_size_format(file->size, size);
		printf("  %s  %s\n", file->name, size);
	}
	sl_list_each (&manifest->blobs, blob)
		bytes += blob->size;
	sl_size_format(bytes, size);
	printf("\nblobs: %zu, %s, not read by this command\n", manifest->blobs.len, size);
}

static int report(struct verified_bundle *bundle, const struct verdict *verdict)
{
	const struct plan *plan = verified_plan(bundle);
	const struct lock *lock = verified_lock(bundle);
	print_closure(plan, lock);
	print_head(bundle);
	printf("\n%s: %zu\n",
	       verified_is_trusted(bundle) ? "signatures" : "signatures (NOT VERIFIED)",
	       verdict->signatures.len);
	show_signatures(verdict);
	print_packages(plan, lock);
	print_files(plan, lock);
	print_pairs(plan);
	print_scripts(plan);
	print_build(plan);
	print_parts(verified_manifest(bundle));
	return sl_finish(0);
}

// ---- JSON -----------------------------------------------------------------------------------

static json_t *closure_json(const struct plan *plan, const struct lock *lock)
{
	struct closure_report report = {0};
	json_t *json = json_object(), *inputs = json_array();
	closure_compute(plan, lock, &report);
	sl_json_set_string(json, "closure", closure_name(report.closure));
	sl_list_each (&report.inputs, input) {
		json_t *one = json_object();
		sl_json_set_string(one, "closure", closure_name(input->closure));
		sl_json_set(one, "what", show_json_string(input->what));
		sl_json_set(one, "why", show_json_string(input->why));
		sl_json_append(inputs, one);
	}
	sl_json_set(json, "inputs", inputs);
	closure_report_release(&report);
	return json;
}

// The manifest as it stands in the bundle: it was parsed before, so it is JSON.
static json_t *manifest_json(struct verified_bundle *bundle, struct sl_error *err)
{
	size_t len;
	const char *text = bundle_manifest_text(verified_reader(bundle), &len);
	return sl_json_load(text, len, "manifest.json", err);
}

static json_t *lock_json(const struct lock *lock, struct sl_error *err)
{
	sl_auto_buf struct sl_buf text;
	sl_buf_init(&text, SL_LIMIT_CONTENT_FILE);
	lock_format(lock, &text);
	return sl_buf_ok(&text, "lock.json", err)
		       ? sl_json_load(text.data, text.len, "lock.json", err)
		       : NULL;
}

static int report_json(struct verified_bundle *bundle, const struct verdict *verdict,
		       struct sl_error *err)
{
	const struct plan *plan = verified_plan(bundle);
	const struct lock *lock = verified_lock(bundle);
	sl_auto_json json_t *manifest = manifest_json(bundle, err);
	sl_auto_json json_t *lock_value = manifest ? lock_json(lock, err) : NULL;
	if (!lock_value)
		return sl_exit_code(err->kind);
	struct sl_digest id = verified_id(bundle);
	json_t *json = json_object();
	sl_json_set_uint(json, "sealift_inspect", 1);
	sl_json_set_bool(json, "verified", verified_is_trusted(bundle));
	sl_json_set(json, "closure", closure_json(plan, lock));
	sl_json_set_digest(json, "bundle", &id);
	sl_json_set(json, "manifest", json_incref(manifest));
	sl_json_set(json, "plan", plan_to_json(plan));
	sl_json_set(json, "lock", json_incref(lock_value));
	sl_json_set(json, "signatures", show_signatures_json(verdict));
	sl_json_set(json, "findings", show_findings_json(verdict));
	return show_json(json, 0);
}

static int run(const void *values, int argc, char **operands)
{
	(void)argc;
	const struct inspect_options *chosen = values;
	struct open_request request = {
		.path = operands[0],
		.judging = &chosen->judging,
		.untrusted = chosen->untrusted,
	};
	struct sl_error err = {0};
	auto_verdict struct verdict verdict = {0};
	auto_verified_bundle struct verified_bundle *bundle = NULL;
	if (open_bundle(&request, &verdict, &bundle, &err))
		return chosen->json ? report_json(bundle, &verdict, &err)
				    : report(bundle, &verdict);
	sl_complain(&err);
	return sl_exit_code(err.kind);
}

const struct sl_command command_inspect = {
	.name = "inspect",
	.operands = "BUNDLE",
	.summary = "show what a bundle would build, closure first",
	.description =
		"Shows closure, identity, target, base, signatures, packages, files, environment "
		"and "
		"scripts.\nEverything that could steer a terminal is escaped. Blobs are not read: "
		"`sealift verify` does that.",
	.options = options,
	.size = sizeof(struct inspect_options),
	.min_operands = 1,
	.max_operands = 1,
	.reach = SL_REACH_NAMED | SL_REACH_CONFIG,
	.path_operands = 1,
	.run = run,
};
