// SPDX-License-Identifier: Apache-2.0
// policy.json: whose signatures count, and for what. specs/policy.md is the law.
#include "bundles/trust/base64.h"
#include "bundles/trust/trust.h"

#include <string.h>

#define POLICY_NUMBER  1
#define NAME_MAX_BYTES 100

void policy_release(struct policy *policy)
{
	sl_list_each (&policy->keys, key)
		free(key->name);
	sl_list_release(&policy->keys);
}

bool policy_default_path(char **path_out, struct sl_error *err)
{
	sl_auto_free char *folder = NULL;
	if (!sl_place(SL_PLACE_CONFIG, &folder, err))
		return false;
	*path_out = sl_path_join(folder, "policy.json");
	return true;
}

// ---- rules ----------------------------------------------------------------------------------

const char *policy_check_name(const char *name)
{
	size_t len = strlen(name);
	if (len == 0 || len > NAME_MAX_BYTES)
		return "a name has 1 to 100 bytes";
	struct sl_digest fingerprint;
	if (sl_digest_parse(name, &fingerprint))
		return "a name is not 64 hexadecimal digits: it would pass for a fingerprint";
	sl_auto_buf struct sl_buf shown = {0};
	sl_buf_init(&shown, 16 * NAME_MAX_BYTES);
	sl_text_escape(&shown, name, len);
	if (shown.len != len || memcmp(shown.data, name, len) != 0)
		return "a name has no control or invisible characters and no backslash";
	return NULL;
}

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
	return true;
}

void policy_remove(struct policy *policy, const struct policy_key *entry)
{
	size_t index = (size_t)(entry - policy->keys.items);
	free(policy->keys.items[index].name);
	policy->keys.len--;
	memmove(policy->keys.items + index, policy->keys.items + index + 1,
		(policy->keys.len - index) * sizeof *policy->keys.items);
}

// ---- reading --------------------------------------------------------------------------------

static void read_roles(struct sl_obj *obj, struct policy_key *key)
{
	json_t *roles = sl_obj_array(obj, "roles", 2), *word;
	size_t i;
	json_array_foreach (roles, i, word) {
		enum role role;
		if (!json_is_string(word) || !role_parse(json_string_value(word), &role)) {
			sl_obj_fail(obj, "roles", "a role is 'prepare' or 'approve'");
			return;
		}
		bool *may = role == ROLE_PREPARE ? &key->may_prepare : &key->may_approve;
		if (*may)
			sl_obj_fail(obj, "roles", "'%s' stands there twice", role_name(role));
		*may = true;
	}
	if (roles && i == 0)
		sl_obj_fail(obj, "roles", "empty: give the key a role or take it out");
}

static void read_public_key(struct sl_obj *obj, struct public_key *out)
{
	const char *text = sl_obj_string(obj, "public_key");
	struct sl_error why = {0};
	if (obj->failed)
		return;
	if (strlen(text) != BASE64_LEN(42) ||
	    !public_key_parse(text, strlen(text), "key", out, &why))
		sl_obj_fail(obj, "public_key",
			    "not a minisign public key: the 56 characters of its .pub file's "
			    "second line are needed here");
}

static bool read_key(json_t *json, const char *shown, size_t index, struct policy *out,
		     struct sl_error *err)
{
	struct sl_obj obj;
	struct policy_key key = {0};
	sl_obj_init(&obj, json, SL_E_INPUT, err, "%s: keys[%zu]", shown, index);
	const char *name = sl_obj_string(&obj, "name");
	read_public_key(&obj, &key.key);
	read_roles(&obj, &key);
	if (!sl_obj_done(&obj))
		return false;
	sl_auto_free char *copy = sl_strdup(name);
	key.name = copy;
	return policy_add(out, &key, err) || sl_prefix(err, "%s: keys[%zu]", shown, index);
}

static bool read_policy(json_t *json, const char *shown, struct policy *out, struct sl_error *err)
{
	struct sl_obj obj;
	sl_obj_init(&obj, json, SL_E_INPUT, err, "%s: policy", shown);
	uint64_t number = sl_obj_uint(&obj, "sealift_policy", SL_JSON_MAX_INT);
	json_t *keys = sl_obj_array(&obj, "keys", SL_LIMIT_KEYS), *key;
	if (!obj.failed && number != POLICY_NUMBER)
		sl_obj_fail(&obj, "sealift_policy", "this program reads policies of number %d only",
			    POLICY_NUMBER);
	if (!sl_obj_done(&obj))
		return false;
	size_t i;
	json_array_foreach (keys, i, key) {
		if (!read_key(key, shown, i, out, err))
			return false;
	}
	return true;
}

bool policy_parse(const char *text, size_t len, const char *shown, struct policy *out,
		  struct sl_error *err)
{
	*out = (struct policy){0};
	struct sl_error why = {0};
	sl_auto_json json_t *json = sl_json_load(text, len, shown, &why);
	if (!json) // a person's file: broken JSON in it is their input
		return sl_fail(err, why.kind == SL_E_LIMIT ? SL_E_LIMIT : SL_E_INPUT, "%s",
			       why.text);
	if (read_policy(json, shown, out, err))
		return true;
	policy_release(out);
	return false;
}

bool policy_load(const char *path, struct policy *out, struct sl_error *err)
{
	sl_auto_free char *shown = sl_text_shown(path);
	sl_auto_buf struct sl_buf text = {0};
	*out = (struct policy){0};
	sl_buf_init(&text, SL_LIMIT_POLICY);
	return sl_read_file(path, &text, err) && policy_parse(text.data, text.len, shown, out, err);
}

// ---- writing --------------------------------------------------------------------------------

static json_t *key_to_json(const struct policy_key *key)
{
	char base64[57];
	json_t *json = json_object(), *roles = json_array();
	public_key_base64(&key->key, base64);
	if (key->may_prepare)
		sl_json_append(roles, json_string(role_name(ROLE_PREPARE)));
	if (key->may_approve)
		sl_json_append(roles, json_string(role_name(ROLE_APPROVE)));
	sl_json_set_string(json, "name", key->name);
	sl_json_set_string(json, "public_key", base64);
	sl_json_set(json, "roles", roles);
	return json;
}

// Indented: people read and edit this file.
bool policy_format(const struct policy *policy, struct sl_buf *out, struct sl_error *err)
{
	sl_auto_json json_t *json = json_object();
	json_t *keys = json_array();
	sl_list_each (&policy->keys, key)
		sl_json_append(keys, key_to_json(key));
	sl_json_set(json, "keys", keys);
	sl_json_set_uint(json, "sealift_policy", POLICY_NUMBER);
	sl_auto_free char *text = json_dumps(json, JSON_INDENT(2) | JSON_SORT_KEYS);
	if (!text)
		return sl_fail(err, SL_E_INTERNAL, "cannot write the policy as JSON");
	sl_buf_adds(out, text);
	sl_buf_addc(out, '\n');
	return sl_buf_ok(out, "policy", err);
}
