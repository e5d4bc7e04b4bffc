// SPDX-License-Identifier: Apache-2.0
// What a policy demands beyond signatures. specs/policy.md, "Findings", is the law; the agent
// judges by the same (tests/cases/judge).
#include "bundles/packaging/version.h"
#include "bundles/trust/judge.h"

#include <string.h>

#define DAY 86400

static void pass(struct verdict *verdict, enum rule rule, char *evidence)
{
	verdict_set(verdict, rule, FINDING_PASS, SL_E_NONE, evidence, NULL);
}

static void none(struct verdict *verdict, enum rule rule, char *evidence)
{
	verdict_set(verdict, rule, FINDING_NONE, SL_E_NONE, evidence, NULL);
}

static void refuse(struct verdict *verdict, enum rule rule, char *evidence, const char *remedy)
{
	verdict_set(verdict, rule, FINDING_FAIL, SL_E_UNTRUSTED, evidence, sl_strdup(remedy));
}

// ---- time ----------------------------------------------------------------------------------

static bool clock_has_gone_back(const struct judge_case *input, struct verdict *verdict)
{
	char now[21], then[21];
	if (!input->seen || input->now >= input->seen->latest - DAY)
		return false;
	sl_time_format(input->now, now);
	sl_time_format(input->seen->latest, then);
	refuse(verdict, RULE_TIME,
	       sl_format("the clock says %s, but a bundle was verified here at %s", now, then),
	       "set the clock; if it was wrong then, remove seen.json from the state folder");
	return true;
}

static bool is_too_old(const struct policy *policy, int64_t signed_at, int64_t now,
		       struct verdict *verdict)
{
	char at[21], since[21];
	int64_t days = (now - signed_at) / DAY;
	sl_time_format(signed_at, at);
	if (policy->has_signed_since && signed_at < policy->signed_since) {
		sl_time_format(policy->signed_since, since);
		refuse(verdict, RULE_TIME,
		       sl_format("prepared at %s, and the policy takes nothing before %s", at,
				 since),
		       "ask the preparer for a new bundle");
		return true;
	}
	if (policy->signed_within_days == 0)
		return false;
	if (signed_at > now + DAY)
		refuse(verdict, RULE_TIME,
		       sl_format("prepared at %s, which is more than a day in the future", at),
		       "one of the two clocks is wrong: find out which");
	else if (now - signed_at > (int64_t)policy->signed_within_days * DAY)
		refuse(verdict, RULE_TIME,
		       sl_format("prepared at %s, %lld days ago, and the policy takes at most %u",
				 at, (long long)days, policy->signed_within_days),
		       "ask the preparer for a new bundle");
	else
		return false;
	return true;
}

void judge_time(const struct judge_case *input, const struct signature_report *prepare,
		struct verdict *verdict)
{
	char at[21], now[21];
	if (clock_has_gone_back(input, verdict))
		return;
	if (!prepare || prepare->verdict != SIGNATURE_GOOD) {
		none(verdict, RULE_TIME, sl_strdup("nobody known says when it was made"));
		return;
	}
	if (is_too_old(input->policy, prepare->statement.time, input->now, verdict))
		return;
	sl_time_format(prepare->statement.time, at);
	sl_time_format(input->now, now);
	pass(verdict, RULE_TIME, sl_format("prepared at %s, and it is %s", at, now));
}

// ---- version -------------------------------------------------------------------------------

static int compare(const char *a, const char *b)
{
	auto_version struct version *left = version_try(a, strlen(a));
	auto_version struct version *right = version_try(b, strlen(b));
	return left && right ? version_compare(left, right) : strcmp(a, b);
}

// The newest version of this name that has passed here, unless the policy says that it was none.
static const struct seen_version *newest_seen(const struct demands_case *input,
					      const struct policy_version *named)
{
	const struct seen_version *seen =
		input->seen ? seen_find(input->seen, input->manifest->name) : NULL;
	if (seen && named && named->highest && compare(seen->version, named->highest) > 0)
		return NULL;
	return seen;
}

static bool is_out_of_range(const struct demands_case *input, const struct policy_version *named,
			    struct verdict *verdict)
{
	const char *version = input->manifest->version;
	if (named && named->lowest && compare(version, named->lowest) < 0)
		refuse(verdict, RULE_VERSION,
		       sl_format("%s, and the policy takes nothing below %s", version,
				 named->lowest),
		       "use a newer bundle");
	else if (named && named->highest && compare(version, named->highest) > 0)
		refuse(verdict, RULE_VERSION,
		       sl_format("%s, and the policy takes nothing above %s", version,
				 named->highest),
		       "ask whoever keeps the policy whether that is still meant");
	else
		return false;
	return true;
}

