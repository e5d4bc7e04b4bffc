// SPDX-License-Identifier: Apache-2.0
// A policy in sentences: one for each demand, with the rule that holds bundles to it.
#include "bundles/commands/show.h"

#include <stdio.h>

struct sentences {
	SL_LIST(struct sentence {
		enum rule rule;
		char *text;
	})
	list;
};

// Takes `text` over.
static void say(struct sentences *out, enum rule rule, char *text)
{
	struct sentence *sentence = sl_list_add(&out->list);
	sentence->rule = rule;
	sentence->text = text;
}

static char *joined(const struct sl_strings *list)
{
	sl_auto_buf struct sl_buf text = {0};
	sl_buf_init(&text, 8 * SL_MIB);
	for (size_t i = 0; i < list->len; i++)
		sl_buf_addf(&text, "%s%s", i == 0 ? "" : ", ", list->items[i]);
	return sl_buf_steal(&text, NULL);
}

static void say_key(struct sentences *out, const struct policy_key *key, bool may, enum role role)
{
	char fingerprint[65];
	if (!may)
		return;
	sl_auto_free char *names = joined(&key->bundles);
	public_key_fingerprint(&key->key, fingerprint);
	say(out, role == ROLE_PREPARE ? RULE_SIGNATURES : RULE_APPROVALS,
	    sl_format("'%s' (%.16s…) may %s %s%s", key->name, fingerprint, role_name(role),
		      key->bundles.len ? "bundles named " : "any bundle", names));
}

static void say_keys(struct sentences *out, const struct policy *policy)
{
	if (policy->keys.len == 0)
		say(out, RULE_SIGNATURES, sl_strdup("nobody is trusted, so nothing passes"));
	sl_list_each (&policy->keys, key)
		say_key(out, key, key->may_prepare, ROLE_PREPARE);
	sl_list_each (&policy->keys, key)
		say_key(out, key, key->may_approve, ROLE_APPROVE);
	if (policy->approvals > 0)
		say(out, RULE_APPROVALS,
		    sl_format("at least %u of those who may approve must have, and the preparer "
			      "does not count",
			      policy->approvals));
	else
		say(out, RULE_APPROVALS, sl_strdup("no approval is demanded"));
	if (policy->keys.len > 0)
		say(out, RULE_REVOCATION, sl_strdup("any of these keys may revoke a bundle"));
}

static void say_times(struct sentences *out, const struct policy *policy)
{
	char time[21];
	if (policy->has_signed_since) {
		sl_time_format(policy->signed_since, time);
		say(out, RULE_TIME, sl_format("nothing that was prepared before %s", time));
	}
	if (policy->signed_within_days > 0)
		say(out, RULE_TIME,
		    sl_format("nothing that was prepared more than %u days ago",
			      policy->signed_within_days));
}

static void say_versions(struct sentences *out, const struct policy *policy)
{
	say(out, RULE_VERSION,
	    sl_strdup(policy->refuse_older
			      ? "no version older than the newest one of its name that has passed"
			      : "older versions than one that has passed are taken, too"));
	sl_list_each (&policy->versions, entry)
		say(out, RULE_VERSION,
		    sl_format("of %s nothing%s%s%s%s%s", entry->name,
			      entry->lowest ? " below " : "", entry->lowest ? entry->lowest : "",
			      entry->lowest && entry->highest ? " and nothing" : "",
			      entry->highest ? " above " : "",
			      entry->highest ? entry->highest : ""));
}

static void say_list(struct sentences *out, enum rule rule, const struct sl_strings *list,
		     const char *before)
{
	sl_auto_free char *all = joined(list);
	if (list->len > 0)
		say(out, rule, sl_format("%s %s", before, all));
}

static void explain(const struct policy *policy, struct sentences *out)
{
	say_keys(out, policy);
	say_times(out, policy);
	say_versions(out, policy);
	if (policy->has_closure)
		say(out, RULE_CLOSURE, sl_format("at least %s", closure_name(policy->closure)));
	say_list(out, RULE_BASE, &policy->bases, "no base images but these, and those below:");
	say_list(out, RULE_INDEX, &policy->indexes,
		 "packages are fetched only from these, and below:");
	say_list(out, RULE_PACKAGES, &policy->denied, "none of these packages:");
	if (policy->largest > 0)
		say(out, RULE_SIZE, sl_format("at most %ju bytes", (uintmax_t)policy->largest));
}

static void release(struct sentences *sentences)
{
	sl_list_each (&sentences->list, sentence)
		free(sentence->text);
	sl_list_release(&sentences->list);
}

void show_policy(const struct policy *policy)
{
	struct sentences sentences = {0};
	explain(policy, &sentences);
	sl_list_each (&sentences.list, sentence)
		printf("  %-10s  %s\n", rule_name(sentence->rule), sentence->text);
	release(&sentences);
}

json_t *show_policy_json(const struct policy *policy)
{
	struct sentences sentences = {0};
	json_t *array = json_array();
	explain(policy, &sentences);
	sl_list_each (&sentences.list, sentence) {
		json_t *json = json_object();
		sl_json_set_string(json, "rule", rule_name(sentence->rule));
		sl_json_set(json, "sentence", show_json_string(sentence->text));
		sl_json_append(array, json);
	}
	release(&sentences);
	return array;
}
