// SPDX-License-Identifier: Apache-2.0
// Spec file -> plan: bytes, then the tree, then the tables of fields.
#include "compiler/spec/checker.h"

#include <string.h>

#define SPEC_NUMBER	1
#define DEFAULT_GLIBC	"2.28" // what the resolvers mean by "linux"
#define DEFAULT_TIMEOUT 3600
#define TIMEOUT_MIN	60

static void read_sealift(struct checker *checker, const struct node *value)
{
	uint64_t number = 0;
	if (checker_whole(checker, value, 0, UINT32_MAX, &number) && number != SPEC_NUMBER)
		checker_problem(checker, value, "this release reads 'sealift: 1'",
				"unknown version %u of the spec", (unsigned)number);
}

static const char *rule_name(const char *text)
{
	return sl_text_is_name(text)
		       ? NULL
		       : "must be lower-case letters, digits and . _ -, beginning with a "
			 "letter or digit, at most 63 of them";
}

static void read_name(struct checker *checker, const struct node *value)
{
	const char *text = checker_ruled_text(checker, value, "the name of an image", rule_name);
	if (text)
		checker->plan->name = sl_strdup(text);
}

static void read_version(struct checker *checker, const struct node *value)
{
	const char *text = checker_version(checker, value);
	if (text)
		checker->plan->version = sl_strdup(text);
}

static void read_description(struct checker *checker, const struct node *value)
{
	const char *text =
		checker_ruled_text(checker, value, "a description", plan_check_description);
	if (text)
		checker->plan->description = sl_strdup(text);
}

static void read_python(struct checker *checker, const struct node *value)
{
	const char *text =
		checker_ruled_text(checker, value, "a Python version", plan_check_python);
	if (text)
		checker->plan->target.python = sl_strdup(text);
}

static void read_platform(struct checker *checker, const struct node *value)
{
	const char *text = checker_ruled_text(checker, value, "a platform", plan_check_platform);
	if (text)
		checker->plan->target.platform = sl_strdup(text);
}

static void read_glibc(struct checker *checker, const struct node *value)
{
	const char *text = checker_ruled_text(checker, value, "a glibc version", plan_check_glibc);
	if (text)
		checker->plan->target.glibc = sl_strdup(text);
}

static const struct field target_fields[] = {
	{"python", read_python, FIELD_NEEDED, "python: \"3.11.2\""},
	{"platform", read_platform, FIELD_OPTIONAL, NULL},
	{"glibc", read_glibc, FIELD_OPTIONAL, NULL},
	FIELD_END,
};

static void read_target(struct checker *checker, const struct node *value)
{
	checker_fields(checker, value, target_fields);
}

static void read_timeout(struct checker *checker, const struct node *value)
{
	uint64_t seconds = 0;
	if (checker_whole(checker, value, TIMEOUT_MIN, SL_LIMIT_TIMEOUT, &seconds))
		checker->plan->timeout = (unsigned)seconds;
}

static void read_option(struct checker *checker, const struct node *value)
{
	const char *text =
		checker_ruled_text(checker, value, "a build option", plan_check_build_option);
	struct sl_strings *options = &checker->plan->options;
	for (size_t i = 0; text && i < options->len; i++) {
		if (strcmp(options->items[i], text) == 0) {
			checker_problem(checker, value, "say it once", "'%s' is there already",
					text);
			return;
		}
	}
	if (text)
		sl_strings_add(options, text);
}

static void read_options(struct checker *checker, const struct node *value)
{
	if (!checker_is_list(checker, value, SL_LIMIT_BUILD_OPTIONS))
		return;
	for (size_t i = 0; i < value->items.len; i++) {
		size_t mark = trail_index(&checker->trail, i);
		read_option(checker, value->items.items[i]);
		trail_cut(&checker->trail, mark);
	}
}

static const struct field build_fields[] = {
	{"timeout", read_timeout, FIELD_OPTIONAL, NULL},
	{"options", read_options, FIELD_OPTIONAL, NULL},
	FIELD_END,
};

static void read_build(struct checker *checker, const struct node *value)
{
	checker_fields(checker, value, build_fields);
}

