// SPDX-License-Identifier: Apache-2.0
#include "uploader/registration/runner_template.h"

#include "bundles/packaging/version.h"
#include "uploader/compute/release.h"
#include "uploader/compute/schema_subset.h"
#include "uploader/registration/jinja_scan.h"

#include <string.h>

const char *runner_rule_name(enum runner_rule rule)
{
	static const char *const names[] = {
		[RUNNER_VERSION] = "version", [RUNNER_TEMPLATE] = "template",
		[RUNNER_ENGINE] = "engine",   [RUNNER_IMAGE] = "image",
		[RUNNER_VALUES] = "values",   [RUNNER_SCHEMA] = "schema",
	};
	return names[rule];
}

const char *runner_verdict_name(enum runner_verdict verdict)
{
	static const char *const names[] = {
		[RUNNER_FITS] = "fits",
		[RUNNER_LACKS] = "lacks",
		[RUNNER_NOT_CHECKED] = "not-checked",
	};
	return names[verdict];
}

void runner_findings_release(struct runner_findings *findings)
{
	sl_list_each (findings, one) {
		free(one->sentence);
		free(one->lines);
	}
	sl_list_release(findings);
	json_decref(findings->values);
	findings->values = NULL;
}

// Takes over both texts.
static void find(struct runner_findings *out, enum runner_rule rule, enum runner_verdict verdict,
		 char *sentence, char *lines)
{
	*sl_list_add(out) = (struct runner_finding){rule, verdict, sentence, lines};
}

static const char *text_of(const struct runner_question *question, const char *key)
{
	return json_string_value(json_object_get(question->metadata, key));
}

// ---- the worker's version ------------------------------------------------------------------

// "4.19" of 4.19.2. Owned.
static char *release_line(const struct version *version)
{
	sl_auto_free char *base = version_format_as(version, VERSION_BASE);
	const char *dot = strchr(base, '.');

	if (!dot)
		return sl_format("%s.0", base);
	return sl_strndup(base, (size_t)(dot + 1 - base) + strcspn(dot + 1, "."));
}

// Releases up to 4.15 pin Parsl exactly; of those before 4.19 it is not known that they do not.
static bool pins_parsl(const struct version *version)
{
	auto_version struct version *free_since = version_try("4.19.dev0", 9);

	return version_compare(version, free_since) < 0;
}

char *runner_worker_mismatch(const char *endpoint, const char *worker)
{
	auto_version struct version *theirs = version_try(endpoint, strlen(endpoint));
	auto_version struct version *ours = version_try(worker, strlen(worker));

	if (!theirs || !ours)
		return sl_format("%s is no version", theirs ? "the worker's" : "the endpoint's");
	if (version_compare(theirs, ours) == 0)
		return NULL;
	if (pins_parsl(theirs) || pins_parsl(ours))
		return sl_strdup("releases before 4.19 hold Parsl at one version, so the two must "
				 "be equal");
	sl_auto_free char *their_line = release_line(theirs);
	sl_auto_free char *our_line = release_line(ours);
	return strcmp(their_line, our_line) == 0
		       ? NULL
		       : sl_strdup("the two must be of one release line, since nothing else holds "
				   "their Parsl together");
}

static void compare_version(const struct runner_question *question, struct runner_findings *out)
{
	const char *endpoint = text_of(question, "endpoint_version");
	const char *worker = question->worker;

	if (!endpoint || !worker) {
		find(out, RUNNER_VERSION, RUNNER_NOT_CHECKED,
		     sl_format("the version of the %s is not known, so nobody can say whether the "
			       "worker fits",
			       endpoint ? "image's worker" : "endpoint"),
		     NULL);
		return;
	}
	sl_auto_free char *why = runner_worker_mismatch(endpoint, worker);
	sl_auto_free char *shown = sl_text_shown(endpoint);
	if (!why)
		find(out, RUNNER_VERSION, RUNNER_FITS,
		     sl_format("the worker %s fits the endpoint %s", worker, shown), NULL);
	else
		find(out, RUNNER_VERSION, RUNNER_LACKS,
		     sl_format("the worker %s does not fit the endpoint %s: %s; compile the bundle "
			       "again with the endpoint's version as worker.version",
			       worker, shown, why),
		     NULL);
}

