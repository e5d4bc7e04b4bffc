// SPDX-License-Identifier: Apache-2.0
// Asking for a site, with agents and a service that answer by script.
#include "uploader/registration/builder_template.h"
#include "uploader/site/probe.h"

#include "tests/cmocka_all.h"
#include "tests/uploader/site/host.h"

#include <string.h>

#define UUID "11111111-2222-4333-8444-555555555555"

// ---- the scripted postman ------------------------------------------------------------------

// One side: what its agent says to "probe" (NULL: it is out of reach), and which store it has.
struct post_script {
	const char *change; // of the answer to "probe"; "-" = no answer
	int store;
};

struct waiting {
	struct errand errand;
	json_t *request;
	const struct post *post;
};

static struct {
	struct post_script builder, runner;
	const char *metadata; // JSON; NULL = the service fails
	unsigned late;	      // looks before an object is visible on another host
	bool ledger_fails;
	char stored[80];
	int stored_in;
	unsigned asked_have, hurried;
} script;

static struct post builder_post = {.builder = "builder"}, runner_post = {.builder = "runner"};
static struct waiting queue[8];
static size_t queued;
static struct {
	compute_done *done;
	void *context;
} question;

bool postman_find(struct postman *postman, const char *builder, const char *config,
		  struct post **out, struct sl_error *err)
{
	(void)postman;
	if (config && strcmp(config, "bad.json") == 0)
		return sl_fail(err, SL_E_INPUT, "builder configuration 'bad.json': nonsense");
	*out = strcmp(builder, "local") == 0 ? &builder_post : &runner_post;
	return true;
}

bool post_start(struct post *post, const struct errand *errand, struct sl_error *err)
{
	(void)err;
	assert_true(queued < 8);
	queue[queued++] =
		(struct waiting){*errand, json_incref((json_t *)(uintptr_t)errand->request), post};
	return true;
}

const struct builder_config *post_config(const struct post *post)
{
	return &post->config;
}

bool post_is_local(const struct post *post)
{
	return post == &builder_post;
}

bool postman_compute(struct postman *postman, struct compute **out, struct sl_error *err)
{
	(void)postman;
	(void)err;
	*out = NULL;
	return true;
}

void compute_endpoint(struct compute *compute, const char *endpoint, compute_done *done,
		      void *context)
{
	(void)compute;
	assert_true(strcasecmp(endpoint, UUID) == 0);
	question.done = done;
	question.context = context;
}

void postman_hurry(struct postman *postman)
{
	(void)postman;
	script.hurried++;
}

static json_t *entry_of(const json_t *request)
{
	return json_array_get(json_object_get(request, "objects"), 0);
}

static json_t *answer_to(const struct waiting *one, const struct post_script *side)
{
	const char *op = json_string_value(json_object_get(one->request, "op"));
	json_t *entry = entry_of(one->request);
	const char *digest = json_string_value(json_object_get(entry, "sha256"));
	if (strcmp(op, "probe") == 0)
		return probe_answer_with(side->change);
	assert_int_equal(strlen(digest), SL_DIGEST_HEX);
	if (strcmp(op, "put") == 0) {
		// A piece: never a whole object that stays.
		assert_true(json_integer_value(json_object_get(entry, "total")) >
			    json_integer_value(json_object_get(entry, "size")));
		snprintf(script.stored, sizeof script.stored, "%s", digest);
		script.stored_in = side->store;
		return json_pack("{s:b, s:[{s:s, s:b, s:[[i,i]]}]}", "ok", 1, "objects", "sha256",
				 digest, "stored", 0, "have", 0, 1);
	}
	assert_string_equal(op, "have");
	bool there = strcmp(digest, script.stored) == 0 && script.stored_in == side->store &&
		     script.asked_have++ >= script.late;
	return there ? json_pack("{s:b, s:[s], s:[{s:s, s:i, s:[[i,i]]}]}", "ok", 1, "missing",
				 digest, "partial", "sha256", digest, "size", 2, "have", 0, 1)
		     : json_pack("{s:b, s:[s], s:[]}", "ok", 1, "missing", digest, "partial");
}

static void tell(struct waiting *one)
{
	const struct post_script *side =
		one->post == &builder_post ? &script.builder : &script.runner;
	struct sl_error why = {0};
	if (side->change && strcmp(side->change, "-") == 0) {
		sl_fail(&why, SL_E_NETWORK, "nobody is there");
		one->errand.heard(one->errand.context, NULL, &why, "wait");
	} else {
		sl_auto_json json_t *answer = answer_to(one, side);
		assert_non_null(answer);
		one->errand.heard(one->errand.context, answer, NULL, NULL);
	}
	json_decref(one->request);
}

