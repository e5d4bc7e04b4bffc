// SPDX-License-Identifier: Apache-2.0
// What is said of a runner's endpoint, for templates as operators write them.
#include "uploader/registration/runner_template.h"

#include "tests/cmocka_all.h"
#include "uploader/compute/schema_subset.h"
#include "uploader/registration/jinja_scan.h"

#include <stdio.h>
#include <string.h>

#define IMAGE  "/srv/images/pandas-1.0.0.sif"
#define GOLDEN SEALIFT_SOURCE_DIR "/tests/data/recipe/pandas-pip/expected/endpoint/"

static char *golden(const char *name)
{
	sl_auto_free char *path = sl_path_join(GOLDEN, name);
	sl_auto_buf struct sl_buf text = {0};
	struct sl_error err = {0};
	sl_buf_init(&text, SL_MIB);
	if (!sl_read_file(path, &text, &err))
		fail_msg("%s", err.text);
	return sl_buf_steal(&text, NULL);
}

static void ask(json_t *metadata, struct runner_findings *out)
{
	sl_auto_free char *template = golden("user_config_template.yaml.j2");
	sl_auto_free char *schema = golden("user_config_schema.json");
	struct runner_question question = {.metadata = metadata,
					   .template = template,
					   .schema = schema,
					   .worker = "4.19.0",
					   .image = IMAGE};
	runner_compare(&question, out);
	json_decref(metadata);
}

static void compare(const char *template, const char *schema, struct runner_findings *out)
{
	json_t *metadata = json_pack("{s:s, s:s}", "endpoint_version", "4.19.0",
				     "user_config_template", template);
	if (schema)
		sl_json_set(metadata, "user_config_schema", json_loads(schema, 0, NULL));
	ask(metadata, out);
}

static const struct runner_finding *finding_of(const struct runner_findings *findings,
					       enum runner_rule rule)
{
	sl_list_each (findings, one)
		if (one->rule == rule)
			return one;
	fail_msg("nothing was found out about %s", runner_rule_name(rule));
	return NULL;
}

static void assert_finding(const struct runner_findings *findings, enum runner_rule rule,
			   enum runner_verdict verdict, const char *words)
{
	const struct runner_finding *one = finding_of(findings, rule);
	if (one->verdict != verdict || !strstr(one->sentence, words))
		fail_msg("%s is '%s' (%s), not '%s'", runner_rule_name(rule), one->sentence,
			 runner_verdict_name(one->verdict), words);
}

