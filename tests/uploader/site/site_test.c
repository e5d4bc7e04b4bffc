// SPDX-License-Identifier: Apache-2.0
// The site file: written, read, heard, and what it says is missing.
#include "uploader/site/site.h"

#include "tests/uploader/scratch.h"
#include "tests/uploader/site/host.h"

#define UUID "11111111-2222-4333-8444-555555555555"

static void hear(struct site_part *part, const char *id, const char *change)
{
	sl_auto_json json_t *answer = probe_answer_with(change);
	struct sl_error err = {0};
	part->id = sl_strdup(id);
	if (!site_hear_agent(part, answer, &err))
		fail_msg("%s", err.text);
}

static void hear_endpoint(struct site_part *part, const char *metadata, const char *values)
{
	sl_auto_json json_t *said = json_loads(metadata, 0, NULL);
	sl_auto_json json_t *given = values ? json_loads(values, 0, NULL) : NULL;
	struct sl_error err = {0};
	assert_true(site_hear_service(part, said, given, &err));
}

static void example(struct site *site)
{
	*site = (struct site){.probed = 1795526859, .store = SITE_STORE_SHARED};
	hear(&site->builder, "local", NULL);
	hear(&site->runner, UUID, NULL);
	hear_endpoint(&site->runner,
		      "{\"name\":\"big\",\"endpoint_version\":\"4.19.0\",\"python_version\":"
		      "\"3.14.10\",\"user_config_template\":\"engine: x\"}",
		      "{\"partition\":\"gpu\",\"Größe\":0.5}");
}

static char *text_of(const struct site *site)
{
	sl_auto_buf struct sl_buf text = {0};
	struct sl_error err = {0};
	sl_buf_init(&text, SL_MIB);
	if (!site_format(site, &text, &err))
		fail_msg("%s", err.text);
	return sl_buf_steal(&text, NULL);
}

static void what_is_written_is_read_again(void **state)
{
	(void)state;
	auto_site struct site site, again;
	struct sl_error err = {0};
	example(&site);
	sl_auto_free char *text = text_of(&site);
	if (!site_parse(text, strlen(text), "x.site.json", &again, &err))
		fail_msg("%s", err.text);
	assert_int_equal(again.probed, site.probed);
	assert_int_equal(again.store, SITE_STORE_SHARED);
	assert_string_equal(again.builder.id, "local");
	assert_false(again.builder.endpoint_known);
	assert_string_equal(again.builder.host.apptainer_version, "apptainer version 1.4.5");
	assert_string_equal(again.builder.host.store, "/srv/sealift");
	assert_string_equal(again.builder.host.glibc, "2.36");
	assert_true(again.builder.host.enforced && again.builder.host.user_namespaces);
	assert_true(site_reads_zstd(&again.builder.host));
	assert_string_equal(again.builder.host.modules.items[0], "apptainer/1.4.5");
	assert_string_equal(again.builder.host.proxies.items[0], "https_proxy");
	assert_string_equal(again.runner.id, UUID);
	assert_string_equal(again.runner.endpoint.version, "4.19.0");
	assert_string_equal(again.runner.endpoint.python, "3.14.10");
	assert_string_equal(again.runner.host.parsl, "2026.10.26");
	assert_string_equal(again.runner.host.sdk, "");
	assert_int_equal(again.runner.endpoint.template, SITE_TEMPLATE_THERE);
	assert_true(json_equal(again.runner.endpoint.values, site.runner.endpoint.values));
	sl_auto_free char *second = text_of(&again);
	assert_string_equal(second, text);
}

static void the_compact_form_is_read_too(void **state)
{
	(void)state;
	auto_site struct site site, again;
	struct sl_error err = {0};
	example(&site);
	sl_auto_json json_t *json = site_to_json(&site);
	sl_auto_free char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
	assert_true(site_parse(text, strlen(text), "x", &again, &err));
}