static void tell_of_endpoint(void)
{
	compute_done *done = question.done;
	question.done = NULL;
	if (script.metadata) {
		sl_auto_json json_t *answer = json_loads(script.metadata, 0, NULL);
		done(question.context, answer, NULL);
		return;
	}
	struct compute_failure failure = {.status = 404};
	sl_fail(&failure.error, SL_E_INPUT, "there is no such endpoint");
	done(question.context, NULL, &failure);
}

bool postman_step(struct postman *postman, unsigned timeout_ms, struct sl_error *err)
{
	(void)postman;
	(void)timeout_ms;
	if (script.ledger_fails)
		return sl_fail(err, SL_E_IO, "the ledger is full");
	if (queued > 0) {
		struct waiting one = queue[0];
		memmove(queue, queue + 1, --queued * sizeof *queue);
		tell(&one);
	} else if (question.done) {
		tell_of_endpoint();
	}
	return true;
}

// ---- asking --------------------------------------------------------------------------------

static int reset(void **state)
{
	(void)state;
	memset(&script, 0, sizeof script);
	script.metadata = "{\"endpoint_version\":\"4.19.0\",\"user_config_template\":\"x\"}";
	queued = 0;
	question.done = NULL;
	return 0;
}

static const struct probe_place here = {.id = "local"}, there = {.id = UUID};

static bool has_gap(const struct probe *probe, const char *words)
{
	for (size_t i = 0; i < probe->gaps.len; i++)
		if (strstr(probe->gaps.items[i], words))
			return true;
	return false;
}

static void asked(const struct probe_place *builder, const struct probe_place *runner,
		  struct probe *out)
{
	struct sl_error err = {0};
	if (!probe_ask(NULL, builder, runner, out, &err))
		fail_msg("%s", err.text);
	assert_true(script.hurried > 0);
}

static void both_are_asked_and_share_a_store(void **state)
{
	(void)state;
	auto_probe struct probe probe = {0};
	asked(&here, &there, &probe);
	assert_string_equal(probe.site.builder.id, "local");
	assert_true(probe.site.builder.host_known);
	assert_false(probe.site.builder.endpoint_known);
	assert_string_equal(probe.site.runner.id, UUID);
	assert_string_equal(probe.site.runner.endpoint.version, "4.19.0");
	assert_int_equal(probe.site.store, SITE_STORE_SHARED);
	assert_int_equal(probe.gaps.len, 0);
	assert_true(probe.site.probed > 1700000000);
}

// What the service shows of an endpoint, kept until the next.
static void show_files(const char *template, const char *schema)
{
	static char *kept;
	json_t *shown = json_pack("{s:s, s:s, s:o?}", "endpoint_version", "4.19.0",
				  "user_config_template", template, "user_config_schema",
				  schema ? json_loads(schema, 0, NULL) : NULL);
	assert_non_null(shown);
	free(kept);
	script.metadata = kept = json_dumps(shown, 0);
	json_decref(shown);
}

static bool is_warned(const char *template, const char *schema, const char *enforcement)
{
	auto_probe struct probe probe = {0};
	sl_auto_free char *change = sl_format("{\"policy\":{\"enforcement\":\"%s\"}}", enforcement);
	show_files(template, schema);
	script.runner.change = change;
	asked(&there, NULL, &probe);
	return has_gap(&probe, "the builder enforces its policy, but");
}

// An endpoint that runs only the agent, and perhaps something else for who submits.
static void t86_another_template_of_an_enforced_builder_is_told(void **state)
{
	(void)state;
	sl_auto_free char *spaced = sl_format("%s\n ", builder_template);
	sl_auto_free char *more = sl_format("%s{{ x }}\n", builder_template);
	assert_false(is_warned(builder_template, builder_schema, "enforced"));
	assert_false(is_warned(spaced, builder_schema, "enforced"));
	assert_true(is_warned(more, builder_schema, "enforced"));
	assert_true(is_warned("", builder_schema, "enforced"));
	assert_true(is_warned(builder_template, NULL, "enforced"));
	assert_true(is_warned(builder_template, "{}", "enforced"));
	assert_true(is_warned(builder_template, "{\"type\":\"object\"}", "enforced"));
	assert_false(is_warned(more, NULL, "advisory"));
	show_files("", NULL);
}

static void another_store_is_not_shared(void **state)
{
	(void)state;
	auto_probe struct probe probe = {0};
	script.runner.store = 2;
	script.runner.change = "{\"store\":{\"path\":\"/elsewhere\"}}";
	asked(&here, &there, &probe);
	assert_int_equal(probe.site.store, SITE_STORE_NOT_SHARED);
	assert_true(has_gap(&probe, "do not have the same store"));
	assert_int_equal(script.asked_have, 0);
}

