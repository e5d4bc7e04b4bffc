// SPDX-License-Identifier: Apache-2.0
// policy.json, read and written. specs/policy.md is the law.
#include "bundles/packaging/version.h"
#include "bundles/trust/base64.h"
#include "bundles/trust/policy.h"
#include "bundles/trust/trust.h"

#include <string.h>

// ---- reading: lists ------------------------------------------------------------------------

static json_t *read_list(struct sl_obj *obj, const char *key, size_t most)
{
	if (!sl_obj_may(obj, key))
		return NULL;
	json_t *list = sl_obj_array(obj, key, most);
	if (list && json_array_size(list) == 0)
		sl_obj_fail(obj, key, "empty: take it out, or name something");
	return list;
}

static bool has_text(const struct sl_strings *list, const char *text)
{
	for (size_t i = 0; i < list->len; i++)
		if (strcmp(list->items[i], text) == 0)
			return true;
	return false;
}

// An optional list of texts of one form, each once.
static void read_texts(struct sl_obj *obj, const char *key, size_t most,
		       const char *(*check)(const char *text), struct sl_strings *out)
{
	json_t *list = read_list(obj, key, most), *value;
	size_t i;
	json_array_foreach (list, i, value) {
		const char *text = json_string_value(value);
		if (!text || strlen(text) != json_string_length(value)) {
			sl_obj_fail(obj, key, "element %zu is not a text", i + 1);
			return;
		}
		const char *wrong = check(text);
		sl_auto_free char *shown = sl_text_shown(text);
		if (wrong || has_text(out, text)) {
			sl_obj_fail(obj, key, "'%.200s': %s", shown,
				    wrong ? wrong : "stands there twice");
			return;
		}
		sl_strings_add(out, text);
	}
}

// ---- reading: keys -------------------------------------------------------------------------

