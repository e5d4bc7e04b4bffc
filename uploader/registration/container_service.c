// SPDX-License-Identifier: Apache-2.0
#include "uploader/registration/container_service.h"

#include <string.h>

#define DRIVER "container-service"

static const char use_endpoint_config[] =
	"use the registration 'endpoint-config': endpoints since 3.0 take the image from "
	"user_endpoint_config and look at no container id";

const char *container_outcome_name(enum container_outcome outcome)
{
	static const char *const names[] = {
		[CONTAINER_REGISTERED] = "registered",
		[CONTAINER_REFUSED] = "refused",
		[CONTAINER_UNKNOWN] = "unknown",
		[CONTAINER_NOT_ASKED] = "not-asked",
	};
	return names[outcome];
}

void container_result_release(struct container_result *result)
{
	free(result->id);
	free(result->remedy);
	result->id = result->remedy = NULL;
}

// ---- one request ---------------------------------------------------------------------------

static void set_registered(struct container_result *out, const char *id)
{
	*out = (struct container_result){.outcome = CONTAINER_REGISTERED, .id = sl_strdup(id)};
}

static void set_unknown(struct container_result *out, const struct container *container,
			const char *why)
{
	*out = (struct container_result){.outcome = CONTAINER_UNKNOWN};
	sl_fail(&out->why, SL_E_NETWORK,
		"it is not known whether the container service has registered '%s': %s",
		container->name, why);
	out->remedy = sl_strdup("'add' the bundle again with --container-service and --again, then "
				"'sealift-upload retry': it is registered once more (an earlier "
				"registration, if there is one, stays beside the new one); or "
				"'add' it without them and use the registration 'endpoint-config'");
}

// What a status means that speaks of the route, not of this one request.
static const char *refusal_of(long status)
{
	switch (status) {
	case 404:
	case 405:
		return "the service does not have container registration any more";
	case 410:
		return "the service has taken container registration out of use";
	case 422:
		return "the service accepts no containers of this kind (type singularity)";
	default:
		return NULL;
	}
}

static void set_refused(struct container_result *out, const struct container *container,
			const struct compute_failure *failure)
{
	const char *known = refusal_of(failure->status);

	*out = (struct container_result){.outcome = CONTAINER_REFUSED};
	if (known)
		sl_fail(&out->why, failure->error.kind, "cannot register '%s': %s (HTTP %ld: %s)",
			container->name, known, failure->status, failure->error.text);
	else
		sl_fail(&out->why, failure->error.kind, "cannot register '%s': %s", container->name,
			failure->error.text);
	out->remedy = sl_strdup(!known && failure->remedy ? failure->remedy : use_endpoint_config);
}

static void set_not_asked(struct container_result *out, const struct container *container,
			  const struct compute_failure *failure)
{
	*out = (struct container_result){.outcome = CONTAINER_NOT_ASKED};
	sl_fail(&out->why, failure->error.kind, "cannot register '%s': %s", container->name,
		failure->error.text);
	out->remedy = sl_strdup(failure->remedy ? failure->remedy
						: "nothing was sent: try it again later");
}

// A status of success with an answer that is none, or one of a failure inside the service, leave it
// open whether the request was carried out.
static bool may_have_happened(const struct compute_failure *failure)
{
	return failure->unknown || (failure->status >= 200 && failure->status < 300) ||
	       failure->status >= 500;
}

static bool is_refusal(const struct compute_failure *failure)
{
	return failure->status >= 400 && failure->status != 401 && failure->status != 429;
}

void container_service_ask(struct compute *compute, const struct container *container,
			   struct container_result *out)
{
	struct compute_wait wait = {0};
	struct sl_error err = {0};

	compute_register_container(compute, container->name, container->location,
				   container->description, compute_wait_done, &wait);
	bool good = compute_wait_for(compute, &wait, &err);
	const char *id = json_string_value(json_object_get(wait.answer, "container_id"));
	if (good && id && compute_is_uuid(id))
		set_registered(out, id);
	else if (good)
		set_unknown(out, container, "its answer names no container");
	else if (!wait.over) // waiting itself failed, after the request was handed over
		set_unknown(out, container, err.text);
	else if (may_have_happened(&wait.failure))
		set_unknown(out, container, wait.failure.error.text);
	else if (is_refusal(&wait.failure))
		set_refused(out, container, &wait.failure);
	else
		set_not_asked(out, container, &wait.failure);
	compute_wait_release(&wait);
}

// ---- the ledger ----------------------------------------------------------------------------