static void a_network_file_system_may_be_late(void **state)
{
	(void)state;
	auto_probe struct probe probe = {0};
	script.late = 1;
	asked(&here, &there, &probe);
	assert_int_equal(probe.site.store, SITE_STORE_SHARED);
	assert_int_equal(script.asked_have, 2);
}

static void one_of_them_alone_will_do(void **state)
{
	(void)state;
	auto_probe struct probe first = {0}, second = {0};
	asked(&here, NULL, &first);
	assert_null(first.site.runner.id);
	assert_int_equal(first.site.store, SITE_STORE_NOT_CHECKED);
	asked(&(struct probe_place){0}, &there, &second);
	assert_null(second.site.builder.id);
	assert_true(second.site.runner.endpoint_known && second.site.runner.host_known);
	assert_string_equal(script.stored, "");
}

static void an_agent_that_is_silent_leaves_what_the_service_says(void **state)
{
	(void)state;
	auto_probe struct probe probe = {0};
	script.runner.change = "-";
	asked(&here, &there, &probe);
	assert_false(probe.site.runner.host_known);
	assert_true(probe.site.runner.endpoint_known);
	assert_int_equal(probe.site.store, SITE_STORE_NOT_CHECKED);
	assert_true(has_gap(&probe, "the runner's agent did not answer: nobody is there; wait"));
	assert_true(has_gap(&probe, "same store was not checked"));
}

static void a_service_that_knows_nothing_leaves_what_the_agent_says(void **state)
{
	(void)state;
	auto_probe struct probe probe = {0};
	script.metadata = NULL;
	asked(&here, &there, &probe);
	assert_true(probe.site.runner.host_known);
	assert_false(probe.site.runner.endpoint_known);
	assert_true(has_gap(&probe, "there is no such endpoint"));
}

static void obstacles_of_the_builder_are_told(void **state)
{
	(void)state;
	auto_probe struct probe probe = {0};
	script.builder.change = "{\"obstacles\":[{\"kind\":\"answer\",\"message\":\"there is no "
				"policy\",\"hint\":\"make one\"},{}]}";
	asked(&here, NULL, &probe);
	assert_true(has_gap(&probe, "on the builder now: there is no policy: make one"));
}

static void failed(const struct probe_place *builder, const struct probe_place *runner,
		   enum sl_kind kind, const char *words)
{
	auto_probe struct probe probe = {0};
	struct sl_error err = {0};
	assert_false(probe_ask(NULL, builder, runner, &probe, &err));
	assert_int_equal(err.kind, kind);
	if (!strstr(err.text, words))
		fail_msg("'%s' does not say '%s'", err.text, words);
	for (; queued > 0; queued--)
		json_decref(queue[queued - 1].request);
}

static void nothing_heard_is_a_failure(void **state)
{
	(void)state;
	script.builder.change = "-";
	failed(&here, NULL, SL_E_NETWORK, "the builder 'local' told nothing about itself: nobody");
	script.runner.change = "-";
	script.metadata = NULL;
	failed(NULL, &there, SL_E_INPUT, "there is no such endpoint");
	script.builder.change = "{\"machine\":7}";
	failed(&here, NULL, SL_E_FORMAT, "'machine' must be a text");
}

static void a_bad_configuration_and_a_bad_ledger_are_failures(void **state)
{
	(void)state;
	failed(&here, &(struct probe_place){UUID, "bad.json"}, SL_E_INPUT,
	       "cannot ask the runner: builder configuration");
	script.ledger_fails = true;
	failed(&here, &there, SL_E_IO, "the ledger is full");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(both_are_asked_and_share_a_store, reset),
		cmocka_unit_test_setup(t86_another_template_of_an_enforced_builder_is_told, reset),
		cmocka_unit_test_setup(another_store_is_not_shared, reset),
		cmocka_unit_test_setup(a_network_file_system_may_be_late, reset),
		cmocka_unit_test_setup(one_of_them_alone_will_do, reset),
		cmocka_unit_test_setup(an_agent_that_is_silent_leaves_what_the_service_says, reset),
		cmocka_unit_test_setup(a_service_that_knows_nothing_leaves_what_the_agent_says,
				       reset),
		cmocka_unit_test_setup(obstacles_of_the_builder_are_told, reset),
		cmocka_unit_test_setup(nothing_heard_is_a_failure, reset),
		cmocka_unit_test_setup(a_bad_configuration_and_a_bad_ledger_are_failures, reset),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