static void read_roles(struct sl_obj *obj, struct policy_key *key)
{
	json_t *roles = sl_obj_array(obj, "roles", 2), *word;
	size_t i;
	json_array_foreach (roles, i, word) {
		enum role role;
		if (!json_is_string(word) || !role_parse(json_string_value(word), &role) ||
		    role == ROLE_REVOKE) {
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
	read_texts(&obj, "bundles", SL_LIMIT_KEY_PATTERNS, policy_check_pattern, &key.bundles);
	sl_auto_free char *copy = sl_strdup(name);
	key.name = copy;
	bool good = sl_obj_done(&obj) &&
		    (policy_add(out, &key, err) || sl_prefix(err, "%s: keys[%zu]", shown, index));
	sl_strings_release(&key.bundles);
	return good;
}

// ---- reading: what is demanded -------------------------------------------------------------

static char *read_version_text(struct sl_obj *obj, const char *key)
{
	const char *text = sl_obj_string_opt(obj, key);
	if (text && !obj->failed && !version_is_normal(text))
		sl_obj_fail(obj, key, "a version in normal form (PEP 440) is needed here");
	return text && !obj->failed ? sl_strdup(text) : NULL;
}

static bool is_in_order(const struct policy_version *entry)
{
	if (!entry->lowest || !entry->highest)
		return true;
	auto_version struct version *low = version_try(entry->lowest, strlen(entry->lowest));
	auto_version struct version *high = version_try(entry->highest, strlen(entry->highest));
	return version_compare(low, high) <= 0;
}

static bool read_version(json_t *json, const char *shown, size_t index, struct policy *out,
			 struct sl_error *err)
{
	struct sl_obj obj;
	sl_obj_init(&obj, json, SL_E_INPUT, err, "%s: versions[%zu]", shown, index);
	const char *name = sl_obj_string(&obj, "name");
	if (!obj.failed && !sl_text_is_name(name))
		sl_obj_fail(&obj, "name", "a bundle's name is needed here");
	if (!obj.failed && policy_find_version(out, name))
		sl_obj_fail(&obj, "name", "'%s' stands there twice", name);
	struct policy_version *entry = sl_list_add(&out->versions); // released with the policy
	entry->name = sl_strdup(name);
	entry->lowest = read_version_text(&obj, "lowest");
	entry->highest = read_version_text(&obj, "highest");
	if (!obj.failed && !entry->lowest && !entry->highest)
		sl_obj_fail(&obj, "lowest", "neither this nor 'highest' is there");
	if (!obj.failed && !is_in_order(entry))
		sl_obj_fail(&obj, "lowest", "newer than 'highest'");
	return sl_obj_done(&obj);
}

static void read_closure(struct sl_obj *obj, struct policy *out)
{
	const char *word = sl_obj_string_opt(obj, "closure");
	if (!word || obj->failed)
		return;
	out->has_closure = closure_parse(word, &out->closure);
	if (!out->has_closure)
		sl_obj_fail(obj, "closure", "'open', 'pinned' or 'sealed' is needed here");
}

static void read_older(struct sl_obj *obj, struct policy *out)
{
	const char *word = sl_obj_string_opt(obj, "older");
	if (!word || obj->failed)
		return;
	out->refuse_older = strcmp(word, "refuse") == 0;
	if (!out->refuse_older && strcmp(word, "allow") != 0)
		sl_obj_fail(obj, "older", "'allow' or 'refuse' is needed here");
}

static uint64_t read_number(struct sl_obj *obj, const char *key, uint64_t least, uint64_t most)
{
	uint64_t number = sl_obj_may(obj, key) ? sl_obj_uint(obj, key, most) : least;
	if (!obj->failed && number < least)
		sl_obj_fail(obj, key, "at least %ju is needed here", (uintmax_t)least);
	return sl_obj_has(obj, key) && !obj->failed ? number : 0;
}

static void read_times(struct sl_obj *obj, struct policy *out)
{
	const char *since = sl_obj_string_opt(obj, "signed_since");
	out->has_signed_since = since && !obj->failed;
	if (out->has_signed_since && !sl_time_parse(since, &out->signed_since))
		sl_obj_fail(obj, "signed_since", "a time like 2026-01-31T00:00:00Z is needed here");
	out->signed_within_days =
		(unsigned)read_number(obj, "signed_within_days", 1, SL_LIMIT_SIGNED_WITHIN);
}

static void read_demands(struct sl_obj *obj, struct policy *out)
{
	out->approvals = (unsigned)read_number(obj, "approvals", 0, SL_LIMIT_SIGNATURES);
	read_times(obj, out);
	read_older(obj, out);
	read_closure(obj, out);
	read_texts(obj, "bases", SL_LIMIT_POLICY_BASES, policy_check_base, &out->bases);
	read_texts(obj, "indexes", SL_LIMIT_POLICY_INDEXES, policy_check_index, &out->indexes);
	read_texts(obj, "denied", SL_LIMIT_POLICY_DENIED, policy_check_denied, &out->denied);
	out->largest = read_number(obj, "largest", 1, SL_LIMIT_BUNDLE);
}

// ---- reading: all of it --------------------------------------------------------------------

static bool read_elements(json_t *list, const char *shown, struct policy *out, struct sl_error *err,
			  bool (*read)(json_t *json, const char *shown, size_t index,
				       struct policy *out, struct sl_error *err))
{
	json_t *value;
	size_t i;
	json_array_foreach (list, i, value) {
		if (!read(value, shown, i, out, err))
			return false;
	}
	return true;
}

static bool read_policy(json_t *json, const char *shown, struct policy *out, struct sl_error *err)
{
	struct sl_obj obj;
	sl_obj_init(&obj, json, SL_E_INPUT, err, "%s: policy", shown);
	uint64_t number = sl_obj_uint(&obj, "sealift_policy", SL_JSON_MAX_INT);
	json_t *keys = sl_obj_array(&obj, "keys", SL_LIMIT_KEYS);
	json_t *versions = read_list(&obj, "versions", SL_LIMIT_POLICY_VERSIONS);
	if (!obj.failed && number != POLICY_NUMBER)
		sl_obj_fail(&obj, "sealift_policy", "this program reads policies of number %d only",
			    POLICY_NUMBER);
	read_demands(&obj, out);
	return sl_obj_done(&obj) && read_elements(keys, shown, out, err, read_key) &&
	       read_elements(versions, shown, out, err, read_version);
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

// ---- writing -------------------------------------------------------------------------------

static void set_texts(json_t *json, const char *key, const struct sl_strings *list)
{
	json_t *array = json_array();
	for (size_t i = 0; i < list->len; i++)
		sl_json_append(array, json_string(list->items[i]));
	if (list->len > 0)
		sl_json_set(json, key, array);
	else
		json_decref(array);
}

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
	set_texts(json, "bundles", &key->bundles);
	return json;
}

static json_t *version_to_json(const struct policy_version *entry)
{
	json_t *json = json_object();
	sl_json_set_string(json, "name", entry->name);
	if (entry->lowest)
		sl_json_set_string(json, "lowest", entry->lowest);
	if (entry->highest)
		sl_json_set_string(json, "highest", entry->highest);
	return json;
}

static void set_demands(json_t *json, const struct policy *policy)
{
	char time[21];
	json_t *versions = json_array();
	if (policy->approvals > 0)
		sl_json_set_uint(json, "approvals", policy->approvals);
	if (policy->has_signed_since) {
		sl_time_format(policy->signed_since, time);
		sl_json_set_string(json, "signed_since", time);
	}
	if (policy->signed_within_days > 0)
		sl_json_set_uint(json, "signed_within_days", policy->signed_within_days);
	sl_list_each (&policy->versions, entry)
		sl_json_append(versions, version_to_json(entry));
	if (policy->versions.len > 0)
		sl_json_set(json, "versions", json_incref(versions));
	json_decref(versions);
	if (policy->refuse_older)
		sl_json_set_string(json, "older", "refuse");
	if (policy->has_closure)
		sl_json_set_string(json, "closure", closure_name(policy->closure));
	set_texts(json, "bases", &policy->bases);
	set_texts(json, "indexes", &policy->indexes);
	set_texts(json, "denied", &policy->denied);
	if (policy->largest > 0)
		sl_json_set_uint(json, "largest", policy->largest);
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
	set_demands(json, policy);
	sl_auto_free char *text = json_dumps(json, JSON_INDENT(2) | JSON_SORT_KEYS);
	if (!text)
		return sl_fail(err, SL_E_INTERNAL, "cannot write the policy as JSON");
	sl_buf_adds(out, text);
	sl_buf_addc(out, '\n');
	return sl_buf_ok(out, "policy", err);
}