static const struct field spec_fields[] = {
	{"sealift", read_sealift, FIELD_NEEDED, "sealift: 1"},
	{"name", read_name, FIELD_NEEDED, "name: my-image"},
	{"version", read_version, FIELD_NEEDED, "version: 1.0.0"},
	{"description", read_description, FIELD_OPTIONAL, NULL},
	{"base", section_base, FIELD_NEEDED, "base: {localimage: base.sif}"},
	{"target", read_target, FIELD_NEEDED, "target: {python: \"3.11.2\"}"},
	{"pip", section_pip, FIELD_OPTIONAL, NULL},
	{"files", section_files, FIELD_OPTIONAL, NULL},
	{"env", section_env, FIELD_OPTIONAL, NULL},
	{"post", section_post, FIELD_OPTIONAL, NULL},
	{"test", section_test, FIELD_OPTIONAL, NULL},
	{"runscript", section_runscript, FIELD_OPTIONAL, NULL},
	{"labels", section_labels, FIELD_OPTIONAL, NULL},
	{"help", section_help, FIELD_OPTIONAL, NULL},
	{"worker", section_worker, FIELD_NEEDED,
	 "worker: {version: \"4.19.0\"} as on the runner endpoint, or worker: none"},
	{"build", read_build, FIELD_OPTIONAL, NULL},
	{"conda", NULL, FIELD_LATER, NULL},
	{"apt", NULL, FIELD_LATER, NULL},
	{"payload", NULL, FIELD_LATER, NULL},
	{"site", NULL, FIELD_LATER, NULL},
	// the nine arguments of the library that sealift succeeds
	{"gcc_client", NULL, FIELD_LATER, NULL},
	{"endpoint_id", NULL, FIELD_LATER, NULL},
	{"image_file_name", NULL, FIELD_LATER, NULL},
	{"base_image_type", NULL, FIELD_LATER, NULL},
	{"base_image", NULL, FIELD_LATER, NULL},
	{"payload_url", NULL, FIELD_LATER, NULL},
	{"pip_packages", NULL, FIELD_LATER, NULL},
	{"conda_packages", NULL, FIELD_LATER, NULL},
	{"apt_packages", NULL, FIELD_LATER, NULL},
	FIELD_END,
};

static void set_default(char **slot, const char *text)
{
	if (!*slot)
		*slot = sl_strdup(text);
}

static void check_spec(struct checker *checker, const struct node *root)
{
	struct plan *plan = checker->plan;
	plan->timeout = DEFAULT_TIMEOUT;
	if (!checker_fields(checker, root, spec_fields))
		return;
	section_check_lock(checker, root);
	set_default(&plan->description, "");
	set_default(&plan->target.platform, "linux/x86_64");
	set_default(&plan->target.glibc, DEFAULT_GLIBC);
}

// JSON begins with a brace. A YAML spec never needs to.
static bool looks_like_json(const char *text, size_t len)
{
	size_t blank = 0;
	while (blank < len && strchr(" \t\r\n", text[blank]))
		blank++;
	return blank < len && text[blank] == '{';
}

static struct node *read_tree(const char *text, size_t len, struct spec_report *report)
{
	static const char mark[] = "\xef\xbb\xbf"; // some editors write one
	if (len >= 3 && memcmp(text, mark, 3) == 0) {
		text += 3;
		len -= 3;
	}
	if (!spec_bytes_check(text, len, report))
		return NULL;
	struct reader reader = {.report = report};
	trail_init(&reader.trail);
	struct node *root = looks_like_json(text, len) ? node_read_json(&reader, text, len)
						       : node_read_yaml(&reader, text, len);
	trail_release(&reader.trail);
	return root;
}

struct plan *spec_parse(const char *text, size_t len, const char *shown,
			struct spec_report *report_out, struct sl_error *err)
{
	*report_out = (struct spec_report){0};
	if (len > SL_LIMIT_SPEC) {
		sl_fail(err, SL_E_LIMIT, "%s: larger than %llu bytes", shown, SL_LIMIT_SPEC);
		return NULL;
	}
	auto_node struct node *root = read_tree(text, len, report_out);
	auto_plan struct plan *plan = plan_new();
	if (root) {
		struct checker checker = {.report = report_out, .plan = plan};
		trail_init(&checker.trail);
		check_spec(&checker, root);
		trail_release(&checker.trail);
	}
	spec_report_sort(report_out);
	return report_out->problems.len == 0 ? sl_take(plan) : NULL;
}
