// SPDX-License-Identifier: Apache-2.0
// pip: the Python packages; worker: the Globus Compute release they are installed with.
#include "compiler/spec/checker.h"

#include "bundles/packaging/requirement.h"

#include <string.h>

static bool requirement_is_one_line(const char *text)
{
	return strpbrk(text, "\n\t") == NULL && strlen(text) <= SL_LIMIT_REQUIRE_LINE;
}

static void read_requirement(struct checker *checker, const struct node *value)
{
	const char *text = checker_text(checker, value);
	if (!text)
		return;
	sl_auto_free char *shown = spec_shown(text);
	struct requirement requirement = {0};
	struct sl_error err = {0};
	if (!requirement_is_one_line(text)) {
		checker_problem(checker, value, "write one package in one line",
				"'%s' is not a requirement", shown);
	} else if (text[0] == '-') {
		checker_problem(checker, value,
				"a package is named like 'pandas>=2'; options belong to "
				"the program that makes the lock",
				"'%s' is an option, not a requirement", shown);
	} else if (!requirement_parse(text, false, &requirement, &err)) {
		checker_problem(checker, value, "a package is named like 'pandas>=2' (PEP 508)",
				"%s", err.text);
	} else if (requirement.url) {
		checker_problem(checker, value,
				"put its wheel into the wheelhouse and name the package alone",
				"'%s' names a URL, which this release does not read", shown);
	} else {
		sl_strings_add(&checker->plan->requirements, text);
	}
	requirement_release(&requirement);
}

static void read_requirements(struct checker *checker, const struct node *value)
{
	if (!checker_is_list(checker, value, SL_LIMIT_REQUIRES))
		return;
	for (size_t i = 0; i < value->items.len; i++) {
		size_t mark = trail_index(&checker->trail, i);
		read_requirement(checker, value->items.items[i]);
		trail_cut(&checker->trail, mark);
	}
}

static void read_lock(struct checker *checker, const struct node *value)
{
	checker->plan->pip_lock = checker_path(checker, value, INPUT_FILE);
}

static void add_wheelhouse(struct checker *checker, const struct node *value)
{
	sl_auto_free char *path = checker_path(checker, value, INPUT_FOLDER);
	if (path)
		sl_strings_add(&checker->plan->wheelhouses, path);
}

static void read_wheelhouse(struct checker *checker, const struct node *value)
{
	if (value->kind != NODE_LIST) {
		add_wheelhouse(checker, value);
		return;
	}
	if (!checker_is_list(checker, value, SL_LIMIT_WHEELHOUSES))
		return;
	for (size_t i = 0; i < value->items.len; i++) {
		size_t mark = trail_index(&checker->trail, i);
		add_wheelhouse(checker, value->items.items[i]);
		trail_cut(&checker->trail, mark);
	}
}

// In the order of enum pip_env, then what comes later.
static void read_env(struct checker *checker, const struct node *value)
{
	static const char *const words[] = {"venv", "base", "conda", NULL};
	int found = checker_word(checker, value, "a place for packages", words);
	if (found == 2)
		checker_problem(checker, value, "venv or base",
				"this release of sealift does not read 'conda' yet");
	else if (found >= 0)
		checker->plan->pip_env = (enum pip_env)found;
}

// In the order of enum pip_installer.
static void read_installer(struct checker *checker, const struct node *value)
{
	static const char *const words[] = {"auto", "pip", "uv", NULL};
	int found = checker_word(checker, value, "an installer", words);
	if (found >= 0)
		checker->plan->installer = (enum pip_installer)found;
}

static const struct field pip_fields[] = {
	{"requirements", read_requirements, FIELD_OPTIONAL, NULL},
	{"lock", read_lock, FIELD_OPTIONAL, NULL},
	{"wheelhouse", read_wheelhouse, FIELD_OPTIONAL, NULL},
	{"env", read_env, FIELD_OPTIONAL, NULL},
	{"installer", read_installer, FIELD_OPTIONAL, NULL},
	FIELD_END,
};

void section_pip(struct checker *checker, const struct node *value)
{
	if (!checker_fields(checker, value, pip_fields))
		return;
	checker->plan->has_pip = true;
	checker->plan->pip_origin = checker_origin(value);
}

static void read_worker_version(struct checker *checker, const struct node *value)
{
	const char *text = checker_version(checker, value);
	if (text)
		checker->plan->worker_version = sl_strdup(text);
}

static const struct field worker_fields[] = {
	{"version", read_worker_version, FIELD_NEEDED, "version: \"4.19.0\""},
	FIELD_END,
};

void section_worker(struct checker *checker, const struct node *value)
{
	const char *hint = "{version: \"4.19.0\"} as on the runner endpoint, or none for an image "
			   "that no Globus Compute worker uses";
	checker->plan->worker_origin = checker_origin(value);
	if (value->kind == NODE_MAP) {
		checker_fields(checker, value, worker_fields);
	} else if (value->kind == NODE_TEXT || value->kind == NODE_PLAIN) {
		if (strcmp(value->text, "none") == 0)
			return;
		sl_auto_free char *shown = spec_shown(value->text);
		checker_problem(checker, value, hint, "'%s' is not a worker", shown);
	} else {
		(void)checker_is_map(checker, value, 1);
	}
}

// The command that makes a lock for this spec, as far as the spec is known.
static char *lock_hint(const struct plan *plan)
{
	const char *python = plan->target.python ? plan->target.python : "X.Y.Z";
	sl_auto_free char *worker = plan->worker_version ? sl_format("globus-compute-endpoint==%s",
								     plan->worker_version)
							 : sl_strdup("");
	return sl_format(
		"list the packages%s%s in requirements.in, run 'uv pip compile "
		"--generate-hashes --python-version %s requirements.in -o requirements.lock' "
		"(or 'pip-compile --generate-hashes' with that Python), then write "
		"pip: {lock: requirements.lock}",
		plan->worker_version ? " and " : "", worker, python);
}

void section_check_lock(struct checker *checker, const struct node *root)
{
	const struct node *pip = node_get(root, "pip");
	const struct node *worker = node_get(root, "worker");
	bool missing = pip ? pip->kind == NODE_MAP && !node_get(pip, "lock")
			   : worker && worker->kind == NODE_MAP;
	if (!missing)
		return;
	size_t mark = trail_key(&checker->trail, "pip.lock");
	sl_auto_free char *hint = lock_hint(checker->plan);
	checker_problem(checker, pip ? pip : worker, hint,
			"this key is missing: %s installed from a lock with hashes only",
			pip ? "packages are" : "the worker is");
	trail_cut(&checker->trail, mark);
}
