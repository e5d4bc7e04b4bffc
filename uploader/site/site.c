// SPDX-License-Identifier: Apache-2.0
#include "uploader/site/private.h"

#include <string.h>

#define AT(member) offsetof(struct site_host, member)

const struct site_field site_texts[] = {
	{"apptainer", AT(apptainer), NULL, "apptainer"},
	{"apptainer_version", AT(apptainer_version), NULL, "apptainer_version"},
	{"glibc", AT(glibc), NULL, "glibc"},
	{"kernel", AT(kernel), NULL, "kernel"},
	{"machine", AT(machine), NULL, "machine"},
	{"name", AT(name), NULL, "host"},
	{"parsl", AT(parsl), "packages", "parsl"},
	{"policy", AT(policy), "policy", "path"},
	{"python", AT(python), NULL, "python"},
	{"sdk", AT(sdk), "packages", "globus-compute-sdk"},
	{"store", AT(store), "store", "path"},
	{"store_kind", AT(store_kind), "store", "kind"},
	{"worker", AT(worker), "packages", "globus-compute-endpoint"},
	{NULL, 0, NULL, NULL},
};

const struct site_field site_flags[] = {
	{"module_system", AT(module_system), "modules", "system"},
	{"setuid_starter", AT(setuid_starter), NULL, "setuid_starter"},
	{"subids", AT(subids), NULL, "subids"},
	{"user_namespaces", AT(user_namespaces), NULL, "user_namespaces"},
	{"zstd_writes", AT(zstd_writes), "zstd", "writes"},
	{NULL, 0, NULL, NULL},
};

const struct site_field site_lists[] = {
	{"modules", AT(modules), "modules", "loaded"},
	{"proxies", AT(proxies), NULL, "proxies"},
	{"zstd_readers", AT(zstd_readers), "zstd", "readers"},
	{NULL, 0, NULL, NULL},
};

char **site_text_at(struct site_host *host, const struct site_field *field)
{
	return (char **)(void *)((char *)host + field->offset);
}

bool *site_flag_at(struct site_host *host, const struct site_field *field)
{
	return (bool *)((char *)host + field->offset);
}

struct sl_strings *site_list_at(struct site_host *host, const struct site_field *field)
{
	return (struct sl_strings *)(void *)((char *)host + field->offset);
}

bool site_text_is_good(const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return false;
	return len <= SITE_LIMIT_TEXT;
}

const char *site_store_name(enum site_store store)
{
	static const char *const names[] = {
		[SITE_STORE_NOT_CHECKED] = "not-checked",
		[SITE_STORE_SHARED] = "shared",
		[SITE_STORE_NOT_SHARED] = "not-shared",
	};
	return names[store];
}

bool site_reads_zstd(const struct site_host *host)
{
	return host->zstd_readers.len > 0;
}

// ---- life ----------------------------------------------------------------------------------

void site_host_init(struct site_host *host)
{
	*host = (struct site_host){0};
	for (const struct site_field *field = site_texts; field->key; field++)
		*site_text_at(host, field) = sl_strdup("");
}

void site_host_release(struct site_host *host)
{
	for (const struct site_field *field = site_texts; field->key; field++)
		free(*site_text_at(host, field));
	for (const struct site_field *field = site_lists; field->key; field++)
		sl_strings_release(site_list_at(host, field));
	*host = (struct site_host){0};
}

void site_endpoint_init(struct site_endpoint *endpoint)
{
	*endpoint = (struct site_endpoint){
		.name = sl_strdup(""), .version = sl_strdup(""), .python = sl_strdup("")};
}

void site_endpoint_release(struct site_endpoint *endpoint)
{
	free(endpoint->name);
	free(endpoint->version);
	free(endpoint->python);
	json_decref(endpoint->values);
	*endpoint = (struct site_endpoint){0};
}

