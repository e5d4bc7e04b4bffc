// SPDX-License-Identifier: Apache-2.0
// Reading a site file: it came on a disk, through other hands.
#include "uploader/site/private.h"

#include <string.h>

static void take_text(struct sl_obj *obj, const char *key, char **slot)
{
	const char *text = sl_obj_string_opt(obj, key);

	if (!text)
		return;
	if (!text[0] || !site_text_is_good(text)) {
		sl_obj_fail(obj, key, "1 to %d characters without control characters are needed",
			    SITE_LIMIT_TEXT);
		return;
	}
	free(*slot);
	*slot = sl_strdup(text);
}

static void take_list(struct sl_obj *obj, const char *key, struct sl_strings *out)
{
	const json_t *list = sl_obj_array(obj, key, SITE_LIMIT_LIST), *one;
	size_t i;

	json_array_foreach (list, i, one) {
		const char *text = json_string_value(one);
		if (!text || !text[0] || !site_text_is_good(text)) {
			sl_obj_fail(obj, key, "texts without control characters are needed here");
			return;
		}
		sl_strings_add(out, text);
	}
}

static bool read_host(json_t *json, const char *path, struct site_host *host, struct sl_error *err)
{
	struct sl_obj obj;

	sl_obj_init(&obj, json, SL_E_INPUT, err, "%s.host", path);
	for (const struct site_field *field = site_texts; field->key; field++)
		take_text(&obj, field->key, site_text_at(host, field));
	for (const struct site_field *field = site_flags; field->key; field++)
		*site_flag_at(host, field) = sl_obj_bool(&obj, field->key);
	for (const struct site_field *field = site_lists; field->key; field++)
		take_list(&obj, field->key, site_list_at(host, field));
	host->enforced = sl_obj_bool(&obj, "enforced");
	return sl_obj_done(&obj);
}

static bool read_endpoint(json_t *json, const char *path, struct site_endpoint *endpoint,
			  struct sl_error *err)
{
	struct sl_obj obj;

	sl_obj_init(&obj, json, SL_E_INPUT, err, "%s.endpoint", path);
	take_text(&obj, "name", &endpoint->name);
	take_text(&obj, "version", &endpoint->version);
	take_text(&obj, "python", &endpoint->python);
	if (sl_obj_has(&obj, "template"))
		endpoint->template =
			sl_obj_bool(&obj, "template") ? SITE_TEMPLATE_THERE : SITE_TEMPLATE_NONE;
	if (sl_obj_has(&obj, "user_endpoint_config"))
		endpoint->values = json_incref(sl_obj_object(&obj, "user_endpoint_config"));
	return sl_obj_done(&obj);
}

static bool is_uuid(const char *text)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if (strlen(text) != strlen(form))
		return false;
	for (size_t i = 0; form[i]; i++)
		if (form[i] == '-' ? text[i] != '-' : !strchr("0123456789abcdef", text[i]))
			return false;
	return true;
}

static bool read_part(struct sl_obj *site, const char *key, struct site_part *part,
		      struct sl_error *err)
{
	json_t *json = sl_obj_object(site, key);
	struct sl_obj obj;

	if (!json)
		return false;
	sl_obj_init(&obj, json, SL_E_INPUT, err, "%s", key);
	const char *id = sl_obj_string(&obj, "id");
	part->host_known = sl_obj_has(&obj, "host");
	part->endpoint_known = sl_obj_has(&obj, "endpoint");
	if (!obj.failed && strcmp(id, "local") != 0 && !is_uuid(id))
		sl_obj_fail(&obj, "id", "'local' or a UUID in lower case is needed here");
	if (!part->host_known && !part->endpoint_known)
		sl_obj_fail(&obj, "host", "missing, and so is endpoint");
	json_t *host = part->host_known ? sl_obj_object(&obj, "host") : NULL;
	json_t *endpoint = part->endpoint_known ? sl_obj_object(&obj, "endpoint") : NULL;
	if (!sl_obj_done(&obj))
		return false;
	part->id = sl_strdup(id);
	site_host_init(&part->host);
	site_endpoint_init(&part->endpoint);
	return (!host || read_host(host, key, &part->host, err)) &&
	       (!endpoint || read_endpoint(endpoint, key, &part->endpoint, err));
}

static void read_store(struct sl_obj *obj, enum site_store *out)
{
	const char *word = sl_obj_string(obj, "store");

	for (int i = 0; i <= SITE_STORE_NOT_SHARED; i++)
		if (strcmp(word, site_store_name((enum site_store)i)) == 0) {
			*out = (enum site_store)i;
			return;
		}
	sl_obj_fail(obj, "store", "'shared', 'not-shared' or 'not-checked' is needed here");
}

static bool read_site(json_t *json, struct site *out, struct sl_error *err)
{
	struct sl_obj obj;

	sl_obj_init(&obj, json, SL_E_INPUT, err, "%s", "");
	if (sl_obj_uint(&obj, "sealift_site_file", 1) != 1)
		sl_obj_fail(&obj, "sealift_site_file", "1 is needed here");
	if (!sl_time_parse(sl_obj_string(&obj, "probed"), &out->probed))
		sl_obj_fail(&obj, "probed", "a time like 2026-11-22T13:26:02Z is needed here");
	bool builder = sl_obj_has(&obj, "builder"), runner = sl_obj_has(&obj, "runner");
	if (!builder && !runner)
		sl_obj_fail(&obj, "builder", "missing, and so is runner");
	if (builder && runner)
		read_store(&obj, &out->store);
	if (obj.failed || (builder && !read_part(&obj, "builder", &out->builder, err)) ||
	    (runner && !read_part(&obj, "runner", &out->runner, err)))
		return false;
	return sl_obj_done(&obj);
}

bool site_parse(const char *text, size_t len, const char *name, struct site *out,
		struct sl_error *err)
{
	*out = (struct site){0};
	if (len > SITE_LIMIT_FILE)
		return sl_fail(err, SL_E_LIMIT, "site file '%s': larger than %llu bytes", name,
			       SITE_LIMIT_FILE);
	sl_auto_json json_t *json = sl_json_load(text, len, name, err);
	if (json && read_site(json, out, err))
		return true;
	if (err->kind == SL_E_FORMAT)
		err->kind = SL_E_INPUT; // a person can have edited it
	return json ? sl_prefix(err, "site file '%s'", name) : false;
}

bool site_load(const char *path, struct site *out, struct sl_error *err)
{
	sl_auto_buf struct sl_buf text;

	*out = (struct site){0};
	sl_buf_init(&text, SITE_LIMIT_FILE + 1);
	return sl_read_file(path, &text, err) && site_parse(text.data, text.len, path, out, err);
}
