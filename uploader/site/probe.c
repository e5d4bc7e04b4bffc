// SPDX-License-Identifier: Apache-2.0
// 1. Errands to both agents and questions to the service are under way at the same time.
// 2. The store: a piece of an object that will never be whole is put on the builder, and asked for
//    on the runner. A piece is forgotten by itself (specs/agent.md), so nothing is left behind.
#include "uploader/site/probe.h"
#include "uploader/registration/builder_template.h"

#include "uploader/compute/compute.h"
#include "uploader/transport/drop.h"

#include <ctype.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define STORE_LOOKS 3 // a network file system may show a new file a little later
#define STEP_MS	    100

// One side of a probe while it is asked.
struct side {
	const char *word; // "builder", "runner"
	const struct probe_place *place;
	struct post *post;
	struct site_part *part;
	struct probe_heard *heard;
	bool waits_agent, waits_service;
};

void probe_release(struct probe *probe)
{
	struct probe_heard *heard[] = {&probe->builder, &probe->runner};

	for (size_t i = 0; i < 2; i++) {
		free(heard[i]->agent_remedy);
		free(heard[i]->service_remedy);
		sl_strings_release(&heard[i]->obstacles);
	}
	sl_strings_release(&probe->gaps);
	site_release(&probe->site);
}

static json_t *request_of(const char *op)
{
	json_t *request = json_object();

	sl_json_set_string(request, "op", op);
	return request;
}

static bool start_errand(struct post *post, json_t *request, errand_heard *heard, void *context,
			 struct sl_error *err)
{
	struct errand errand = {.request = request, .heard = heard, .context = context};
	bool good = post_start(post, &errand, err);

	json_decref(request);
	return good;
}

static bool await_answer(struct postman *postman, const bool *waits, struct sl_error *err)
{
	postman_hurry(postman);
	while (*waits)
		if (!postman_step(postman, STEP_MS, err))
			return false;
	return true;
}

// ---- hosts and endpoints -------------------------------------------------------------------

static void note_obstacles(const json_t *answer, struct sl_strings *out)
{
	const json_t *one;
	size_t i;

	json_array_foreach (json_object_get(answer, "obstacles"), i, one) {
		const char *message = json_string_value(json_object_get(one, "message"));
		const char *hint = json_string_value(json_object_get(one, "hint"));
		if (!message || out->len >= SITE_LIMIT_LIST)
			continue;
		sl_auto_free char *text =
			sl_format("%s%s%s", message, hint && hint[0] ? ": " : "", hint ? hint : "");
		sl_strings_add(out, text);
	}
}

static void hear_agent(void *context, const json_t *answer, const struct sl_error *why,
		       const char *remedy)
{
	struct side *side = context;

	side->waits_agent = false;
	if (why) {
		side->heard->agent = *why;
		side->heard->agent_remedy = remedy ? sl_strdup(remedy) : NULL;
	} else if (!site_hear_agent(side->part, answer, &side->heard->agent)) {
		side->part->host_known = false;
	} else {
		note_obstacles(answer, &side->heard->obstacles);
	}
}

static void hear_service(void *context, const json_t *answer, const struct compute_failure *failure)
{
	struct side *side = context;
	const json_t *values = post_config(side->post)->user_endpoint_config;

	side->waits_service = false;
	if (failure) {
		side->heard->service = failure->error;
		side->heard->service_remedy = failure->remedy ? sl_strdup(failure->remedy) : NULL;
	} else if (!site_hear_service(side->part, answer, values, &side->heard->service)) {
		side->part->endpoint_known = false;
	} else {
		side->heard->ours = builder_files_are_ours(
			json_string_value(json_object_get(answer, "user_config_template")),
			json_object_get(answer, "user_config_schema"));
	}
}

static char *lower(const char *text)
{
	char *copy = sl_strdup(text);

	for (char *at = copy; *at; at++)
		*at = (char)tolower((unsigned char)*at);
	return copy;
}

static bool start_side(struct postman *postman, struct side *side, struct sl_error *err)
{
	struct compute *compute = NULL;

	if (!side->place || !side->place->id)
		return true;
	if (!postman_find(postman, side->place->id, side->place->config, &side->post, err))
		return sl_prefix(err, "cannot ask the %s", side->word);
	side->part->id = lower(side->place->id);
	side->waits_agent = true;
	if (!start_errand(side->post, request_of("probe"), hear_agent, side, err))
		return false;
	if (post_is_local(side->post))
		return true;
	if (!postman_compute(postman, &compute, err))
		return false;
	side->waits_service = true;
	compute_endpoint(compute, side->place->id, hear_service, side);
	return true;
}

static bool waits(const struct side *sides)
{
	return sides[0].waits_agent || sides[0].waits_service || sides[1].waits_agent ||
	       sides[1].waits_service;
}