static void release_part(struct site_part *part)
{
	free(part->id);
	site_host_release(&part->host);
	site_endpoint_release(&part->endpoint);
	*part = (struct site_part){0};
}

void site_release(struct site *site)
{
	release_part(&site->builder);
	release_part(&site->runner);
}

// ---- writing -------------------------------------------------------------------------------

static void set_text(json_t *object, const char *key, const char *text)
{
	if (text[0])
		sl_json_set_string(object, key, text);
}

static json_t *list_to_json(const struct sl_strings *list)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->len; i++)
		sl_json_append(array, json_string(list->items[i]));
	return array;
}

static json_t *host_to_json(const struct site_host *const_host)
{
	struct site_host *host = (struct site_host *)(uintptr_t)const_host;
	json_t *object = json_object();

	for (const struct site_field *field = site_texts; field->key; field++)
		set_text(object, field->key, *site_text_at(host, field));
	for (const struct site_field *field = site_flags; field->key; field++)
		sl_json_set_bool(object, field->key, *site_flag_at(host, field));
	for (const struct site_field *field = site_lists; field->key; field++)
		sl_json_set(object, field->key, list_to_json(site_list_at(host, field)));
	sl_json_set_bool(object, "enforced", host->enforced);
	return object;
}

static json_t *endpoint_to_json(const struct site_endpoint *endpoint)
{
	json_t *object = json_object();

	set_text(object, "name", endpoint->name);
	set_text(object, "version", endpoint->version);
	set_text(object, "python", endpoint->python);
	if (endpoint->template != SITE_TEMPLATE_UNKNOWN)
		sl_json_set_bool(object, "template", endpoint->template == SITE_TEMPLATE_THERE);
	if (endpoint->values)
		sl_json_set(object, "user_endpoint_config", json_incref(endpoint->values));
	return object;
}

static void add_part(json_t *object, const char *key, const struct site_part *part)
{
	if (!part->id)
		return;
	json_t *value = json_object();
	sl_json_set_string(value, "id", part->id);
	if (part->endpoint_known)
		sl_json_set(value, "endpoint", endpoint_to_json(&part->endpoint));
	if (part->host_known)
		sl_json_set(value, "host", host_to_json(&part->host));
	sl_json_set(object, key, value);
}

json_t *site_to_json(const struct site *site)
{
	json_t *object = json_object();
	char probed[21];

	sl_time_format(site->probed, probed);
	sl_json_set_uint(object, "sealift_site_file", 1);
	sl_json_set_string(object, "probed", probed);
	add_part(object, "builder", &site->builder);
	add_part(object, "runner", &site->runner);
	if (site->builder.id && site->runner.id)
		sl_json_set_string(object, "store", site_store_name(site->store));
	return object;
}

bool site_format(const struct site *site, struct sl_buf *out, struct sl_error *err)
{
	sl_auto_json json_t *value = site_to_json(site);
	sl_auto_free char *text =
		json_dumps(value, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_ENSURE_ASCII);

	sl_buf_addf(out, "%s\n", text);
	if (out->len > SITE_LIMIT_FILE)
		return sl_fail(err, SL_E_LIMIT, "the site file would be larger than %llu bytes",
			       SITE_LIMIT_FILE);
	return sl_buf_ok(out, "the site file", err);
}

// What passes through here can be read again: values of a configuration file may be nested deeper
// than a site file that holds them.
static bool can_be_read(const struct sl_buf *text, const char *path, struct sl_error *err)
{
	auto_site struct site again = {0};

	return site_parse(text->data, text->len, path, &again, err);
}

bool site_save(const struct site *site, const char *path, struct sl_error *err)
{
	sl_auto_buf struct sl_buf text;

	sl_buf_init(&text, 2 * SITE_LIMIT_FILE);
	return site_format(site, &text, err) && can_be_read(&text, path, err) &&
	       sl_store_file(path, text.data, text.len, 0644, SL_OUTPUT_REPLACE, err);
}
