// SPDX-License-Identifier: Apache-2.0
#include "uploader/registration/agent_function.h"

#include "uploader/transport/agent_source.h"

#define NAME "sealift_agent"

static const enum wire_set forms[AGENT_FORMS] = {WIRE_MODERN, WIRE_UNIVERSAL};

void agent_functions_release(struct agent_functions *functions)
{
	for (size_t i = 0; i < AGENT_FORMS; i++) {
		free(functions->items[i].id);
		free(functions->items[i].remedy);
		functions->items[i].id = functions->items[i].remedy = NULL;
	}
}

static char *describe(const struct sl_digest *agent)
{
	char hex[SL_DIGEST_HEX + 1];

	sl_digest_hex(agent, hex);
	return sl_format("sealift %s, agent with sha256 %s", SEALIFT_VERSION, hex);
}

// Queues the registration of one form; its answer comes into `wait`.
static bool start(struct compute *compute, enum wire_set set, const char *description,
		  struct compute_wait *wait, struct sl_error *err)
{
	sl_auto_buf struct sl_buf code;

	sl_buf_init(&code, WIRE_LIMIT_SUBMIT);
	if (!wire_function(set, NAME, (const char *)agent_source, agent_source_len, &code, err))
		return false;
	struct compute_function function = {
		.name = NAME,
		.code = code.data,
		.description = description,
		.serde_identifier = wire_serde_identifier(set),
		.open_to_all = true,
	};
	compute_register(compute, &function, compute_wait_done, wait);
	return true;
}

static void finish(struct compute *compute, struct compute_wait *wait, struct agent_function *out)
{
	if (!compute_wait_for(compute, wait, &out->why)) {
		out->remedy = wait->failure.remedy ? sl_strdup(wait->failure.remedy) : NULL;
		return;
	}
	const char *id = json_string_value(json_object_get(wait->answer, "function_uuid"));
	if (id && compute_is_uuid(id))
		out->id = sl_strdup(id);
	else
		sl_fail(&out->why, SL_E_FORMAT, "the service's answer names no function");
}

static bool check_both(const struct agent_functions *functions, struct sl_error *err)
{
	for (size_t i = 0; i < AGENT_FORMS; i++) {
		const struct agent_function *one = &functions->items[i];
		if (!one->id)
			return sl_fail(err, one->why.kind,
				       "cannot register the agent in the form '%s': %s%s%s",
				       wire_serde_identifier(one->set), one->why.text,
				       one->remedy ? "; " : "", one->remedy ? one->remedy : "");
	}
	return true;
}

bool agent_functions_register(struct compute *compute, struct agent_functions *out,
			      struct sl_error *err)
{
	struct compute_wait waits[AGENT_FORMS] = {0};

	*out = (struct agent_functions){.agent = sl_sha256_bytes(agent_source, agent_source_len)};
	sl_auto_free char *description = describe(&out->agent);
	for (size_t i = 0; i < AGENT_FORMS; i++) {
		struct agent_function *one = &out->items[i];
		one->set = forms[i];
		if (start(compute, one->set, description, &waits[i], &one->why))
			finish(compute, &waits[i], one);
		compute_wait_release(&waits[i]);
	}
	return check_both(out, err);
}

// ---- for people ----------------------------------------------------------------------------

static const char *who_reads(enum wire_set set)
{
	return set == WIRE_MODERN ? "for endpoints since 3.6" : "for every endpoint";
}

void agent_functions_yaml(const struct agent_functions *functions, struct sl_buf *out)
{
	sl_auto_free char *description = describe(&functions->agent);

	sl_buf_addf(out, "# %s\nallowed_functions:\n", description);
	for (size_t i = 0; i < AGENT_FORMS; i++) {
		const struct agent_function *one = &functions->items[i];
		if (one->id)
			sl_buf_addf(out, "  - %s  # form %s, %s\n", one->id,
				    wire_serde_identifier(one->set), who_reads(one->set));
	}
}

json_t *agent_functions_json(const struct agent_functions *functions)
{
	json_t *value = json_object();
	json_t *list = json_array();

	sl_json_set_string(value, "release", SEALIFT_VERSION);
	sl_json_set_digest(value, "sha256", &functions->agent);
	for (size_t i = 0; i < AGENT_FORMS; i++) {
		const struct agent_function *one = &functions->items[i];
		if (!one->id)
			continue;
		json_t *object = json_object();
		sl_json_set_string(object, "form", wire_serde_identifier(one->set));
		sl_json_set_string(object, "id", one->id);
		sl_json_append(list, object);
	}
	sl_json_set(value, "functions", list);
	return value;
}