static void a_file_appears_whole_and_replaces_the_older_one(void **state)
{
	auto_site struct site site, again;
	struct sl_error err = {0};
	sl_auto_free char *path = sl_path_join(*state, "cluster.site.json");
	sl_auto_free char *nowhere = sl_path_join(*state, "no/cluster.site.json");
	example(&site);
	assert_true(site_save(&site, path, &err));
	site.store = SITE_STORE_NOT_SHARED;
	assert_true(site_save(&site, path, &err));
	assert_true(site_load(path, &again, &err));
	assert_int_equal(again.store, SITE_STORE_NOT_SHARED);
	assert_false(site_save(&site, nowhere, &err));
	assert_int_equal(err.kind, SL_E_IO);
}

static void what_could_not_be_read_is_not_written(void **state)
{
	auto_site struct site site = {0};
	struct sl_error err = {0};
	sl_auto_free char *path = sl_path_join(*state, "cluster.site.json");
	sl_auto_buf struct sl_buf deep = {0};
	sl_buf_init(&deep, SL_MIB);
	for (int i = 0; i < 31; i++)
		sl_buf_adds(&deep, "{\"a\":");
	sl_buf_adds(&deep, "{}");
	for (int i = 0; i < 31; i++)
		sl_buf_addc(&deep, '}');
	hear(&site.runner, "local", NULL);
	hear_endpoint(&site.runner, "{}", deep.data);
	assert_false(site_save(&site, path, &err));
	assert_int_equal(err.kind, SL_E_LIMIT);
	assert_int_equal(access(path, F_OK), -1);
}

// ---- what is refused -----------------------------------------------------------------------

static void refused(const char *text, enum sl_kind kind, const char *words)
{
	auto_site struct site site;
	struct sl_error err = {0};
	if (site_parse(text, strlen(text), "x.site.json", &site, &err))
		fail_msg("accepted: %s", text);
	if (err.kind != kind || !strstr(err.text, words))
		fail_msg("%s: '%s' does not say '%s'", text, err.text, words);
}

#define HEAD	"{\"sealift_site_file\":1,\"probed\":\"2026-11-22T13:26:02Z\""
#define LOCAL	"{\"id\":\"local\",\"endpoint\":{}}"
#define BUILDER ",\"builder\":" LOCAL

static void what_is_wrong_is_named(void **state)
{
	(void)state;
	refused("", SL_E_INPUT, "x.site.json");
	refused("[]", SL_E_INPUT, "an object is needed");
	refused("{}", SL_E_INPUT, "sealift_site_file: missing");
	refused("{\"sealift_site_file\":0,\"probed\":\"2026-11-22T13:26:02Z\"" BUILDER "}",
		SL_E_INPUT, "sealift_site_file: 1 is needed");
	refused("{\"sealift_site_file\":1,\"probed\":\"yesterday\"" BUILDER "}", SL_E_INPUT,
		"probed: a time");
	refused(HEAD "}", SL_E_INPUT, "builder: missing, and so is runner");
	refused(HEAD ",\"builder\":{\"id\":\"local\"}}", SL_E_INPUT, "builder.host: missing");
	refused(HEAD ",\"builder\":{\"id\":\"remote\",\"endpoint\":{}}}", SL_E_INPUT,
		"builder.id: 'local' or a UUID");
	refused(HEAD BUILDER ",\"runner\":" LOCAL "}", SL_E_INPUT, "store: missing");
	refused(HEAD BUILDER ",\"runner\":" LOCAL ",\"store\":\"maybe\"}", SL_E_INPUT,
		"store: 'shared'");
	refused(HEAD BUILDER ",\"probd\":1}", SL_E_INPUT, "unknown key 'probd'");
	refused(HEAD ",\"builder\":{\"id\":\"local\",\"endpoint\":{\"versoin\":\"1\"}}}",
		SL_E_INPUT, "did you mean 'version'?");
	refused(HEAD ",\"builder\":{\"id\":\"local\",\"endpoint\":{\"version\":\"\"}}}", SL_E_INPUT,
		"builder.endpoint.version: 1 to");
	refused(HEAD ",\"builder\":{\"id\":\"local\",\"host\":{}}}", SL_E_INPUT,
		"builder.host.module_system: missing");
}