// A part of which nothing is known cannot be written.
static bool check_heard(const struct side *side, struct sl_error *err)
{
	const struct probe_heard *heard = side->heard;

	if (!side->post || side->part->host_known || side->part->endpoint_known)
		return true;
	const struct sl_error *why =
		heard->service.kind != SL_E_NONE ? &heard->service : &heard->agent;
	const char *remedy =
		heard->service.kind != SL_E_NONE ? heard->service_remedy : heard->agent_remedy;
	return sl_fail(err, why->kind, "the %s '%s' told nothing about itself: %s%s%s", side->word,
		       side->part->id, why->text, remedy ? "; " : "", remedy ? remedy : "");
}

// ---- the store -----------------------------------------------------------------------------

struct store_check {
	bool waits, shared;
	struct sl_error why;
	char digest[SL_DIGEST_HEX + 1];
};

static bool make_digest(char out[SL_DIGEST_HEX + 1], struct sl_error *err)
{
	struct sl_digest digest;

	if (getrandom(&digest, sizeof digest, 0) != (ssize_t)sizeof digest)
		return sl_fail_errno(err, "cannot get random bytes");
	sl_digest_hex(&digest, out);
	return true;
}

// {"op":…,"objects":[{"sha256":…,"size":…}]}
static json_t *store_request(const char *op, const char *digest, uint64_t size, json_t **entry_out)
{
	json_t *request = request_of(op);
	json_t *list = json_array();

	*entry_out = json_object();
	sl_json_set_string(*entry_out, "sha256", digest);
	sl_json_set_uint(*entry_out, "size", size);
	sl_json_append(list, *entry_out);
	sl_json_set(request, "objects", list);
	return request;
}

static json_t *put_request(const char *digest)
{
	json_t *entry;
	json_t *request = store_request("put", digest, 1, &entry);

	sl_json_set_string(entry, "data", "Lg==");
	sl_json_set_uint(entry, "offset", 0);
	sl_json_set_uint(entry, "total", 2);
	return request;
}

static json_t *have_request(const char *digest)
{
	json_t *entry;

	return store_request("have", digest, 2, &entry);
}

static void hear_store(void *context, const json_t *answer, const struct sl_error *why,
		       const char *remedy)
{
	struct store_check *check = context;

	(void)remedy;
	check->waits = false;
	if (why)
		check->why = *why;
	else
		check->shared = json_array_size(json_object_get(answer, "partial")) > 0;
}

static bool run_errand(struct postman *postman, struct post *post, json_t *request,
		       struct store_check *check, struct sl_error *err)
{
	check->waits = true;
	if (!start_errand(post, request, hear_store, check, err))
		return false;
	return await_answer(postman, &check->waits, err);
}

static void pause_a_second(void)
{
	struct timespec second = {.tv_sec = 1};

	nanosleep(&second, NULL);
}

// Where the folders have different names there is little hope, and no reason to look twice.
static unsigned looks_for(const struct side *sides)
{
	return strcmp(sides[0].part->host.store, sides[1].part->host.store) == 0 ? STORE_LOOKS : 1;
}

static bool check_store(struct postman *postman, const struct side *sides, struct probe *out,
			struct sl_error *err)
{
	struct store_check check = {0};

	if (!sides[0].part->host_known || !sides[1].part->host_known) {
		sl_fail(&out->store, SL_E_ANSWER, "not both agents have answered");
		return true;
	}
	if (!make_digest(check.digest, err) ||
	    !run_errand(postman, sides[0].post, put_request(check.digest), &check, err))
		return false;
	check.shared = false; // of the answer to "put" only the yes matters
	for (unsigned look = 0; check.why.kind == SL_E_NONE && !check.shared; look++) {
		if (look == looks_for(sides))
			break;
		if (look > 0)
			pause_a_second();
		if (!run_errand(postman, sides[1].post, have_request(check.digest), &check, err))
			return false;
	}
	out->store = check.why;
	if (check.why.kind == SL_E_NONE)
		out->site.store = check.shared ? SITE_STORE_SHARED : SITE_STORE_NOT_SHARED;
	return true;
}

// ---- the drop folder -----------------------------------------------------------------------

const char *probe_drop_name(enum probe_drop drop)
{
	static const char *const names[] = {
		[PROBE_DROP_NONE] = NULL,
		[PROBE_DROP_NOT_CHECKED] = "not-checked",
		[PROBE_DROP_SEEN] = "seen",
		[PROBE_DROP_NOT_SEEN] = "not-seen",
	};

	return names[drop];
}

struct drop_check {
	bool waits, heard;
	struct sl_error why;
	char *remedy;
};

static void hear_drop(void *context, const json_t *answer, const struct sl_error *why,
		      const char *remedy)
{
	struct drop_check *check = context;

	check->waits = false;
	check->heard = answer != NULL;
	if (why)
		check->why = *why;
	check->remedy = why && remedy ? sl_strdup(remedy) : NULL;
}

static bool ask_for_dropped(struct postman *postman, struct post *post,
			    const struct transport_object *object, struct drop_check *check,
			    struct sl_error *err)
{
	const struct transport_object *const objects[] = {object};

	check->waits = true;
	if (!start_errand(post, drop_request(post_config(post)->drop_there, objects, 1, false),
			  hear_drop, check, err))
		return false;
	return await_answer(postman, &check->waits, err);
}