static void judge_version(const struct demands_case *input, struct verdict *verdict)
{
	const char *version = input->manifest->version;
	const struct policy_version *named =
		input->policy ? policy_find_version(input->policy, input->manifest->name) : NULL;
	const struct seen_version *seen = newest_seen(input, named);
	char time[21];
	if (is_out_of_range(input, named, verdict))
		return;
	bool older = seen && compare(version, seen->version) < 0;
	if (seen)
		sl_time_format(seen->time, time);
	if (older && input->policy && input->policy->refuse_older)
		refuse(verdict, RULE_VERSION,
		       sl_format("%s is older than %s, which was accepted here at %s", version,
				 seen->version, time),
		       "use the newer one; to go back on purpose, name the version as 'highest' "
		       "in the policy");
	else if (older)
		pass(verdict, RULE_VERSION,
		     sl_format("%s; a newer one, %s, was accepted here at %s", version,
			       seen->version, time));
	else if (!seen && !named)
		none(verdict, RULE_VERSION, sl_format("%s, and nothing is demanded", version));
	else
		pass(verdict, RULE_VERSION,
		     sl_format("%s%s%s", version, seen ? ", and none newer was accepted here" : "",
			       named ? ", within the policy's bounds" : ""));
}

// ---- the others ----------------------------------------------------------------------------

static void judge_closure(const struct demands_case *input, struct verdict *verdict)
{
	const char *word = closure_name(input->manifest->closure);
	if (!input->policy || !input->policy->has_closure)
		none(verdict, RULE_CLOSURE, sl_format("%s, and nothing is demanded", word));
	else if (input->manifest->closure < input->policy->closure)
		refuse(verdict, RULE_CLOSURE,
		       sl_format("%s, and the policy demands %s", word,
				 closure_name(input->policy->closure)),
		       "'sealift inspect' names the inputs that are not closed; the preparer can "
		       "carry them or name them by digest");
	else
		pass(verdict, RULE_CLOSURE,
		     sl_format("%s; the policy demands %s", word,
			       closure_name(input->policy->closure)));
}

static char *describe_base(const struct plan_base *base, const struct lock *lock)
{
	char hex[SL_DIGEST_HEX + 1];
	sl_digest_hex(base->kind == BASE_DOCKER ? &base->digest : &lock->base.sha256, hex);
	return sl_format("%s@sha256:%s",
			 base->kind == BASE_DOCKER ? base->reference : base_kind_name(base->kind),
			 hex);
}

static void judge_base(const struct demands_case *input, struct verdict *verdict)
{
	const struct plan_base *base = &input->plan->base;
	sl_auto_free char *shown = describe_base(base, input->lock);
	const struct sl_strings *allowed = input->policy ? &input->policy->bases : NULL;
	if (!allowed || allowed->len == 0) {
		none(verdict, RULE_BASE, sl_format("%s, and nothing is demanded", shown));
		return;
	}
	for (size_t i = 0; i < allowed->len; i++) {
		if (policy_base_matches(allowed->items[i], base, &input->lock->base.sha256)) {
			pass(verdict, RULE_BASE,
			     sl_format("%s, allowed as %s", shown, allowed->items[i]));
			return;
		}
	}
	refuse(verdict, RULE_BASE, sl_format("%s is none of the policy's bases", shown),
	       "use an allowed base, or ask whoever keeps the policy to allow this one");
}

static void judge_index(const struct demands_case *input, struct verdict *verdict)
{
	size_t fetched = 0;
	sl_list_each (&input->lock->packages, package)
		fetched += !package->carried;
	none(verdict, RULE_INDEX,
	     fetched == 0 ? sl_strdup("nothing is fetched from one")
			  : sl_format("%zu packages are fetched; the endpoint decides from where",
				      fetched));
}

static void judge_packages(const struct demands_case *input, struct verdict *verdict)
{
	const struct sl_strings *denied = input->policy ? &input->policy->denied : NULL;
	size_t all = input->lock->packages.len;
	if (!denied || denied->len == 0) {
		none(verdict, RULE_PACKAGES, sl_format("%zu, and none is denied", all));
		return;
	}
	sl_list_each (&input->lock->packages, package) {
		for (size_t i = 0; i < denied->len; i++) {
			if (!policy_denies(denied->items[i], package->name, package->version))
				continue;
			refuse(verdict, RULE_PACKAGES,
			       sl_format("%s %s is denied (%s)", package->name, package->version,
					 denied->items[i]),
			       "lock another version, or do without the package");
			return;
		}
	}
	pass(verdict, RULE_PACKAGES, sl_format("%zu, none of them denied", all));
}

static void judge_size(const struct demands_case *input, struct verdict *verdict)
{
	uint64_t size = input->manifest->content_size,
		 most = input->policy ? input->policy->largest : 0;
	sl_list_each (&input->manifest->blobs, blob)
		size += blob->size;
	if (most == 0)
		none(verdict, RULE_SIZE,
		     sl_format("%ju bytes, and nothing is demanded", (uintmax_t)size));
	else if (size > most)
		refuse(verdict, RULE_SIZE,
		       sl_format("%ju bytes, and the policy takes at most %ju", (uintmax_t)size,
				 (uintmax_t)most),
		       "make a smaller bundle, or ask whoever keeps the policy");
	else
		pass(verdict, RULE_SIZE,
		     sl_format("%ju bytes; the policy takes up to %ju", (uintmax_t)size,
			       (uintmax_t)most));
}

void judge_demands(const struct demands_case *input, struct verdict *verdict)
{
	judge_version(input, verdict);
	judge_closure(input, verdict);
	judge_base(input, verdict);
	judge_index(input, verdict);
	judge_packages(input, verdict);
	judge_size(input, verdict);
}
