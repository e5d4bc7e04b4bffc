// SPDX-License-Identifier: Apache-2.0
// Getting to know an endpoint: what its workers can read, whether it is there, and under which id
// it runs the agent. Nothing is asked before the first errand; what is refused is told to all
// errands, and asked again for the next.
#include "uploader/compute/schema_subset.h"
#include "uploader/transport/agent_source.h"
#include "uploader/transport/globus.h"

#include <string.h>

void globus_give_up(struct globus *globus, const struct sl_error *why, const char *remedy)
{
	globus->stage = GLOBUS_IDLE;
	globus_conclude_all(globus, why, remedy);
}

// ---- status --------------------------------------------------------------------------------

static void take_status(struct globus *globus, const json_t *answer)
{
	const char *status = json_string_value(json_object_get(answer, "status"));

	globus->status_known = status != NULL;
	globus->online = !status || strcmp(status, "offline") != 0;
}

static void status_done(void *context, const json_t *answer, const struct compute_failure *failure)
{
	struct globus *globus = context;

	(void)failure;
	globus->asking_status = false;
	take_status(globus, answer);
}

void globus_ask_status(struct globus *globus, int64_t now)
{
	if (globus->asking_status)
		return;
	globus->asking_status = true;
	globus->status_asked = now;
	compute_status(globus->compute, globus->endpoint, status_done, globus);
}

// ---- the function --------------------------------------------------------------------------

static void take_function(struct globus *globus, const char *id)
{
	free(globus->function);
	globus->function = sl_strdup(id);
	globus->stage = GLOBUS_READY;
}

static struct ledger_function our_function(const struct globus *globus)
{
	return (struct ledger_function){
		.service = globus->service,
		.agent = sl_sha256_bytes(agent_source, agent_source_len),
		.wire = wire_serde_identifier(globus->set),
		.release = SEALIFT_VERSION,
	};
}

void globus_keep_function(struct globus *globus, const char *id)
{
	struct ledger_function function = our_function(globus);

	if (ledger_function_add(globus->ledger, &function, id, &globus->trouble))
		take_function(globus, id);
}

static void register_done(void *context, const json_t *answer,
			  const struct compute_failure *failure)
{
	struct globus *globus = context;
	const char *id = json_string_value(json_object_get(answer, "function_uuid"));

	if (failure || !id) {
		struct sl_error why = {0};
		if (failure)
			why = failure->error;
		else
			sl_fail(&why, SL_E_FORMAT, "the service's answer names no function");
		sl_prefix(&why, "cannot register the agent");
		globus_give_up(globus, &why, failure ? failure->remedy : NULL);
		return;
	}
	globus_keep_function(globus, id);
}

static void register_function(struct globus *globus)
{
	sl_auto_buf struct sl_buf code;
	struct sl_error why = {0};

	sl_buf_init(&code, WIRE_LIMIT_SUBMIT);
	if (!wire_function(globus->set, "sealift_agent", (const char *)agent_source,
			   agent_source_len, &code, &why) ||
	    !sl_buf_ok(&code, "the agent", &why)) {
		globus_give_up(globus, &why, NULL);
		return;
	}
	struct compute_function function = {
		.name = "sealift_agent",
		.code = code.data,
		.description = "sealift " SEALIFT_VERSION ", endpoint agent",
		.serde_identifier = wire_serde_identifier(globus->set),
	};
	compute_register(globus->compute, &function, register_done, globus);
}

static void name_given(struct globus *globus)
{
	struct sl_error why = {0};

	if (!compute_is_uuid(globus->given_function)) {
		sl_auto_free char *shown = sl_text_shown(globus->given_function);
		sl_fail(&why, SL_E_INPUT,
			"'function' of the builder configuration is no id of a function: '%s'",
			shown);
		globus_give_up(globus, &why, NULL);
	} else if (globus_allows(globus, globus->given_function)) {
		take_function(globus, globus->given_function);
	} else {
		globus_refuse_restricted(globus);
	}
}

void globus_name_function(struct globus *globus)
{
	sl_auto_free char *id = NULL;
	struct ledger_function function = our_function(globus);

	globus->stage = GLOBUS_NAMING;
	if (globus->given_function) {
		name_given(globus);
		return;
	}
	if (!ledger_function_find(globus->ledger, &function, &id, &globus->trouble))
		return;
	if (id && globus_allows(globus, id))
		take_function(globus, id);
	else if (globus->restricted)
		globus_look_for_agent(globus);
	else
		register_function(globus);
}

// ---- the first questions -------------------------------------------------------------------