// ---- engine and image ----------------------------------------------------------------------

static void compare_engine(const char *template, struct runner_findings *out)
{
	sl_auto_free char *engine = jinja_engine(template);
	sl_auto_free char *shown = engine ? sl_text_shown(engine) : NULL;

	if (!engine)
		find(out, RUNNER_ENGINE, RUNNER_NOT_CHECKED,
		     sl_strdup("no engine was recognised in its template"), NULL);
	else if (jinja_engine_depends(template))
		find(out, RUNNER_ENGINE, RUNNER_NOT_CHECKED,
		     sl_strdup("cannot tell its engine: it depends on a condition; it must be "
			       "GlobusComputeEngine for these values"),
		     NULL);
	else if (strstr(engine, "{{"))
		find(out, RUNNER_ENGINE, RUNNER_NOT_CHECKED,
		     sl_format("its engine depends on a value (%s); it must be GlobusComputeEngine",
			       shown),
		     NULL);
	else if (strcmp(engine, "GlobusComputeEngine") == 0)
		find(out, RUNNER_ENGINE, RUNNER_FITS,
		     sl_strdup("its engine is GlobusComputeEngine, which runs containers"), NULL);
	else
		find(out, RUNNER_ENGINE, RUNNER_LACKS,
		     sl_format("its engine '%s' is not GlobusComputeEngine, which alone takes an "
			       "image",
			       shown),
		     sl_strdup("  type: GlobusComputeEngine\n"));
}

static char *our_block(const struct runner_question *question)
{
	char *block = question->template ? jinja_block_around(question->template, "container_uri:")
					 : NULL;

	return block ? block
		     : sl_strdup("  {% if image is defined %}\n"
				 "  container_type: apptainer\n"
				 "  container_uri: {{ image }}\n"
				 "  {% endif %}\n");
}

static bool starts_sif(const char *type)
{
	return strstr(type, "apptainer") || strstr(type, "singularity");
}

// The kind of container: fixed, with a default, or to be given.
static bool compare_type(const char *template, const char *uri_name, struct runner_findings *out)
{
	sl_auto_free char *type = jinja_value(template, "container_type");
	sl_auto_free char *name = type ? jinja_name_in(type) : NULL;
	sl_auto_free char *shown = type ? sl_text_shown(type) : NULL;

	if (!type) {
		find(out, RUNNER_IMAGE, RUNNER_LACKS,
		     sl_strdup("its template does not say how containers are started"),
		     sl_strdup("  container_type: apptainer\n"));
		return false;
	}
	if (name && strcmp(name, uri_name) != 0) {
		if (!starts_sif(type))
			sl_json_set_string(out->values, name, "apptainer");
		return true;
	}
	if (starts_sif(type))
		return true;
	find(out, RUNNER_IMAGE, RUNNER_LACKS,
	     sl_format("its template starts containers with '%s', which cannot run the image "
		       "(apptainer or singularity can)",
		       shown),
	     NULL);
	return false;
}

static void compare_image(const struct runner_question *question, const char *template,
			  struct runner_findings *out)
{
	sl_auto_free char *uri = jinja_value(template, "container_uri");
	sl_auto_free char *name = uri ? jinja_name_in(uri) : NULL;
	sl_auto_free char *shown = uri ? sl_text_shown(uri) : NULL;

	if (!uri)
		find(out, RUNNER_IMAGE, RUNNER_LACKS,
		     sl_strdup("its template takes no image: container_type and container_uri are "
			       "missing below 'engine'"),
		     our_block(question));
	else if (!name)
		find(out, RUNNER_IMAGE, RUNNER_LACKS,
		     sl_format("its template runs every worker in one image, '%s', whatever is "
			       "asked for",
			       shown),
		     our_block(question));
	if (!name)
		return;
	sl_json_set_string(out->values, name, question->image);
	if (!compare_type(template, name, out))
		return;
	find(out, RUNNER_IMAGE, RUNNER_FITS,
	     sl_format("its template takes the image as '%s'%s", name,
		       strcmp(name, "image") == 0
			       ? ""
			       : ", so user_endpoint_config.json here says it in these words"),
	     NULL);
}