// Nobody but this process knows of it, and it is removed below whatever the answer is.
static bool no_record(void *context, const struct sl_digest *sha256, struct sl_error *err)
{
	(void)context;
	(void)sha256;
	(void)err;
	return true;
}

static void note_drop(struct probe *out, const char *here, const char *text, const char *remedy)
{
	sl_auto_free char *gap = sl_format("objects cannot go by the folder '%s': %s%s%s", here,
					   text, remedy ? "; " : "", remedy ? remedy : "");

	sl_strings_add(&out->gaps, gap);
}

// A few random bytes are written here and looked for there; the agent keeps nothing of them.
static bool check_drop(struct postman *postman, const struct side *side, struct probe *out,
		       struct sl_error *err)
{
	const char *here = post_config(side->post)->drop_here;
	struct drop_check check = {0};
	struct sl_error why = {0};
	unsigned char bytes[32];

	if (!here)
		return true;
	out->drop = PROBE_DROP_NOT_CHECKED;
	if (!side->part->host_known)
		return true;
	if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
		return sl_fail_errno(err, "cannot get random bytes");
	struct transport_object object = {.data = bytes,
					  .size = sizeof bytes,
					  .sha256 = sl_sha256_bytes(bytes, sizeof bytes)};
	if (!drop_store(here, &object, no_record, NULL, &why)) {
		note_drop(out, here, why.text, NULL);
		return true;
	}
	bool good = ask_for_dropped(postman, side->post, &object, &check, err);
	if (!drop_remove(here, &object.sha256, &why))
		note_drop(out, here, why.text, NULL);
	if (check.heard)
		out->drop = check.why.kind == SL_E_NONE ? PROBE_DROP_SEEN : PROBE_DROP_NOT_SEEN;
	if (good && check.why.kind != SL_E_NONE)
		note_drop(out, here, check.why.text, check.remedy);
	free(check.remedy);
	return good;
}

// ---- all of it -----------------------------------------------------------------------------

static void note_silence(const struct side *side, struct sl_strings *gaps)
{
	const struct {
		const struct sl_error *why;
		const char *remedy, *who;
	} said[] = {
		{&side->heard->agent, side->heard->agent_remedy, "agent did not answer"},
		{&side->heard->service, side->heard->service_remedy,
		 "endpoint is not known from the service"},
	};

	for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
		if (said[i].why->kind == SL_E_NONE)
			continue;
		sl_auto_free char *text =
			sl_format("the %s's %s: %s%s%s", side->word, said[i].who, said[i].why->text,
				  said[i].remedy ? "; " : "", said[i].remedy ? said[i].remedy : "");
		sl_strings_add(gaps, text);
	}
}

// The agent cannot know who has made the place that it runs in.
static void note_other_template(const struct side *builder, struct sl_strings *gaps)
{
	if (!builder->part->host.enforced || !builder->part->endpoint_known || builder->heard->ours)
		return;
	sl_strings_add(
		gaps,
		"the builder enforces its policy, but its endpoint's template and schema are "
		"not those of this release's `sealift-upload agent template`: only its operator "
		"can say that nothing of what submitters set is run there");
}

static void note_gaps(const struct side *sides, struct probe *out)
{
	for (size_t i = 0; i < 2; i++)
		note_silence(&sides[i], &out->gaps);
	for (size_t i = 0; i < out->builder.obstacles.len; i++) {
		sl_auto_free char *text = sl_format("nothing would be built on the builder now: %s",
						    out->builder.obstacles.items[i]);
		sl_strings_add(&out->gaps, text);
	}
	note_other_template(&sides[0], &out->gaps);
	if (out->store.kind != SL_E_NONE) {
		sl_auto_free char *text =
			sl_format("whether builder and runner have the same store was not "
				  "checked: %s",
				  out->store.text);
		sl_strings_add(&out->gaps, text);
	}
	site_gaps(&out->site, &out->gaps);
}

bool probe_ask(struct postman *postman, const struct probe_place *builder,
	       const struct probe_place *runner, struct probe *out, struct sl_error *err)
{
	*out = (struct probe){.site = {.probed = (int64_t)time(NULL)}};
	struct side sides[] = {
		{.word = "builder",
		 .place = builder,
		 .part = &out->site.builder,
		 .heard = &out->builder},
		{.word = "runner",
		 .place = runner,
		 .part = &out->site.runner,
		 .heard = &out->runner},
	};
	bool good = start_side(postman, &sides[0], err) && start_side(postman, &sides[1], err);

	postman_hurry(postman);
	// What was started would call back into `sides`: the caller frees the postman after a
	// failure.
	while (good && waits(sides))
		good = postman_step(postman, STEP_MS, err);
	if (!good || !check_heard(&sides[0], err) || !check_heard(&sides[1], err))
		return false;
	if (sides[0].post && sides[1].post && !check_store(postman, sides, out, err))
		return false;
	if (sides[0].post && !check_drop(postman, &sides[0], out, err))
		return false;
	note_gaps(sides, out);
	return true;
}
