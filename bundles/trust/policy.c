// SPDX-License-Identifier: Apache-2.0
// The policy as a value: its keys, and finding things in it.
#include "bundles/trust/policy.h"

#include <string.h>

static void release_key(struct policy_key *key)
{
	free(key->name);
	sl_strings_release(&key->bundles);
}

void policy_release(struct policy *policy)
{
	sl_list_each (&policy->keys, key)
		release_key(key);
	sl_list_release(&policy->keys);
	sl_list_each (&policy->versions, entry) {
		free(entry->name);
		free(entry->lowest);
		free(entry->highest);
	}
	sl_list_release(&policy->versions);
	sl_strings_release(&policy->bases);
	sl_strings_release(&policy->indexes);
	sl_strings_release(&policy->denied);
	*policy = (struct policy){0};
}

bool policy_default_path(char **path_out, struct sl_error *err)
{
	sl_auto_free char *folder = NULL;
	if (!sl_place(SL_PLACE_CONFIG, &folder, err))
		return false;
	*path_out = sl_path_join(folder, "policy.json");
	return true;
}

// ---- keys --------------------------------------------------------------------------------

const struct policy_key *policy_find(const struct policy *policy, const struct public_key *key)
{
	sl_list_each (&policy->keys, entry)
		if (public_key_equal(&entry->key, key))
			return entry;
	return NULL;
}

const struct policy_key *policy_find_name(const struct policy *policy, const char *word)
{
	sl_list_each (&policy->keys, entry) {
		char fingerprint[65];
		public_key_fingerprint(&entry->key, fingerprint);
		if (strcmp(entry->name, word) == 0 || strcmp(fingerprint, word) == 0)
			return entry;
	}
	return NULL;
}

bool policy_add(struct policy *policy, const struct policy_key *entry, struct sl_error *err)
{
	const char *why = policy_check_name(entry->name);
	if (why)
		return sl_fail(err, SL_E_INPUT, "%s", why);
	if (policy->keys.len >= SL_LIMIT_KEYS)
		return sl_fail(err, SL_E_LIMIT, "more than %d keys", SL_LIMIT_KEYS);
	const struct policy_key *same = policy_find(policy, &entry->key);
	if (same) // one key under two names would count twice (T31)
		return sl_fail(err, SL_E_INPUT, "the key of '%s' is listed already, as '%s'",
			       entry->name, same->name);
	if (policy_find_name(policy, entry->name))
		return sl_fail(err, SL_E_INPUT, "the name '%s' is used already", entry->name);
	struct policy_key *added = sl_list_add(&policy->keys);
	*added = *entry;
	added->name = sl_strdup(entry->name);
	added->bundles = (struct sl_strings){0};
	for (size_t i = 0; i < entry->bundles.len; i++)
		sl_strings_add(&added->bundles, entry->bundles.items[i]);
	return true;
}

void policy_remove(struct policy *policy, const struct policy_key *entry)
{
	size_t index = (size_t)(entry - policy->keys.items);
	release_key(&policy->keys.items[index]);
	policy->keys.len--;
	memmove(policy->keys.items + index, policy->keys.items + index + 1,
		(policy->keys.len - index) * sizeof *policy->keys.items);
}

const struct policy_version *policy_find_version(const struct policy *policy, const char *name)
{
	sl_list_each (&policy->versions, entry)
		if (strcmp(entry->name, name) == 0)
			return entry;
	return NULL;
}