static void t61_a_key_given_twice_is_refused(void **state)
{
	(void)state;
	refused(HEAD ",\"builder\":{\"id\":\"local\",\"id\":\"local\",\"endpoint\":{}}}",
		SL_E_INPUT, "duplicate");
}

static void t63_control_characters_are_refused(void **state)
{
	(void)state;
	refused(HEAD ",\"builder\":{\"id\":\"local\",\"endpoint\":{\"name\":\"a\\u001b[2J\"}}}",
		SL_E_INPUT, "without control characters");
}

static void t19_sizes_are_limited(void **state)
{
	(void)state;
	sl_auto_free char *large = sl_alloc(SITE_LIMIT_FILE + 2);
	memset(large, ' ', SITE_LIMIT_FILE + 1);
	refused(large, SL_E_LIMIT, "larger than 262144 bytes");
	sl_auto_free char *name = sl_alloc(SITE_LIMIT_TEXT + 2);
	memset(name, 'a', SITE_LIMIT_TEXT + 1);
	sl_auto_free char *text = sl_format(
		HEAD ",\"builder\":{\"id\":\"local\",\"endpoint\":{\"name\":\"%s\"}}}", name);
	refused(text, SL_E_INPUT, "1 to 4096 characters");
	sl_auto_buf struct sl_buf deep = {0};
	sl_buf_init(&deep, SL_MIB);
	sl_buf_adds(&deep, HEAD ",\"builder\":{\"id\":\"local\",\"endpoint\":{"
				"\"user_endpoint_config\":{\"a\":");
	for (int i = 0; i < 100; i++)
		sl_buf_addc(&deep, '[');
	refused(deep.data, SL_E_LIMIT, "nested deeper than 32 levels");
}

// ---- what others say -----------------------------------------------------------------------

static void not_heard(const char *change, const char *words)
{
	struct site_part part = {0};
	sl_auto_json json_t *answer = probe_answer_with(change);
	struct sl_error err = {0};
	if (site_hear_agent(&part, answer, &err))
		fail_msg("heard: %s", change);
	assert_int_equal(err.kind, SL_E_FORMAT);
	if (!strstr(err.text, words))
		fail_msg("'%s' does not say '%s'", err.text, words);
	struct site site = {.builder = part};
	site_release(&site);
}

static void an_agents_answer_is_a_strangers(void **state)
{
	(void)state;
	not_heard("{\"kernel\":7}", "'kernel' must be a text");
	not_heard("{\"kernel\":\"\\u001b\"}", "'kernel' must be a text");
	not_heard("{\"subids\":\"yes\"}", "'subids' must be true or false");
	not_heard("{\"zstd\":{\"writes\":true,\"readers\":[1]}}", "'zstd_readers' must hold texts");
	not_heard("{\"proxies\":{}}", "'proxies' must be a list");
	not_heard("{\"machine\":\"\"}", "does not describe its host");
}

static void an_older_agent_leaves_things_unknown(void **state)
{
	(void)state;
	auto_site struct site site = {0};
	struct sl_error err = {0};
	sl_auto_json json_t *answer =
		json_loads("{\"machine\":\"x86_64\",\"python\":\"3.8.1\",\"new\":{}}", 0, NULL);
	site.builder.id = sl_strdup("local");
	assert_true(site_hear_agent(&site.builder, answer, &err));
	assert_string_equal(site.builder.host.parsl, "");
	assert_false(site.builder.host.module_system);
	sl_auto_free char *text = text_of(&site);
	assert_null(strstr(text, "parsl"));
}