static void assert_values(const struct runner_findings *findings, const char *wanted)
{
	sl_auto_free char *text = json_dumps(findings->values, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(text, wanted);
}

#define FITS(template, schema, values)                                    \
	do {                                                              \
		auto_runner_findings struct runner_findings found_ = {0}; \
		compare(template, schema, &found_);                       \
		sl_list_each (&found_, one_)                              \
			if (one_->verdict != RUNNER_FITS)                 \
				fail_msg("%s", one_->sentence);           \
		assert_int_equal(runner_overall(&found_), RUNNER_FITS);   \
		assert_values(&found_, values);                           \
	} while (0)

#define FINDS(template, schema, rule, verdict, words)                     \
	do {                                                              \
		auto_runner_findings struct runner_findings found_ = {0}; \
		compare(template, schema, &found_);                       \
		assert_finding(&found_, rule, verdict, words);            \
	} while (0)

// ---- templates -----------------------------------------------------------------------------

#define ONE_IMAGE "{\"image\":\"" IMAGE "\"}"

static void our_own_template_and_schema_fit(void **state)
{
	(void)state;
	sl_auto_free char *template = golden("user_config_template.yaml.j2");
	sl_auto_free char *schema = golden("user_config_schema.json");
	FITS(template, schema, ONE_IMAGE);
	// Both lines of it are optional: a task without an image is no error.
	sl_auto_free char *block = jinja_block_around(template, "container_uri:");
	assert_non_null(strstr(block, "{% if image is defined %}"));
	assert_non_null(strstr(block, "container_type: {{ container_type|default("));
	assert_non_null(strstr(block, "{% endif %}"));
}

static void a_template_for_plain_tasks_and_images_fits(void **state)
{
	(void)state;
	FITS("heartbeat_period: 5\n"
	     "engine:\n"
	     "  type: GlobusComputeEngine    # encrypted by default\n"
	     "  {% if image is defined %}\n"
	     "  container_type: apptainer\n"
	     "  container_uri: {{ image }}\n"
	     "  container_cmd_options: {{ options|default('\"\"') }}\n"
	     "  {% endif %}\n"
	     "  provider: {type: LocalProvider, init_blocks: 1}\n",
	     "{\"type\":\"object\"}", ONE_IMAGE);
}

static void other_names_become_the_values(void **state)
{
	(void)state;
	FITS("engine:\n"
	     "  type: GlobusComputeEngine\n"
	     "  container_type: {{ container_type }}\n"
	     "  container_uri: {{ container_uri }}\n"
	     "  container_cmd_options: {{ container_cmd_options }}\n",
	     NULL,
	     "{\"container_cmd_options\":\"\",\"container_type\":\"apptainer\","
	     "\"container_uri\":\"" IMAGE "\"}");
	FINDS("engine: {type: GlobusComputeEngine, container_type: singularity, container_uri: "
	      "{{ sif }}}\n",
	      NULL, RUNNER_IMAGE, RUNNER_FITS, "takes the image as 'sif', so");
}

static void a_template_without_containers_is_given_the_lines(void **state)
{
	(void)state;
	auto_runner_findings struct runner_findings found = {0};
	sl_auto_buf struct sl_buf text = {0};
	compare("engine:\n  type: GlobusComputeEngine\n  # container_uri: {# not yet #}\n"
		"  provider:\n    type: LocalProvider\n",
		NULL, &found);
	assert_finding(&found, RUNNER_IMAGE, RUNNER_LACKS, "takes no image");
	const struct runner_finding *image = finding_of(&found, RUNNER_IMAGE);
	assert_non_null(strstr(image->lines, "  {% if image is defined %}\n"));
	assert_non_null(strstr(image->lines, "  container_uri: {{ image }}\n"));
	assert_non_null(strstr(image->lines, "  {% endif %}\n"));
	assert_null(strstr(image->lines, "heartbeat_period"));
	sl_buf_init(&text, SL_MIB);
	runner_findings_markdown(&found, &text);
	assert_non_null(strstr(text.data, "\n      container_uri: {{ image }}\n"));
	assert_non_null(strstr(text.data, "- image, **does not fit yet**: its template takes"));
	sl_buf_clear(&text);
	runner_findings_line(&found, &text);
	assert_non_null(strstr(text.data, "its template takes no image"));
	assert_null(strchr(text.data, '\n'));
	sl_auto_json json_t *json = runner_findings_json(&found);
	assert_int_equal(json_array_size(json), found.len);
	assert_string_equal(json_string_value(json_object_get(json_array_get(json, 0), "verdict")),
			    "fits");
}

static void a_fixed_image_or_another_kind_does_not_do(void **state)
{
	(void)state;
	FINDS("engine:\n  type: GlobusComputeEngine\n  container_type: apptainer\n"
	      "  container_uri: /srv/one.sif\n",
	      NULL, RUNNER_IMAGE, RUNNER_LACKS, "in one image, '/srv/one.sif'");
	FINDS("engine:\n  type: GlobusComputeEngine\n  container_type: \"docker\"\n"
	      "  container_uri: {{ image }}\n",
	      NULL, RUNNER_IMAGE, RUNNER_LACKS, "with 'docker'");
	FINDS("engine:\n  type: GlobusComputeEngine\n  container_uri: {{ image }}\n", NULL,
	      RUNNER_IMAGE, RUNNER_LACKS, "how containers are started");
}

// Which branch is taken is the operator's and the submitter's matter.
static void an_engine_that_depends_on_a_condition_is_not_judged(void **state)
{
	(void)state;
	FINDS("engine:\n{% if threads is defined %}\n  type: ThreadPoolEngine\n{% else %}\n"
	      "  type: GlobusComputeEngine\n  container_type: apptainer\n"
	      "  container_uri: {{ image }}\n{% endif %}\n",
	      NULL, RUNNER_ENGINE, RUNNER_NOT_CHECKED, "cannot tell its engine");
	FINDS("{% if gpu %}\nengine:\n  type: ThreadPoolEngine\n{% endif %}\n", NULL, RUNNER_ENGINE,
	      RUNNER_NOT_CHECKED, "depends on a condition");
	// The provider's type is another one's.
	FINDS("engine:\n  type: GlobusComputeEngine\n  provider:\n    {% if slurm %}\n"
	      "    type: SlurmProvider\n    {% else %}\n    type: LocalProvider\n    {% endif %}\n",
	      NULL, RUNNER_ENGINE, RUNNER_FITS, "GlobusComputeEngine");
}

static void engines_that_run_no_containers_are_named(void **state)
{
	(void)state;
	FINDS("engine:\n  type: ThreadPoolEngine\n  container_uri: {{ image }}\n", NULL,
	      RUNNER_ENGINE, RUNNER_LACKS, "'ThreadPoolEngine'");
	FINDS("engine:\n  type: {{ engine }}\n", NULL, RUNNER_ENGINE, RUNNER_NOT_CHECKED,
	      "depends on a value");
	FINDS("{% include 'x' %}\n", NULL, RUNNER_ENGINE, RUNNER_NOT_CHECKED, "no engine");
}

#define CONTAINERS                                                                                \
	"engine:\n  type: GlobusComputeEngine\n  container_type: apptainer\n  container_uri: {{ " \
	"image }}\n"

static void values_without_a_default_are_asked_for(void **state)
{
	(void)state;
	FINDS(CONTAINERS "  provider: {account: {{ account }}, partition: {{- partition -}} }\n",
	      NULL, RUNNER_VALUES, RUNNER_LACKS, "'account', 'partition'");
	// Text behind a number sign is rendered before YAML passes over it.
	FINDS(CONTAINERS "# {{ commented }}\n", NULL, RUNNER_VALUES, RUNNER_LACKS, "'commented'");
	FITS(CONTAINERS "  a: {{ a|default(1) }}\n  b: {{ b | d('x') }}\n"
			"  {% if c is defined %}c: {{ c }}{% endif %}\n"
			"  {# {{ d }} #}\n{% raw %}{{ e }}{% endraw %}\n{% set f = 1 %}{{ f }}\n"
			"  {{ user_runtime.python.version_tuple }} {{ 'text' }}\n"
			"{% if g is defined %}{% set h %}text{% endset %}{{ i }}{% endif %}\n",
	     NULL, ONE_IMAGE);
}

static void an_endpoint_without_a_template_is_told_apart_from_one_that_hides_it(void **state)
{
	(void)state;
	auto_runner_findings struct runner_findings none = {0}, hidden = {0};
	compare(" \n", NULL, &none);
	assert_finding(&none, RUNNER_TEMPLATE, RUNNER_LACKS, "has no template");
	assert_non_null(strstr(finding_of(&none, RUNNER_TEMPLATE)->lines, "container_uri"));
	assert_values(&none, ONE_IMAGE);
	ask(json_pack("{s:s}", "endpoint_version", "4.19.0"), &hidden);
	assert_finding(&hidden, RUNNER_TEMPLATE, RUNNER_NOT_CHECKED, "shows no template");
	auto_runner_findings struct runner_findings before = {0}, since = {0};
	ask(json_pack("{s:s}", "endpoint_version", "2.31.0"), &before);
	assert_finding(&before, RUNNER_TEMPLATE, RUNNER_NOT_CHECKED, "--container-service");
	ask(json_pack("{s:s}", "endpoint_version", "3.0.0"), &since);
	assert_finding(&since, RUNNER_TEMPLATE, RUNNER_NOT_CHECKED, "shows no template");
	assert_int_equal(runner_overall(&hidden), RUNNER_NOT_CHECKED);
}

static void t63_what_the_operator_wrote_is_shown_escaped(void **state)
{
	(void)state;
	auto_runner_findings struct runner_findings found = {0};
	sl_auto_buf struct sl_buf text = {0};
	compare("engine:\n  type: \033[2JEngine\n", NULL, &found);
	sl_buf_init(&text, SL_MIB);
	runner_findings_markdown(&found, &text);
	runner_findings_line(&found, &text);
	assert_null(strchr(text.data, '\033'));
	assert_non_null(strstr(text.data, "\\x1b[2JEngine"));
}

// ---- the schema ----------------------------------------------------------------------------

static void a_schema_that_refuses_the_values_is_found(void **state)
{
	(void)state;
	FINDS(CONTAINERS,
	      "{\"type\":\"object\",\"properties\":{\"workers\":{}},"
	      "\"additionalProperties\":false}",
	      RUNNER_SCHEMA, RUNNER_LACKS, "may not have 'image'");
	FINDS(CONTAINERS, "{\"required\":[\"account\"]}", RUNNER_SCHEMA, RUNNER_LACKS,
	      "lacks 'account'");
	FINDS(CONTAINERS, "{\"properties\":{\"image\":{\"enum\":[\"/a\",\"/b\"]}}}", RUNNER_SCHEMA,
	      RUNNER_LACKS, "'image' is none of the values");
	FINDS(CONTAINERS, "{\"properties\":{\"image\":{\"type\":[\"object\",\"integer\"]}}}",
	      RUNNER_SCHEMA, RUNNER_LACKS, "none of the types");
}

static void what_was_not_checked_is_said(void **state)
{
	(void)state;
	FINDS(CONTAINERS, "{\"properties\":{\"image\":{\"type\":\"string\",\"pattern\":\"^/x\"}}}",
	      RUNNER_SCHEMA, RUNNER_NOT_CHECKED, "not checked: pattern");
	FINDS(CONTAINERS, "{\"additionalProperties\":false,\"patternProperties\":{\"i\":{}}}",
	      RUNNER_SCHEMA, RUNNER_NOT_CHECKED, "patternProperties");
	FINDS(CONTAINERS, "{\"$ref\":\"#/x\",\"required\":[\"y\"]}", RUNNER_SCHEMA,
	      RUNNER_NOT_CHECKED, "$ref");
	// What is certain is said all the same.
	FINDS(CONTAINERS, "{\"minProperties\":9,\"required\":[\"y\"]}", RUNNER_SCHEMA, RUNNER_LACKS,
	      "lacks 'y'");
}

static void schemas_accept_what_they_should(void **state)
{
	(void)state;
	static const struct {
		const char *schema, *value;
		enum schema_verdict verdict;
	} cases[] = {
		{"true", "1", SCHEMA_ACCEPTS},
		{"false", "1", SCHEMA_REFUSES},
		{"{\"type\":\"integer\"}", "2.0", SCHEMA_ACCEPTS},
		{"{\"type\":\"integer\"}", "2.5", SCHEMA_REFUSES},
		{"{\"type\":\"number\"}", "2", SCHEMA_ACCEPTS},
		{"{\"type\":\"null\"}", "null", SCHEMA_ACCEPTS},
		{"{\"type\":\"boolean\"}", "0", SCHEMA_REFUSES},
		{"{\"type\":7}", "0", SCHEMA_NOT_CHECKED},
		{"{\"enum\":[1,\"a\"]}", "1.0", SCHEMA_ACCEPTS},
		{"{\"title\":\"x\",\"$schema\":\"y\",\"default\":{}}", "{}", SCHEMA_ACCEPTS},
		{"{\"properties\":{\"a\":{\"required\":[\"b\"]}}}", "{\"a\":{}}", SCHEMA_REFUSES},
		{"{\"additionalProperties\":{\"type\":\"string\"}}", "{\"a\":1}",
		 SCHEMA_NOT_CHECKED},
		{"{\"properties\":{\"a\":{\"pattern\":\"x\"}}}", "{}", SCHEMA_ACCEPTS},
		{"[]", "1", SCHEMA_NOT_CHECKED},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		sl_auto_json json_t *schema = json_loads(cases[i].schema, JSON_DECODE_ANY, NULL);
		sl_auto_json json_t *value = json_loads(cases[i].value, JSON_DECODE_ANY, NULL);
		sl_auto_free char *why = NULL;
		if (schema_check(schema, value, &why) != cases[i].verdict)
			fail_msg("%s of %s: %s", cases[i].schema, cases[i].value, why ? why : "");
		assert_int_equal(why == NULL, cases[i].verdict == SCHEMA_ACCEPTS);
	}
}

// ---- versions ------------------------------------------------------------------------------

static void workers_fit_by_release_line(void **state)
{
	(void)state;
	static const struct {
		const char *endpoint, *worker;
		bool fits;
	} cases[] = {
		{"4.19.0", "4.19.0", true},   {"4.19.1", "4.19.0", true},
		{"4.19.0", "4.19.3", true},   {"4.19", "4.19.0", true},
		{"4.20.0", "4.19.0", false},  {"4.15.0", "4.15.0", true},
		{"4.15.1", "4.15.0", false},  {"4.17.0", "4.17.1", false},
		{"4.17.0", "4.17.0", true},   {"5.19.0", "4.19.0", false},
		{"4.19.0a1", "4.19.0", true}, {"2.2.0", "4.19.0", false},
		{"unknown", "4.19.0", false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		sl_auto_free char *why = runner_worker_mismatch(cases[i].endpoint, cases[i].worker);
		if ((why == NULL) != cases[i].fits)
			fail_msg("%s and %s: %s", cases[i].endpoint, cases[i].worker,
				 why ? why : "fits");
	}
}

static void a_worker_that_does_not_fit_names_the_remedy(void **state)
{
	(void)state;
	auto_runner_findings struct runner_findings old = {0}, unknown = {0};
	ask(json_pack("{s:s}", "endpoint_version", "4.15.0"), &old);
	assert_finding(&old, RUNNER_VERSION, RUNNER_LACKS, "compile the bundle again");
	ask(json_object(), &unknown);
	assert_finding(&unknown, RUNNER_VERSION, RUNNER_NOT_CHECKED, "endpoint is not known");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_own_template_and_schema_fit),
		cmocka_unit_test(a_template_for_plain_tasks_and_images_fits),
		cmocka_unit_test(other_names_become_the_values),
		cmocka_unit_test(a_template_without_containers_is_given_the_lines),
		cmocka_unit_test(a_fixed_image_or_another_kind_does_not_do),
		cmocka_unit_test(an_engine_that_depends_on_a_condition_is_not_judged),
		cmocka_unit_test(engines_that_run_no_containers_are_named),
		cmocka_unit_test(values_without_a_default_are_asked_for),
		cmocka_unit_test(
			an_endpoint_without_a_template_is_told_apart_from_one_that_hides_it),
		cmocka_unit_test(t63_what_the_operator_wrote_is_shown_escaped),
		cmocka_unit_test(a_schema_that_refuses_the_values_is_found),
		cmocka_unit_test(what_was_not_checked_is_said),
		cmocka_unit_test(schemas_accept_what_they_should),
		cmocka_unit_test(workers_fit_by_release_line),
		cmocka_unit_test(a_worker_that_does_not_fit_names_the_remedy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
