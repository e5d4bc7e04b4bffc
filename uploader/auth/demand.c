// SPDX-License-Identifier: Apache-2.0
// "Globus authorization required": what an answer asks for before it lets us pass. Four forms are
// in use (specs/login.md), in the answer itself or in one of its `errors`. What is not exactly of
// one of them is no demand: then it is shown as the failure that it is.
#include "uploader/auth/private.h"

#include <string.h>

#define LIST_MAX 64
#define TEXT_MAX 2048

static bool is_good_text(const char *text)
{
	size_t len = text ? strlen(text) : 0;

	return len > 0 && len <= TEXT_MAX;
}

// "a,b" as older services write lists.
static bool add_joined(struct sl_strings *out, const char *text)
{
	for (;;) {
		size_t len = strcspn(text, ",");
		sl_auto_free char *one = sl_strndup(text, len);
		if (len > 0 && out->len == LIST_MAX)
			return false;
		if (len > 0)
			sl_strings_add(out, one);
		if (!text[len])
			return true;
		text += len + 1;
	}
}

static bool add_each(struct sl_strings *out, const json_t *list)
{
	const json_t *one;
	size_t i;

	if (json_array_size(list) > LIST_MAX)
		return false;
	json_array_foreach (list, i, one) {
		if (!is_good_text(json_string_value(one)))
			return false;
		sl_strings_add(out, json_string_value(one));
	}
	return true;
}

// Absent and null are both "not asked for".
static bool take_list(const json_t *object, const char *key, struct sl_strings *out)
{
	const json_t *value = json_object_get(object, key);

	if (!value || json_is_null(value))
		return true;
	if (json_is_array(value))
		return add_each(out, value);
	return is_good_text(json_string_value(value)) && add_joined(out, json_string_value(value));
}

static bool take_flag(const json_t *object, const char *key, bool *out)
{
	const json_t *value = json_object_get(object, key);

	*out = json_is_true(value);
	return !value || json_is_null(value) || json_is_boolean(value);
}

static bool take_text(const json_t *object, const char *key, char **out)
{
	const json_t *value = json_object_get(object, key);

	if (!value || json_is_null(value))
		return true;
	if (!is_good_text(json_string_value(value)))
		return false;
	*out = sl_strdup(json_string_value(value));
	return true;
}

static bool has_text(const json_t *object, const char *key, const char *wanted)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text && strcmp(text, wanted) == 0;
}

// With a code it is the form of today, without one that of before; they are read alike.
static bool read_parameters(const json_t *body, struct auth_demand *out)
{
	const json_t *asked = json_object_get(body, "authorization_parameters");
	const json_t *code = json_object_get(body, "code");

	return json_is_object(asked) && (!code || json_is_null(code) || json_is_string(code)) &&
	       take_list(asked, "required_scopes", &out->scopes) &&
	       take_list(asked, "session_required_identities", &out->identities) &&
	       take_list(asked, "session_required_policies", &out->policies) &&
	       take_list(asked, "session_required_single_domain", &out->domains) &&
	       take_flag(asked, "session_required_mfa", &out->mfa) &&
	       take_text(asked, "prompt", &out->prompt) &&
	       take_text(asked, "session_message", &out->message);
}

static bool read_consent(const json_t *body, struct auth_demand *out)
{
	return has_text(body, "code", "ConsentRequired") &&
	       take_list(body, "required_scopes", &out->scopes) &&
	       take_list(body, "required_scope", &out->scopes) && out->scopes.len > 0;
}

static bool read_dependent(const json_t *body, struct auth_demand *out)
{
	const json_t *first = json_array_get(json_object_get(body, "errors"), 0);

	return has_text(body, "error", "dependent_consent_required") &&
	       take_list(first, "unapproved_scopes", &out->scopes) && out->scopes.len > 0;
}

static bool read_one(const json_t *body, struct auth_demand *out)
{
	static bool (*const forms[])(const json_t *, struct auth_demand *) = {
		read_parameters, read_consent, read_dependent};

	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		*out = (struct auth_demand){0};
		if (forms[i](body, out)) {
			if (!out->message)
				(void)take_text(body, "reason", &out->message);
			return true;
		}
		auth_demand_release(out);
	}
	return false;
}

bool auth_demand_read(const json_t *body, struct auth_demand *out)
{
	const json_t *one;
	size_t i;

	if (read_one(body, out))
		return true;
	json_array_foreach (json_object_get(body, "errors"), i, one)
		if (read_one(one, out))
			return true;
	return false;
}

void auth_demand_release(struct auth_demand *demand)
{
	sl_strings_release(&demand->scopes);
	sl_strings_release(&demand->identities);
	sl_strings_release(&demand->policies);
	sl_strings_release(&demand->domains);
	free(demand->prompt);
	free(demand->message);
	*demand = (struct auth_demand){0};
}

// ---- for people ----------------------------------------------------------------------------

static void describe_list(struct sl_buf *out, const char *what, const struct sl_strings *list)
{
	if (list->len > 0)
		sl_buf_addf(out, "%s%s", out->len ? "; " : "", what);
	for (size_t i = 0; i < list->len; i++)
		sl_buf_addf(out, "%s %s", i ? "," : "", list->items[i]);
}

// To be copied into a shell: what could mean something else there is left out.
static void add_options(struct sl_buf *out, const char *name, const struct sl_strings *list)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789._:/@+-";

	for (size_t i = 0; i < list->len; i++) {
		const char *text = list->items[i];
		bool bare = text[strspn(text, plain)] == '\0';
		if (bare || (sl_text_is_ascii_printable(text) && !strpbrk(text, "'\\!")))
			sl_buf_addf(out, bare ? " --%s=%s" : " --%s='%s'", name, text);
	}
}

char *auth_demand_describe(const struct auth_demand *demand)
{
	sl_auto_buf struct sl_buf out;

	sl_buf_init(&out, SL_MIB);
	describe_list(&out, "consent to", &demand->scopes);
	describe_list(&out, "a login as one of", &demand->identities);
	describe_list(&out, "a login with an identity of", &demand->domains);
	describe_list(&out, "a login that meets the policies", &demand->policies);
	if (demand->mfa)
		sl_buf_addf(&out, "%sa second factor", out.len ? "; " : "");
	if (out.len == 0)
		sl_buf_adds(&out, "a new login");
	if (demand->message)
		sl_buf_addf(&out, " (%s)", demand->message);
	sl_buf_adds(&out, ": sealift-upload login");
	add_options(&out, "scope", &demand->scopes);
	add_options(&out, "identity", &demand->identities);
	add_options(&out, "domain", &demand->domains);
	add_options(&out, "policy", &demand->policies);
	sl_buf_adds(&out, demand->mfa ? " --mfa" : "");
	return sl_buf_steal(&out, NULL);
}
