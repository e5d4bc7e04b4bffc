// SPDX-License-Identifier: Apache-2.0
// The local transport with the real agent, and with stand-ins that do what an agent must not do.
#include "tests/uploader/scratch.h"
#include "uploader/transport/transport.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

// What a well-behaved stand-in does first: it says the hello that stands in BOOT, its third
// argument of the shell, and takes the agent's source and one request.
#define HELLO	 "t=${2#*sealift-agent }; echo; echo \"sealift-agent ${t%%\\\"*}\"; "
#define TAKE_ALL HELLO "read n; head -c $n >/dev/null; read request; "

// A transport whose agent is a shell script instead; it gets the agent's source on its input.
static bool open_script(const char *script, unsigned timeout, struct transport **out,
			struct sl_error *err)
{
	struct builder_config config = {.timeout = timeout, .poll_ms = 1};
	sl_strings_add(&config.launcher, "sh");
	sl_strings_add(&config.launcher, "-c");
	sl_strings_add(&config.launcher, script);
	bool good = transport_local.open(&config, out, err);
	builder_config_release(&config);
	return good;
}

static struct transport *open_agent(const char *home)
{
	struct builder_config config;
	struct transport *transport = NULL;
	struct sl_error err = {0};
	setenv("SEALIFT_HOME", home, 1);
	assert_true(builder_config_load(NULL, &config, &err));
	config.timeout = 60;
	if (!transport_local.open(&config, &transport, &err))
		fail_msg("%s", err.text);
	builder_config_release(&config);
	return transport;
}

static bool probe(struct transport *transport, struct sl_error *err)
{
	sl_auto_json json_t *answer = NULL;
	return transport_probe(transport, &answer, err);
}

