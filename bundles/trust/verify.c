// SPDX-License-Identifier: Apache-2.0
// bundle_verify(): the one gate. A state machine of rules, each applied only after the ones
// before it have passed (or, under `untrusted`, after the signatures have been judged):
//
//   format      open: members 1 to 3 as raw bytes
//   signatures  over the exact bytes of the manifest          } judged before a byte of the
//   approvals   likewise, also those in files of their own    } manifest is interpreted
//   revocation  likewise                                      }
//   time        what the preparer's signature says            }
//   format      the gate: manifest parsed, every header of the file compared with it
//   content     digest of content.tar.zst, then of each file in it
//   recipe      everything that plan and lock determine, made again
//   version to size   what the policy demands of these
//   blobs       every byte of them, when VERIFY_ALL
//
// One descriptor from the first rule to the last use (T45).
#include "bundles/trust/judge.h"
#include "bundles/trust/recipe_check.h"
#include "bundles/trust/secret_key.h"

#include <time.h>

struct verified_bundle {
	struct bundle_reader *reader;
	const struct content *content; // owned by the reader
	struct plan *plan;
	struct lock *lock;
	struct raw_signatures signatures; // of the bundle (texts are the reader's), then detached
	size_t own;			  // how many of them are the bundle's
	bool trusted;
};

void verified_bundle_free(struct verified_bundle *bundle)
{
	if (!bundle)
		return;
	for (size_t i = bundle->own; i < bundle->signatures.len; i++) {
		free(bundle->signatures.items[i].member);
		free(bundle->signatures.items[i].text);
	}
	sl_list_release(&bundle->signatures);
	plan_free(bundle->plan);
	lock_free(bundle->lock);
	bundle_close(bundle->reader);
	free(bundle);
}

struct sl_digest verified_id(const struct verified_bundle *bundle)
{
	return bundle_id(bundle->reader);
}

bool verified_is_trusted(const struct verified_bundle *bundle)
{
	return bundle->trusted;
}

const struct manifest *verified_manifest(const struct verified_bundle *bundle)
{
	return bundle_manifest(bundle->reader);
}

const struct plan *verified_plan(const struct verified_bundle *bundle)
{
	return bundle->plan;
}

const struct lock *verified_lock(const struct verified_bundle *bundle)
{
	return bundle->lock;
}

const struct content *verified_content(const struct verified_bundle *bundle)
{
	return bundle->content;
}

const struct raw_signature *verified_signatures(const struct verified_bundle *bundle,
						size_t *len_out)
{
	*len_out = bundle->signatures.len;
	return bundle->signatures.items;
}

struct bundle_reader *verified_reader(struct verified_bundle *bundle)
{
	return bundle->reader;
}

// ---- findings -------------------------------------------------------------------------------

static void pass(struct verdict *verdict, enum rule rule, char *evidence)
{
	verdict_set(verdict, rule, FINDING_PASS, SL_E_NONE, evidence, NULL);
}

static const char *remedy_of(enum sl_kind kind)
{
	switch (kind) {
	case SL_E_FORMAT:
		return "copy the bundle again; if it stays so, ask the preparer for a new one";
	case SL_E_LIMIT:
		return "the limits are in specs/limits.md";
	default:
		return NULL;
	}
}

static bool fail_rule(struct verdict *verdict, enum rule rule, const struct sl_error *err)
{
	const char *remedy = remedy_of(err->kind);
	verdict_set(verdict, rule, FINDING_FAIL, err->kind, sl_strdup(err->text),
		    remedy ? sl_strdup(remedy) : NULL);
	return false;
}

static void count_part(struct verdict *verdict, uint64_t bytes)
{
	verdict->parts_checked++;
	verdict->bytes_checked += bytes;
}

// ---- the rules ------------------------------------------------------------------------------

static struct judge_case judge_case_of(const struct verify_request *request,
				       const struct verified_bundle *bundle)
{
	struct judge_case input = {
		.policy = request->policy,
		.id = bundle_id(bundle->reader),
		.signatures = bundle->signatures.items,
		.signatures_len = bundle->signatures.len,
		.seen = request->seen,
		.now = request->now ? request->now : (int64_t)time(NULL),
	};
	input.manifest = bundle_manifest_text(bundle->reader, &input.manifest_len);
	return input;
}