static json_t *request_of(const struct container *container)
{
	json_t *request = json_object();

	sl_json_set_string(request, "driver", DRIVER);
	sl_json_set_string(request, "name", container->name);
	sl_json_set_string(request, "location", container->location);
	return request;
}

static json_t *answer_of(const struct container_result *result)
{
	json_t *answer = json_object();

	sl_json_set_string(answer, "outcome", container_outcome_name(result->outcome));
	if (result->id)
		sl_json_set_string(answer, "container_id", result->id);
	else
		sl_json_set_string(answer, "error", result->why.text);
	return answer;
}

static bool text_is(const json_t *object, const char *key, const char *wanted)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text && strcmp(text, wanted) == 0;
}

static bool is_about(const json_t *effect, const struct container *container)
{
	const json_t *request = json_object_get(effect, "request");

	return text_is(effect, "kind", "register") && text_is(request, "driver", DRIVER) &&
	       text_is(request, "name", container->name) &&
	       text_is(request, "location", container->location);
}

// An effect without an answer: whoever tried it has ended before it came.
static bool is_open(const json_t *effect)
{
	return !json_object_get(effect, "answer");
}

bool container_service_recall(const json_t *effects, const struct container *container,
			      struct container_result *out)
{
	const json_t *effect;
	const char *id = NULL;
	bool unknown = false;
	size_t i;

	json_array_foreach (effects, i, effect) {
		const json_t *answer = json_object_get(effect, "answer");
		if (!is_about(effect, container))
			continue;
		if (text_is(answer, "outcome", "registered"))
			id = json_string_value(json_object_get(answer, "container_id"));
		unknown = unknown || is_open(effect) || text_is(answer, "outcome", "unknown");
	}
	if (id)
		set_registered(out, id);
	else if (unknown)
		set_unknown(out, container, "the answer to an earlier request was lost");
	return id || unknown;
}

static char *compact(json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);

	json_decref(value);
	return text;
}

// What a person allowed is for one request, and spent before it is sent: were we killed then, the
// next try would not know of it. What was not asked has not used it.
static bool spend(struct ledger *ledger, int64_t number, bool again, struct sl_error *err)
{
	return !again || ledger_allow_again(ledger, number, false, err);
}

static bool give_back(struct ledger *ledger, int64_t number, bool again,
		      const struct container_result *result, struct sl_error *err)
{
	return !again || result->outcome != CONTAINER_NOT_ASKED ||
	       ledger_allow_again(ledger, number, true, err);
}

bool container_service_register(struct ledger *ledger, int64_t number, struct compute *compute,
				const struct container *container, bool again,
				struct container_result *out, struct sl_error *err)
{
	sl_auto_json json_t *effects = NULL;
	int64_t effect;

	*out = (struct container_result){0};
	if (!ledger_effects_of_bundle(ledger, number, &effects, err))
		return false;
	if (container_service_recall(effects, container, out)) {
		if (out->outcome == CONTAINER_REGISTERED || !again)
			return true;
		container_result_release(out);
	}
	sl_auto_free char *request = compact(request_of(container));
	if (!spend(ledger, number, again, err) ||
	    !ledger_effect_begin(ledger, number, "register", request, &effect, err))
		return false;
	container_service_ask(compute, container, out);
	sl_auto_free char *answer = compact(answer_of(out));
	return ledger_effect_end(ledger, effect, out->outcome == CONTAINER_REGISTERED, answer,
				 err) &&
	       give_back(ledger, number, again, out, err);
}

// ---- for people ----------------------------------------------------------------------------

static const char readme_registered[] =
	"## The container service\n"
	"\n"
	"The image is registered there as `%s`. Only endpoints before 3.0 look at that id, and "
	"the\n"
	"SDK that goes with them:\n"
	"\n"
	"    from globus_compute_sdk import Executor\n"
	"\n"
	"    with Executor(endpoint_id=\"…\", container_id=\"%s\") as executor:\n"
	"        print(executor.submit(function, argument).result())\n"
	"\n"
	"Such an endpoint runs the function without any container, and says nothing, when the "
	"image\n"
	"is not where it was registered.\n";

void container_service_describe(const struct container_result *result, struct sl_buf *out)
{
	if (result->outcome == CONTAINER_REGISTERED) {
		sl_buf_addf(out, readme_registered, result->id, result->id);
		return;
	}
	sl_buf_adds(out, "## The container service\n\n");
	sl_text_tame(out, result->why.text);
	sl_buf_adds(out, ".\nWhat would help: ");
	sl_text_tame(out, result->remedy);
	sl_buf_adds(out, ".\n");
}