static void t87_no_proxy_and_no_token_can_get_in(void **state)
{
	(void)state;
	auto_site struct site site = {0};
	hear(&site.builder, "local",
	     "{\"http_proxy\":\"http://canary@x\",\"environment\":{\"a\":\"canary\"}}");
	hear_endpoint(&site.builder, "{\"endpoint_config\":\"canary\",\"local_user\":\"canary\"}",
		      NULL);
	sl_auto_free char *text = text_of(&site);
	assert_null(strstr(text, "canary"));
}

// ---- what is missing -----------------------------------------------------------------------

static char *gaps_of(const struct site *site)
{
	struct sl_strings gaps = {0};
	sl_auto_buf struct sl_buf text = {0};
	sl_buf_init(&text, SL_MIB);
	site_gaps(site, &gaps);
	for (size_t i = 0; i < gaps.len; i++)
		sl_buf_addf(&text, "%s\n", gaps.items[i]);
	sl_strings_release(&gaps);
	return sl_buf_steal(&text, NULL);
}

static void nothing_is_missing_on_a_good_site(void **state)
{
	(void)state;
	auto_site struct site site;
	example(&site);
	sl_auto_free char *gaps = gaps_of(&site);
	assert_string_equal(gaps, "");
}

static void what_is_missing_is_said(void **state)
{
	(void)state;
	static const char *const words[] = {
		"does not write zstd",	       "does not tell the runner's version",
		"the runner has no template",  "see no globus-compute-endpoint",
		"neither user namespaces nor", "known to read zstd",
		"do not have the same store",  "the builder is aarch64, the runner is x86_64",
	};
	auto_site struct site site = {.store = SITE_STORE_NOT_SHARED};
	hear(&site.builder, "local",
	     "{\"machine\":\"aarch64\",\"apptainer\":\"\",\"policy\":{},\"zstd\":{}}");
	hear(&site.runner, UUID, "{\"packages\":{},\"user_namespaces\":false,\"zstd\":{}}");
	hear_endpoint(&site.runner, "{\"user_config_template\":\" \"}", NULL);
	sl_auto_free char *gaps = gaps_of(&site);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (!strstr(gaps, words[i]))
			fail_msg("'%s' is not in\n%s", words[i], gaps);
}

static void workers_of_another_version_than_their_endpoint_are_noticed(void **state)
{
	(void)state;
	auto_site struct site site = {0};
	hear(&site.runner, UUID, "{\"apptainer\":\"\"}");
	hear_endpoint(&site.runner, "{\"endpoint_version\":\"4.20.0\"}", NULL);
	sl_auto_free char *gaps = gaps_of(&site);
	assert_non_null(strstr(gaps, "endpoint is 4.20.0, but its workers are 4.19.0"));
	assert_non_null(strstr(gaps, "does not show whether the runner has a template"));
	assert_non_null(strstr(gaps, "worker_init loads it"));
	auto_site struct site old = {0};
	hear_endpoint(&old.runner, "{\"endpoint_version\":\"2.2.0\"}", NULL);
	old.runner.id = sl_strdup(UUID);
	sl_auto_free char *old_gaps = gaps_of(&old);
	assert_null(strstr(old_gaps, "whether the runner has a template"));
	assert_non_null(strstr(old_gaps, "add bundles with --container-service"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_again),
		cmocka_unit_test(the_compact_form_is_read_too),
		scratch_test(a_file_appears_whole_and_replaces_the_older_one),
		scratch_test(what_could_not_be_read_is_not_written),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(t61_a_key_given_twice_is_refused),
		cmocka_unit_test(t63_control_characters_are_refused),
		cmocka_unit_test(t19_sizes_are_limited),
		cmocka_unit_test(an_agents_answer_is_a_strangers),
		cmocka_unit_test(an_older_agent_leaves_things_unknown),
		cmocka_unit_test(t87_no_proxy_and_no_token_can_get_in),
		cmocka_unit_test(nothing_is_missing_on_a_good_site),
		cmocka_unit_test(what_is_missing_is_said),
		cmocka_unit_test(workers_of_another_version_than_their_endpoint_are_noticed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