// The error of the first of these rules that fails.
static bool rules_decide(const struct verdict *verdict, enum rule first, enum rule last,
			 struct sl_error *err)
{
	for (enum rule rule = first; rule <= last; rule++) {
		const struct finding *finding = &verdict->findings[rule];
		if (finding->verdict == FINDING_FAIL)
			return sl_fail(err, finding->kind, "%s%s%s%s%s",
				       rule == RULE_SIGNATURES ? "" : rule_name(rule),
				       rule == RULE_SIGNATURES ? "" : ": ", finding->evidence,
				       finding->remedy ? "; " : "",
				       finding->remedy ? finding->remedy : "");
	}
	return true;
}

// The rooms below name the bundle in their errors; this one does it here.
static bool refuse(const struct verified_bundle *bundle, const struct sl_error *why,
		   struct sl_error *err)
{
	return sl_fail(err, why->kind, "bundle '%s': %s", bundle_shown(bundle->reader), why->text);
}

// Whether to go on after these rules.
static bool decide(const struct verify_request *request, struct verified_bundle *bundle,
		   const struct verdict *verdict, enum rule first, enum rule last,
		   struct sl_error *err)
{
	struct sl_error why = {0};
	bool good = rules_decide(verdict, first, last, &why);
	bundle->trusted = bundle->trusted && good;
	return good || request->untrusted || refuse(bundle, &why, err);
}

static bool find_signatures(const struct verify_request *request, struct verified_bundle *bundle,
			    struct sl_error *err)
{
	struct sl_digest id = bundle_id(bundle->reader);
	const struct raw_signature *own = bundle_signatures(bundle->reader, &bundle->own);
	for (size_t i = 0; i < bundle->own; i++)
		*sl_list_add(&bundle->signatures) = own[i];
	for (size_t i = 0; i < request->signatures.len; i++)
		if (!detached_load(request->signatures.items[i], &id, &bundle->signatures, err))
			return false;
	return true;
}

static bool apply_open(const struct verify_request *request, struct verified_bundle *bundle,
		       struct verdict *verdict, struct sl_error *err)
{
	if (!bundle_open(request->path, &bundle->reader, err))
		return fail_rule(verdict, RULE_FORMAT, err);
	verdict->has_id = true;
	verdict->id = bundle_id(bundle->reader);
	return find_signatures(request, bundle, err);
}

static bool apply_signatures(const struct verify_request *request, struct verified_bundle *bundle,
			     struct verdict *verdict, struct sl_error *err)
{
	struct judge_case input = judge_case_of(request, bundle);
	bundle->trusted = true;
	judge(&input, verdict);
	return decide(request, bundle, verdict, RULE_SIGNATURES, RULE_TIME, err);
}

static void count_head(const struct bundle_reader *reader, struct verdict *verdict)
{
	const struct manifest *manifest = bundle_manifest(reader);
	size_t manifest_len, signatures_len;
	bundle_manifest_text(reader, &manifest_len);
	const struct raw_signature *signatures = bundle_signatures(reader, &signatures_len);
	count_part(verdict, manifest_len);
	for (size_t i = 0; i < signatures_len; i++)
		count_part(verdict, signatures[i].len);
	verdict->parts_total = verdict->parts_checked + 1 + manifest->blobs.len;
	verdict->bytes_total = verdict->bytes_checked + manifest->content_size;
	sl_list_each (&manifest->blobs, blob)
		verdict->bytes_total += blob->size;
}

static bool apply_gate(const struct verify_request *request, struct verified_bundle *bundle,
		       struct verdict *verdict, struct sl_error *err)
{
	if (!bundle_reader_gate(bundle->reader, err))
		return fail_rule(verdict, RULE_FORMAT, err);
	const struct manifest *manifest = bundle_manifest(bundle->reader);
	count_head(bundle->reader, verdict);
	pass(verdict, RULE_FORMAT,
	     sl_format("format %d, %zu parts in their order, nothing else in the file",
		       FORMAT_NUMBER, verdict->parts_total));
	struct judge_case input = judge_case_of(request, bundle);
	judge_names(&input, manifest->name, manifest->version, verdict);
	return decide(request, bundle, verdict, RULE_SIGNATURES, RULE_TIME, err);
}