static void one_answered(struct globus *globus)
{
	if (--globus->asked > 0)
		return;
	if (globus->refused.kind != SL_E_NONE)
		globus_give_up(globus, &globus->refused, globus->refused_remedy);
	else
		globus_name_function(globus);
}

// What the endpoint's own schema certainly refuses is not sent: starting a user endpoint with it
// would fail, after a long time.
static void check_config(struct globus *globus, const json_t *schema)
{
	sl_auto_free char *clause = NULL;

	if (!globus->endpoint_config || !json_is_object(schema) ||
	    schema_check(schema, globus->endpoint_config, &clause) != SCHEMA_REFUSES)
		return;
	sl_auto_free char *shown = sl_text_shown(clause);
	sl_fail(&globus->refused, SL_E_INPUT,
		"endpoint %s does not accept the 'user_endpoint_config' of the builder "
		"configuration: %s",
		globus->endpoint, shown);
	globus->refused_remedy = sl_strdup(
		"correct 'user_endpoint_config' by the endpoint's schema ('sealift-upload probe' "
		"and whoever runs it know it); the bundle stays queued, and 'sealift-upload run' "
		"goes on from here");
}

// ---- the form ------------------------------------------------------------------------------

static struct ledger_form our_form(const struct globus *globus)
{
	return (struct ledger_form){globus->service, globus->endpoint, globus->version};
}

// What the version promises, unless an earlier process has found out that it does not hold. What
// this one has found out stays, until the version is another one.
static void choose_form(struct globus *globus, const char *version)
{
	sl_auto_free char *wire = NULL;

	if (globus->version && strcmp(globus->version, version ? version : "") == 0)
		return;
	free(globus->version);
	globus->version = sl_strdup(version ? version : "");
	globus->switched = globus->kept = false;
	globus->set = wire_choose(globus->version);
	struct ledger_form form = our_form(globus);
	if (!ledger_form_find(globus->ledger, &form, &wire, &globus->trouble) || !wire)
		return;
	if (strcmp(wire, wire_serde_identifier(globus->set)) != 0)
		globus->set = wire_other(globus->set);
}

void globus_form_was_read(struct globus *globus, enum wire_set set)
{
	struct ledger_form form = our_form(globus);

	// A task that was sent before the switch says nothing about it.
	if (!globus->switched || globus->kept || set != globus->set)
		return;
	globus->kept = ledger_form_keep(
		globus->ledger, &form,
		set == wire_choose(form.version) ? NULL : wire_serde_identifier(set),
		&globus->trouble);
}

static void endpoint_done(void *context, const json_t *answer,
			  const struct compute_failure *failure)
{
	struct globus *globus = context;

	if (failure) {
		globus->refused = failure->error;
		globus->refused_remedy = failure->remedy ? sl_strdup(failure->remedy) : NULL;
	} else {
		choose_form(globus, json_string_value(json_object_get(answer, "endpoint_version")));
		check_config(globus, json_object_get(answer, "user_config_schema"));
	}
	one_answered(globus);
}

// A service that does not know the question, or an endpoint whose list is not ours to see: what is
// not allowed will be refused when it is sent.
static void allowed_done(void *context, const json_t *answer, const struct compute_failure *failure)
{
	struct globus *globus = context;
	json_t *item;
	size_t i;

	(void)failure;
	sl_strings_release(&globus->allowed);
	globus->restricted = json_is_true(json_object_get(answer, "restricted"));
	json_array_foreach (json_object_get(answer, "functions"), i, item)
		if (json_is_string(item))
			sl_strings_add(&globus->allowed, json_string_value(item));
	one_answered(globus);
}

static void first_status_done(void *context, const json_t *answer,
			      const struct compute_failure *failure)
{
	struct globus *globus = context;

	(void)failure;
	take_status(globus, answer);
	one_answered(globus);
}

// Those that are concluded are only waiting to be told.
static bool somebody_asks(const struct globus *globus)
{
	for (size_t i = 0; i < globus->letters.len; i++)
		if (!globus->letters.items[i]->concluded)
			return true;
	return false;
}

void globus_open_step(struct globus *globus)
{
	if (globus->stage != GLOBUS_IDLE || !somebody_asks(globus))
		return;
	globus->stage = GLOBUS_ASKING;
	globus->asked = 3;
	sl_error_clear(&globus->refused);
	free(sl_take(globus->refused_remedy));
	globus->status_asked = globus_clock_ms();
	compute_endpoint(globus->compute, globus->endpoint, endpoint_done, globus);
	compute_status(globus->compute, globus->endpoint, first_status_done, globus);
	compute_allowed(globus->compute, globus->endpoint, allowed_done, globus);
}