// ---- what else its template reads ----------------------------------------------------------

static bool is_given_by_the_service(const char *name)
{
	static const char *const names[] = {"parent_config", "user_runtime", "mapped_identity",
					    "_GC"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static void compare_values(const char *template, struct runner_findings *out)
{
	auto_jinja_names struct jinja_names names = {0};
	sl_auto_free char *options = jinja_value(template, "container_cmd_options");
	sl_auto_free char *option_name = options ? jinja_name_in(options) : NULL;
	sl_auto_buf struct sl_buf missing;

	sl_buf_init(&missing, 64 * SL_KIB);
	jinja_scan(template, &names);
	sl_list_each (&names, one) {
		if (!one->always || one->optional || is_given_by_the_service(one->name) ||
		    json_object_get(out->values, one->name))
			continue;
		if (option_name && strcmp(option_name, one->name) == 0)
			sl_json_set_string(out->values, one->name, "");
		else if (missing.len < 1024)
			sl_buf_addf(&missing, "%s'%s'", missing.len ? ", " : "", one->name);
	}
	if (missing.len > 0)
		find(out, RUNNER_VALUES, RUNNER_LACKS,
		     sl_format("its template reads %s, for which it has no default: ask its "
			       "operator what belongs there, and add it to user_endpoint_config",
			       missing.data),
		     NULL);
}

// ---- the schema ----------------------------------------------------------------------------

static bool is_our_schema(const struct runner_question *question, const json_t *schema)
{
	struct sl_error ignored = {0};

	if (!question->schema)
		return false;
	sl_auto_json json_t *own = sl_json_load(question->schema, strlen(question->schema),
						"user_config_schema.json", &ignored);
	return own && json_equal(own, schema);
}

static void compare_schema(const struct runner_question *question, struct runner_findings *out)
{
	const json_t *schema = json_object_get(question->metadata, "user_config_schema");
	sl_auto_free char *why = NULL;

	if (!schema || json_is_null(schema) || json_object_size(schema) == 0) {
		find(out, RUNNER_SCHEMA, RUNNER_FITS,
		     sl_strdup("it has no schema, so it accepts any values"), NULL);
		return;
	}
	if (is_our_schema(question, schema)) {
		find(out, RUNNER_SCHEMA, RUNNER_FITS, sl_strdup("its schema is the bundle's own"),
		     NULL);
		return;
	}
	enum schema_verdict verdict = schema_check(schema, out->values, &why);
	sl_auto_free char *shown = why ? sl_text_shown(why) : NULL;
	if (verdict == SCHEMA_ACCEPTS)
		find(out, RUNNER_SCHEMA, RUNNER_FITS, sl_strdup("its schema accepts the values"),
		     NULL);
	else if (verdict == SCHEMA_REFUSES)
		find(out, RUNNER_SCHEMA, RUNNER_LACKS,
		     sl_format("its schema refuses the values: %s; let its "
			       "user_config_schema.json allow them",
			       shown),
		     NULL);
	else
		find(out, RUNNER_SCHEMA, RUNNER_NOT_CHECKED,
		     sl_format("nothing was found in its schema that refuses the values, but these "
			       "keywords of it were not checked: %s",
			       shown),
		     NULL);
}

// ---- all of it -----------------------------------------------------------------------------

static bool have_template(const struct runner_question *question, struct runner_findings *out)
{
	const char *template = text_of(question, "user_config_template");

	if (!template && release_takes_containers(text_of(question, "endpoint_version"))) {
		find(out, RUNNER_TEMPLATE, RUNNER_NOT_CHECKED,
		     sl_strdup("endpoints before 3.0.0 have no template: their workers run inside "
			       "the image when it is registered with --container-service, too, and "
			       "the Executor is told the container's id"),
		     NULL);
	} else if (!template) {
		find(out, RUNNER_TEMPLATE, RUNNER_NOT_CHECKED,
		     sl_strdup("the service shows no template of this endpoint: its operator can "
			       "compare it with the one here"),
		     NULL);
	} else if (!template[strspn(template, " \t\r\n")]) {
		find(out, RUNNER_TEMPLATE, RUNNER_LACKS,
		     sl_strdup("the endpoint has no template, so it accepts no "
			       "user_endpoint_config: its operator gives it the one here"),
		     question->template ? sl_strdup(question->template) : NULL);
	} else if (strlen(template) > RUNNER_LIMIT_TEMPLATE) {
		find(out, RUNNER_TEMPLATE, RUNNER_NOT_CHECKED,
		     sl_strdup("its template is too large to be looked at"), NULL);
	} else {
		return true;
	}
	return false;
}

void runner_compare(const struct runner_question *question, struct runner_findings *out)
{
	const char *template = text_of(question, "user_config_template");

	*out = (struct runner_findings){.values = json_object()};
	compare_version(question, out);
	if (have_template(question, out)) {
		compare_engine(template, out);
		compare_image(question, template, out);
		compare_values(template, out);
		compare_schema(question, out);
	}
	if (json_object_size(out->values) == 0)
		sl_json_set_string(out->values, "image", question->image);
}

enum runner_verdict runner_overall(const struct runner_findings *findings)
{
	enum runner_verdict worst = RUNNER_FITS;

	sl_list_each (findings, one) {
		if (one->verdict == RUNNER_LACKS)
			return RUNNER_LACKS;
		if (one->verdict == RUNNER_NOT_CHECKED)
			worst = RUNNER_NOT_CHECKED;
	}
	return worst;
}

// ---- for people ----------------------------------------------------------------------------

static const char *mark_of(enum runner_verdict verdict)
{
	static const char *const marks[] = {
		[RUNNER_FITS] = "fits",
		[RUNNER_LACKS] = "**does not fit yet**",
		[RUNNER_NOT_CHECKED] = "not checked",
	};
	return marks[verdict];
}

// Four blanks in front of each line: code in Markdown, as it is.
static void add_code(struct sl_buf *out, const char *lines)
{
	sl_buf_addc(out, '\n');
	while (*lines) {
		size_t len = strcspn(lines, "\n");
		sl_buf_adds(out, "    ");
		sl_text_escape(out, lines, len);
		sl_buf_addc(out, '\n');
		lines += len + (lines[len] == '\n');
	}
	sl_buf_addc(out, '\n');
}

void runner_findings_markdown(const struct runner_findings *findings, struct sl_buf *out)
{
	sl_buf_adds(out, "## The runner's own template\n\n"
			 "Compared with what the service shows of the endpoint, without rendering "
			 "anything:\n\n");
	sl_list_each (findings, one) {
		sl_buf_addf(out, "- %s, %s: ", runner_rule_name(one->rule), mark_of(one->verdict));
		sl_text_tame(out, one->sentence);
		sl_buf_adds(out, ".\n");
		if (one->lines) {
			sl_buf_adds(out, "\n  To be added:\n");
			add_code(out, one->lines);
		}
	}
}

void runner_findings_line(const struct runner_findings *findings, struct sl_buf *out)
{
	enum runner_verdict overall = runner_overall(findings);
	bool first = true;

	if (overall == RUNNER_FITS)
		sl_buf_adds(out, "the runner's template takes the image");
	sl_list_each (findings, one) {
		if (overall == RUNNER_FITS || one->verdict != overall)
			continue;
		sl_buf_adds(out, first ? "" : "; ");
		sl_text_tame(out, one->sentence);
		first = false;
	}
}

json_t *runner_findings_json(const struct runner_findings *findings)
{
	json_t *list = json_array();

	sl_list_each (findings, one) {
		json_t *object = json_object();
		sl_json_set_string(object, "rule", runner_rule_name(one->rule));
		sl_json_set_string(object, "verdict", runner_verdict_name(one->verdict));
		sl_json_set_string(object, "sentence", one->sentence);
		if (one->lines)
			sl_json_set_string(object, "lines", one->lines);
		sl_json_append(list, object);
	}
	return list;
}