static bool apply_content(struct verified_bundle *bundle, struct verdict *verdict,
			  struct sl_error *err)
{
	if (!bundle_read_content(bundle->reader, &bundle->content, err))
		return fail_rule(verdict, RULE_CONTENT, err);
	count_part(verdict, bundle_manifest(bundle->reader)->content_size);
	pass(verdict, RULE_CONTENT,
	     sl_format("%zu files, every digest as signed", bundle->content->files.len));
	return true;
}

static bool apply_recipe(struct verified_bundle *bundle, struct verdict *verdict,
			 struct sl_error *err)
{
	const struct manifest *manifest = bundle_manifest(bundle->reader);
	struct sl_error why = {0};
	if (!recipe_check(manifest, bundle->content, &bundle->plan, &bundle->lock, &why)) {
		fail_rule(verdict, RULE_RECIPE, &why);
		return refuse(bundle, &why, err);
	}
	pass(verdict, RULE_RECIPE,
	     sl_format("recipe %u made again from plan.json and lock.json, byte for byte; %s",
		       manifest->recipe, closure_name(manifest->closure)));
	return true;
}

static bool apply_demands(const struct verify_request *request, struct verified_bundle *bundle,
			  struct verdict *verdict, struct sl_error *err)
{
	struct demands_case input = {request->policy, request->seen,
				     bundle_manifest(bundle->reader), bundle->plan, bundle->lock};
	judge_demands(&input, verdict);
	return decide(request, bundle, verdict, RULE_VERSION, RULE_SIZE, err);
}

static bool apply_blobs(const struct verify_request *request, struct verified_bundle *bundle,
			struct verdict *verdict, struct sl_error *err)
{
	const struct manifest *manifest = bundle_manifest(bundle->reader);
	if (request->depth != VERIFY_ALL) {
		verdict_set(verdict, RULE_BLOBS, FINDING_NONE, SL_E_NONE,
			    sl_format("%zu, not read ('sealift verify' reads them)",
				      manifest->blobs.len),
			    NULL);
		return true;
	}
	if (!bundle_check_blobs(bundle->reader, request->threads, request->progress, err))
		return fail_rule(verdict, RULE_BLOBS, err);
	sl_list_each (&manifest->blobs, blob)
		count_part(verdict, blob->size);
	pass(verdict, RULE_BLOBS, sl_format("%zu, every digest as signed", manifest->blobs.len));
	return true;
}

static bool apply_rules(const struct verify_request *request, struct verified_bundle *bundle,
			struct verdict *verdict, struct sl_error *err)
{
	return trust_ready(err) && apply_open(request, bundle, verdict, err) &&
	       apply_signatures(request, bundle, verdict, err) &&
	       apply_gate(request, bundle, verdict, err) && apply_content(bundle, verdict, err) &&
	       apply_recipe(bundle, verdict, err) && apply_demands(request, bundle, verdict, err) &&
	       apply_blobs(request, bundle, verdict, err);
}

// A rule that was not reached says so.
static void fill_findings(struct verdict *verdict)
{
	for (enum rule rule = 0; rule < RULE_COUNT; rule++)
		if (!verdict->findings[rule].evidence)
			verdict_set(verdict, rule, FINDING_NONE, SL_E_NONE,
				    sl_strdup("not examined"), NULL);
}

bool bundle_verify(const struct verify_request *request, struct verdict *verdict_out,
		   struct verified_bundle **bundle_out, struct sl_error *err)
{
	auto_verified_bundle struct verified_bundle *bundle = sl_alloc(sizeof *bundle);
	*verdict_out = (struct verdict){0};
	bool ok = apply_rules(request, bundle, verdict_out, err);
	fill_findings(verdict_out);
	if (!ok)
		return false;
	// T28: a bundle all of whose parts were asked for has all of them checked.
	if (request->depth == VERIFY_ALL &&
	    (verdict_out->parts_checked != verdict_out->parts_total ||
	     verdict_out->bytes_checked != verdict_out->bytes_total))
		return sl_fail(err, SL_E_INTERNAL, "not every part was checked");
	*bundle_out = sl_take(bundle);
	return true;
}
