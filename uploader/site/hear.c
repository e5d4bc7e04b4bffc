// SPDX-License-Identifier: Apache-2.0
// From what an agent and a service said to a part of the site. Both are strangers: their texts are
// checked as those of a file are.
#include "uploader/site/private.h"

#include <string.h>

static const json_t *value_of(const json_t *answer, const struct site_field *field)
{
	const json_t *from = field->outer ? json_object_get(answer, field->outer) : answer;

	return json_object_get(from, field->inner);
}

static bool hear_text(const char *key, const json_t *value, char **slot, struct sl_error *err)
{
	const char *text = json_string_value(value);

	if (!value || json_is_null(value))
		return true;
	if (!text || !site_text_is_good(text))
		return sl_fail(err, SL_E_FORMAT,
			       "'%s' must be a text of at most %d characters without control "
			       "characters",
			       key, SITE_LIMIT_TEXT);
	free(*slot);
	*slot = sl_strdup(text);
	return true;
}

static bool hear_flag(const char *key, const json_t *value, bool *slot, struct sl_error *err)
{
	if (value && !json_is_boolean(value))
		return sl_fail(err, SL_E_FORMAT, "'%s' must be true or false", key);
	*slot = json_is_true(value);
	return true;
}

static bool hear_list(const char *key, const json_t *value, struct sl_strings *out,
		      struct sl_error *err)
{
	const json_t *one;
	size_t i;

	if (value && (!json_is_array(value) || json_array_size(value) > SITE_LIMIT_LIST))
		return sl_fail(err, SL_E_FORMAT, "'%s' must be a list of at most %d texts", key,
			       SITE_LIMIT_LIST);
	json_array_foreach (value, i, one) {
		const char *text = json_string_value(one);
		if (!text || !text[0] || !site_text_is_good(text))
			return sl_fail(err, SL_E_FORMAT, "'%s' must hold texts", key);
		sl_strings_add(out, text);
	}
	return true;
}

static bool hear_host(const json_t *answer, struct site_host *host, struct sl_error *err)
{
	for (const struct site_field *field = site_texts; field->key; field++)
		if (!hear_text(field->key, value_of(answer, field), site_text_at(host, field), err))
			return false;
	for (const struct site_field *field = site_flags; field->key; field++)
		if (!hear_flag(field->key, value_of(answer, field), site_flag_at(host, field), err))
			return false;
	for (const struct site_field *field = site_lists; field->key; field++)
		if (!hear_list(field->key, value_of(answer, field), site_list_at(host, field), err))
			return false;
	return true;
}

bool site_hear_agent(struct site_part *part, const json_t *answer, struct sl_error *err)
{
	const json_t *policy = json_object_get(answer, "policy");
	const char *level = json_string_value(json_object_get(policy, "enforcement"));

	site_host_release(&part->host);
	site_host_init(&part->host);
	if (!hear_host(answer, &part->host, err))
		return sl_prefix(err, "the agent's answer to \"probe\"");
	if (!part->host.machine[0] || !part->host.python[0])
		return sl_fail(err, SL_E_FORMAT,
			       "the agent's answer to \"probe\" does not describe its host");
	part->host.enforced = level && strcmp(level, "enforced") == 0;
	part->host_known = true;
	return true;
}

bool site_hear_service(struct site_part *part, const json_t *metadata, const json_t *values,
		       struct sl_error *err)
{
	struct site_endpoint *endpoint = &part->endpoint;
	const char *template = json_string_value(json_object_get(metadata, "user_config_template"));

	site_endpoint_release(endpoint);
	site_endpoint_init(endpoint);
	if (!hear_text("name", json_object_get(metadata, "name"), &endpoint->name, err) ||
	    !hear_text("endpoint_version", json_object_get(metadata, "endpoint_version"),
		       &endpoint->version, err) ||
	    !hear_text("python_version", json_object_get(metadata, "python_version"),
		       &endpoint->python, err))
		return sl_prefix(err, "what the service says of the endpoint");
	if (template)
		endpoint->template = template[strspn(template, " \t\r\n")] ? SITE_TEMPLATE_THERE
									   : SITE_TEMPLATE_NONE;
	endpoint->values = json_incref((json_t *)(uintptr_t)values);
	part->endpoint_known = true;
	return true;
}