// Every child has been reaped: nobody is left to wait for.
static void assert_no_children(void)
{
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

// ---- the real agent ------------------------------------------------------------------------

static struct transport_object in_memory(const char *text)
{
	return (struct transport_object){
		.sha256 = sl_sha256_bytes(text, strlen(text)), .size = strlen(text), .data = text};
}

#define LARGE (3 * SL_MIB + 17)

static bool feed_large(void *context, size_t index, transport_sink *sink, void *sink_context,
		       struct sl_error *err)
{
	const char *data = context;
	for (size_t at = 0; at < LARGE; at += 100000)
		if (!sink(sink_context, data + at, LARGE - at < 100000 ? LARGE - at : 100000, err))
			return false;
	return index == 7;
}

static void brings_objects_and_knows_what_is_there(void **state)
{
	auto_transport struct transport *transport = open_agent(*state);
	sl_auto_free char *large = sl_alloc(LARGE);
	struct sl_error err = {0};
	memset(large, 'z', LARGE);
	struct transport_object objects[] = {
		in_memory("a manifest"),
		{.sha256 = sl_sha256_bytes(large, LARGE),
		 .size = LARGE,
		 .feed = feed_large,
		 .context = large,
		 .index = 7},
		in_memory(""),
	};
	const struct transport_object *batch[] = {&objects[0], &objects[1], &objects[2]};
	bool missing[3] = {false, false, false};
	assert_true(probe(transport, &err));
	assert_true(transport_have(transport, objects, 3, missing, &err));
	assert_true(missing[0] && missing[1] && missing[2]);
	sl_auto_json json_t *answer = NULL;
	struct sl_progress progress;
	sl_progress_begin(&progress, "test", 0);
	if (!transport->ops->put(transport, batch, 2, &progress, &answer, &err))
		fail_msg("%s", err.text);
	assert_int_equal(atomic_load(&progress.done), LARGE + 10);
	assert_true(transport_have(transport, objects, 3, missing, &err));
	assert_true(!missing[0] && !missing[1] && missing[2]);
	transport_close(sl_take(transport));
	assert_no_children();
}

static void t51_an_object_that_is_not_what_its_name_says_is_refused(void **state)
{
	auto_transport struct transport *transport = open_agent(*state);
	struct transport_object object = in_memory("what was promised");
	const struct transport_object *batch[] = {&object};
	struct sl_error err = {0};
	bool missing;
	object.data = "what was supplied";
	sl_auto_json json_t *answer = NULL;
	assert_false(transport->ops->put(transport, batch, 1, NULL, &answer, &err));
	assert_int_equal(err.kind, SL_E_FORMAT);
	assert_non_null(answer);
	sl_error_clear(&err);
	assert_true(transport_have(transport, &object, 1, &missing, &err));
	assert_true(missing);
}

static void a_refusal_of_the_agent_keeps_its_kind(void **state)
{
	auto_transport struct transport *transport = open_agent(*state);
	sl_auto_json json_t *request = json_pack("{s:s}", "op", "dance");
	sl_auto_json json_t *answer = NULL;
	struct sl_error err = {0};
	assert_false(transport->ops->call(transport, request, &answer, &err));
	assert_int_equal(err.kind, SL_E_USAGE);
	assert_non_null(strstr(err.text, "builder 'local', dance: "));
	sl_error_clear(&err);
	assert_true(probe(transport, &err));
}

static bool feed_too_little(void *context, size_t index, transport_sink *sink, void *sink_context,
			    struct sl_error *err)
{
	(void)context;
	(void)index;
	return sink(sink_context, "abc", 3, err);
}

static void a_source_of_another_length_ends_the_transport(void **state)
{
	auto_transport struct transport *transport = open_agent(*state);
	struct transport_object object = in_memory("four");
	const struct transport_object *batch[] = {&object};
	struct sl_error err = {0};
	object.data = NULL;
	object.feed = feed_too_little;
	sl_auto_json json_t *answer = NULL;
	assert_false(transport->ops->put(transport, batch, 1, NULL, &answer, &err));
	assert_int_equal(err.kind, SL_E_FORMAT);
	assert_no_children();
	sl_error_clear(&err);
	assert_false(probe(transport, &err));
	assert_int_equal(err.kind, SL_E_NETWORK);
}

// ---- agents that misbehave -----------------------------------------------------------------

static void refuse(const char *script, enum sl_kind kind, const char *words)
{
	auto_transport struct transport *transport = NULL;
	struct sl_error err = {0};
	if (open_script(script, 2, &transport, &err) && probe(transport, &err))
		fail_msg("taken: %s", script);
	if (err.kind != kind || !strstr(err.text, words))
		fail_msg("%s: kind %s: '%s' does not say '%s'", script, sl_kind_name(err.kind),
			 err.text, words);
	transport_close(sl_take(transport));
	assert_no_children();
}

static void an_agent_that_ends_is_quoted(void **state)
{
	(void)state;
	refuse("cat >/dev/null & echo no >&2; echo such luck >&2; exit 3", SL_E_NETWORK,
	       "ended with status 3 before it answered: such luck");
	refuse("kill -9 $$", SL_E_NETWORK, "ended by signal 9");
	// Its last words are shown, not obeyed.
	refuse("printf '\\033[31mred' >&2; exit 1", SL_E_NETWORK, "\\x1b[31mred");
}

static void t79_an_agent_that_says_nothing_meets_a_deadline(void **state)
{
	(void)state;
	refuse("exec sleep 60", SL_E_NETWORK, "no word from the agent for 2 seconds");
	refuse(TAKE_ALL "read more", SL_E_NETWORK, "no word from the agent for 2 seconds");
}

static void an_answer_that_is_none_is_refused(void **state)
{
	(void)state;
	refuse(HELLO "echo hello; sleep 0.3; exec cat >/dev/null", SL_E_FORMAT, "answer");
	refuse(TAKE_ALL "exit 0", SL_E_NETWORK, "ended with status 0 before it answered");
	refuse(TAKE_ALL "echo hello; exec cat >/dev/null", SL_E_FORMAT, "answer");
	refuse(TAKE_ALL "echo '{\"ok\":1}'; exec cat >/dev/null", SL_E_FORMAT, "\"ok\"");
	refuse(TAKE_ALL "echo '{\"ok\":false,\"ok\":true}'; exec cat >/dev/null", SL_E_FORMAT,
	       "answer");
	refuse(TAKE_ALL "echo '{\"ok\":false}'; exec cat >/dev/null", SL_E_INTERNAL, "no reason");
}

static void t83_an_answer_without_end_meets_a_ceiling(void **state)
{
	(void)state;
	refuse("tr '\\0' x </dev/zero", SL_E_LIMIT, "larger than");
	refuse("yes motd", SL_E_LIMIT, "printed 'motd'");
	refuse(TAKE_ALL "tr '\\0' x </dev/zero", SL_E_LIMIT, "larger than");
}

static void t86_a_flood_on_stderr_blocks_nobody(void **state)
{
	auto_transport struct transport *transport = NULL;
	struct sl_error err = {0};
	(void)state;
	assert_true(open_script(TAKE_ALL "head -c 3000000 /dev/zero >&2;"
					 " echo '{\"ok\":true}'; exec cat >/dev/null",
				10, &transport, &err));
	if (!probe(transport, &err))
		fail_msg("%s", err.text);
}

static void an_agent_that_closes_its_input_may_say_why(void **state)
{
	auto_transport struct transport *transport = NULL;
	struct transport_object object = in_memory("");
	const struct transport_object *batch[] = {&object};
	struct sl_error err = {0};
	sl_auto_free char *large = sl_alloc(LARGE);
	(void)state;
	object.data = large;
	object.size = LARGE;
	assert_true(open_script(
		TAKE_ALL "exec <&-;"
			 " echo '{\"ok\":false,\"error\":{\"kind\":\"limit\",\"message\":\"full\","
			 "\"hint\":\"make room\"}}'; sleep 1",
		10, &transport, &err));
	sl_auto_json json_t *answer = NULL;
	assert_false(transport->ops->put(transport, batch, 1, NULL, &answer, &err));
	assert_int_equal(err.kind, SL_E_LIMIT);
	assert_string_equal(err.text, "builder 'local', put: full");
	assert_string_equal(transport_hint(answer), "make room");
}

static void a_child_that_will_not_end_is_ended(void **state)
{
	auto_transport struct transport *transport = NULL;
	struct sl_error err = {0};
	(void)state;
	assert_true(open_script(HELLO "trap '' TERM; cat >/dev/null; while :; do sleep 1; done", 10,
				&transport, &err));
	transport_close(sl_take(transport));
	assert_no_children();
}

static void what_a_launcher_prints_is_not_the_agents(void **state)
{
	auto_transport struct transport *transport = NULL;
	struct builder_config config = {.timeout = 20, .poll_ms = 1};
	struct sl_error err = {0};
	setenv("SEALIFT_HOME", *state, 1);
	sl_strings_add(&config.launcher, "sh");
	sl_strings_add(&config.launcher, "-c");
	// A forged answer, its own arguments with the token in them, and half a line at the end.
	sl_strings_add(&config.launcher,
		       "echo 'loading apptainer/1.4'; echo '{\"ok\":true}'; echo \"$@\";"
		       " printf 'sealift-agent '; exec python3 \"$@\"");
	sl_strings_add(&config.launcher, "sh");
	bool good = transport_local.open(&config, &transport, &err) && probe(transport, &err);
	builder_config_release(&config);
	if (!good)
		fail_msg("%s", err.text);
}

static void a_launcher_that_only_talks_is_quoted(void **state)
{
	(void)state;
	refuse("echo Welcome; echo; exit 4", SL_E_NETWORK,
	       "the launcher 'sh' (no --builder-config names another) printed 'Welcome', but no "
	       "Python started the agent: ");
	refuse("printf 'no\\033[31m module'; exec cat >/dev/null", SL_E_NETWORK,
	       "printed 'no\\x1b[31m module'");
	// A token that is not of this start is no hello.
	refuse("echo sealift-agent 00000000000000000000000000000000; exec cat >/dev/null",
	       SL_E_NETWORK, "printed 'sealift-agent 0000");
}

static void what_comes_between_answers_is_nobodys(void **state)
{
	auto_transport struct transport *transport = NULL;
	struct sl_error err = {0};
	(void)state;
	assert_true(open_script(TAKE_ALL "echo '{\"ok\":true}'; echo 'You have mail'; echo >&2;"
					 " exec cat >/dev/null",
				5, &transport, &err));
	assert_true(probe(transport, &err));
	nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
	sl_auto_json json_t *answer = NULL;
	bool good = transport_probe(transport, &answer, &err);
	if (good || err.kind != SL_E_FORMAT)
		fail_msg("%s: %s", sl_kind_name(err.kind), err.text);
}

static void what_cannot_be_started_is_said(void **state)
{
	struct builder_config config = {.timeout = 5, .poll_ms = 1, .file = sl_strdup("/x/b.json")};
	struct transport *transport = NULL;
	struct sl_error err = {0};
	(void)state;
	sl_strings_add(&config.launcher, "/nonexistent/python3");
	assert_false(transport_local.open(&config, &transport, &err));
	assert_int_equal(err.kind, SL_E_IO);
	assert_non_null(strstr(err.text, "the launcher '/nonexistent/python3' of '/x/b.json': "
					 "cannot start '/nonexistent/python3': No such file"));
	builder_config_release(&config);
	assert_no_children();
}

static void only_local_is_known(void **state)
{
	(void)state;
	assert_ptr_equal(transport_find("local"), &transport_local);
	assert_null(transport_find("3c1d6a5e-0000-0000-0000-000000000000"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(brings_objects_and_knows_what_is_there),
		scratch_test(t51_an_object_that_is_not_what_its_name_says_is_refused),
		scratch_test(a_refusal_of_the_agent_keeps_its_kind),
		scratch_test(a_source_of_another_length_ends_the_transport),
		cmocka_unit_test(an_agent_that_ends_is_quoted),
		cmocka_unit_test(t79_an_agent_that_says_nothing_meets_a_deadline),
		cmocka_unit_test(an_answer_that_is_none_is_refused),
		cmocka_unit_test(t83_an_answer_without_end_meets_a_ceiling),
		cmocka_unit_test(t86_a_flood_on_stderr_blocks_nobody),
		cmocka_unit_test(an_agent_that_closes_its_input_may_say_why),
		cmocka_unit_test(a_child_that_will_not_end_is_ended),
		scratch_test(what_a_launcher_prints_is_not_the_agents),
		cmocka_unit_test(a_launcher_that_only_talks_is_quoted),
		cmocka_unit_test(what_comes_between_answers_is_nobodys),
		cmocka_unit_test(what_cannot_be_started_is_said),
		cmocka_unit_test(only_local_is_known),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
