// SPDX-License-Identifier: Apache-2.0
// plan.json: writing it, and reading it as strictly as if a stranger had written it.
#include "bundles/packaging/packaging.h"
#include "bundles/recipe/plan.h"
#include "bundles/recipe/rules.h"

#include <string.h>

#define PLAN_FORMAT 1

static const char *const env_words[] = {"venv", "base"};
static const char *const installer_words[] = {"auto", "pip", "uv"};
static const char *const network_words[] = {"any", "none"};

// ---- writing -------------------------------------------------------------------------------

static void set_optional(json_t *object, const char *key, const char *text)
{
	if (text)
		sl_json_set_string(object, key, text);
}

static json_t *texts_to_json(const struct sl_strings *texts)
{
	json_t *array = json_array();
	for (size_t i = 0; i < texts->len; i++)
		sl_json_append(array, json_string(texts->items[i]));
	return array;
}

static json_t *base_to_json(const struct plan_base *base)
{
	json_t *object = json_object();
	sl_json_set_string(object, "kind", base_kind_name(base->kind));
	if (base->kind == BASE_DOCKER) {
		sl_json_set_digest(object, "digest", &base->digest);
		sl_json_set_string(object, "reference", base->reference);
		set_optional(object, "tag", base->tag);
	} else {
		sl_json_set_string(object, "file", base->file);
	}
	return object;
}

static json_t *target_to_json(const struct plan_target *target)
{
	json_t *object = json_object();
	sl_json_set_string(object, "glibc", target->glibc);
	sl_json_set_string(object, "platform", target->platform);
	sl_json_set_string(object, "python", target->python);
	return object;
}

static json_t *pip_to_json(const struct plan *plan)
{
	json_t *object = json_object();
	sl_json_set_string(object, "env", env_words[plan->pip_env]);
	sl_json_set_string(object, "installer", installer_words[plan->installer]);
	set_optional(object, "lock", plan->pip_lock);
	sl_json_set(object, "requirements", texts_to_json(&plan->requirements));
	sl_json_set(object, "wheelhouses", texts_to_json(&plan->wheelhouses));
	return object;
}

static json_t *files_to_json(const struct plan *plan)
{
	json_t *array = json_array();
	sl_list_each (&plan->files, file) {
		json_t *object = json_object();
		char mode[8];
		snprintf(mode, sizeof mode, "0%03o", file->mode & 0777u);
		sl_json_set_string(object, "from", file->from);
		sl_json_set_string(object, "mode", mode);
		sl_json_set_string(object, "to", file->to);
		sl_json_append(array, object);
	}
	return array;
}

static json_t *pairs_to_json(const struct plan_pair *items, size_t len)
{
	json_t *array = json_array();
	for (size_t i = 0; i < len; i++) {
		json_t *object = json_object();
		sl_json_set_string(object, "name", items[i].name);
		sl_json_set_string(object, "value", items[i].value);
		sl_json_append(array, object);
	}
	return array;
}

static json_t *script_to_json(const struct plan_script *script)
{
	json_t *object = json_object();
	sl_json_set_string(object, "network", network_words[script->network]);
	sl_json_set_string(object, "run", script->run);
	return object;
}

static json_t *build_to_json(const struct plan *plan)
{
	json_t *object = json_object();
	sl_json_set(object, "options", texts_to_json(&plan->options));
	sl_json_set_uint(object, "timeout", plan->timeout);
	return object;
}

static json_t *post_to_json(const struct plan *plan)
{
	json_t *array = json_array();
	sl_list_each (&plan->post, script) {
		sl_json_append(array, script_to_json(script));
	}
	return array;
}

json_t *plan_to_json(const struct plan *plan)
{
	json_t *object = json_object();
	sl_json_set(object, "base", base_to_json(&plan->base));
	sl_json_set(object, "build", build_to_json(plan));
	sl_json_set_string(object, "description", plan->description);
	sl_json_set(object, "env", pairs_to_json(plan->env.items, plan->env.len));
	sl_json_set(object, "files", files_to_json(plan));
	set_optional(object, "help", plan->help);
	sl_json_set(object, "labels", pairs_to_json(plan->labels.items, plan->labels.len));
	sl_json_set_string(object, "name", plan->name);
	if (plan->has_pip)
		sl_json_set(object, "pip", pip_to_json(plan));
	sl_json_set(object, "post", post_to_json(plan));
	set_optional(object, "runscript", plan->runscript);
	sl_json_set_uint(object, "sealift_plan", PLAN_FORMAT);
	sl_json_set(object, "target", target_to_json(&plan->target));
	if (plan->test.len > 0)
		sl_json_set(object, "test", script_to_json(&plan->test.items[0]));
	sl_json_set_string(object, "version", plan->version);
	set_optional(object, "worker", plan->worker_version);
	return object;
}

// ---- reading -------------------------------------------------------------------------------

typedef const char *rule(const char *text);

static const char *check_plain(const char *path)
{
	return sl_path_is_plain(path) && rules_is_clean(path, "") ? NULL
								  : "must be a plain relative path";
}

static const char *check_folder(const char *path)
{
	return strcmp(path, ".") == 0 ? NULL : check_plain(path);
}

static const char *check_name(const char *text)
{
	return sl_text_is_name(text) ? NULL : "must match [a-z0-9][a-z0-9._-]{0,62}";
}

static const char *check_version(const char *text)
{
	return rules_is_version(text) && version_is_normal(text)
		       ? NULL
		       : "must be a version in its normal form (PEP 440)";
}

static const char *check_requirement(const char *text)
{
	struct sl_error why = {0};
	struct requirement requirement = {0};
	bool good = strlen(text) <= SL_LIMIT_REQUIRE_LINE && rules_is_clean(text, "\t") &&
		    requirement_parse(text, false, &requirement, &why);
	if (good)
		requirement_release(&requirement);
	return good ? NULL : "must be a requirement (PEP 508) on one line";
}

// A required string that obeys `check`, copied.
static char *read_text(struct sl_obj *obj, const char *key, rule *check)
{
	const char *text = sl_obj_string(obj, key);
	const char *reason = obj->failed ? NULL : check(text);
	if (reason)
		sl_obj_fail(obj, key, "%s", reason);
	return sl_strdup(text);
}

static char *read_optional(struct sl_obj *obj, const char *key, rule *check)
{
	return sl_obj_has(obj, key) ? read_text(obj, key, check) : NULL;
}

// The place of a required string in a list of words.
static unsigned read_word(struct sl_obj *obj, const char *key, const char *const *words,
			  size_t words_len)
{
	const char *word = sl_obj_string(obj, key);
	for (unsigned i = 0; i < words_len; i++)
		if (strcmp(word, words[i]) == 0)
			return i;
	sl_obj_fail(obj, key, "must be one of the %zu words of specs/plan.md", words_len);
	return 0;
}

#define WORDS(list) list, sizeof(list) / sizeof *(list)

static bool read_texts(struct sl_obj *obj, const char *key, size_t max, rule *check,
		       struct sl_strings *out)
{
	json_t *array = sl_obj_array(obj, key, max);
	size_t i;
	json_t *item;
	json_array_foreach (array, i, item) {
		const char *text = json_string_value(item);
		const char *reason = text ? check(text) : "must be text";
		if (reason) {
			sl_obj_fail(obj, key, "entry %zu %s", i + 1, reason);
			return false;
		}
		sl_strings_add(out, text);
	}
	return array != NULL;
}

static bool read_base(json_t *json, struct plan_base *base, struct sl_error *err)
{
	struct sl_obj obj;
	sl_obj_init(&obj, json, SL_E_FORMAT, err, "base");
	const char *kind = sl_obj_string(&obj, "kind");
	if (!base_kind_parse(kind, &base->kind))
		sl_obj_fail(&obj, "kind",
			    "must be docker, oci-archive, docker-archive or localimage");
	if (base->kind == BASE_DOCKER) {
		base->digest = sl_obj_digest(&obj, "digest");
		base->reference = read_text(&obj, "reference", plan_check_reference);
		base->tag = read_optional(&obj, "tag", plan_check_tag);
	} else {
		base->file = read_text(&obj, "file", check_plain);
	}
	return sl_obj_done(&obj);
}

static bool read_target(json_t *json, struct plan_target *target, struct sl_error *err)
{
	struct sl_obj obj;
	sl_obj_init(&obj, json, SL_E_FORMAT, err, "target");
	target->glibc = read_text(&obj, "glibc", plan_check_glibc);
	target->platform = read_text(&obj, "platform", plan_check_platform);
	target->python = read_text(&obj, "python", plan_check_python);
	return sl_obj_done(&obj);
}

static bool read_pip(json_t *json, struct plan *plan, struct sl_error *err)
{
	struct sl_obj obj;
	sl_obj_init(&obj, json, SL_E_FORMAT, err, "pip");
	plan->pip_env = (enum pip_env)read_word(&obj, "env", WORDS(env_words));
	plan->installer = (enum pip_installer)read_word(&obj, "installer", WORDS(installer_words));
	plan->pip_lock = read_optional(&obj, "lock", check_plain);
	bool ok = read_texts(&obj, "requirements", SL_LIMIT_REQUIRES, check_requirement,
			     &plan->requirements);
	ok = read_texts(&obj, "wheelhouses", SL_LIMIT_WHEELHOUSES, check_folder,
			&plan->wheelhouses) &&
	     ok;
	return ok && sl_obj_done(&obj);
}

static bool read_build(json_t *json, struct plan *plan, struct sl_error *err)
{
	struct sl_obj obj;
	sl_obj_init(&obj, json, SL_E_FORMAT, err, "build");
	bool ok = read_texts(&obj, "options", 64, plan_check_build_option, &plan->options);
	const struct sl_strings *options = &plan->options;
	for (size_t i = 1; i < options->len; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(options->items[i], options->items[j]) == 0)
				sl_obj_fail(&obj, "options", "'%s' stands there twice",
					    options->items[i]);
	plan->timeout = (unsigned)sl_obj_uint(&obj, "timeout", SL_LIMIT_TIMEOUT);
	if (ok && !obj.failed && plan->timeout == 0)
		sl_obj_fail(&obj, "timeout", "must be at least one second");
	return ok && sl_obj_done(&obj);
}

// Keys of a sorted list must grow strictly, so that none is there twice.
static void check_order(struct sl_obj *obj, const char *key, const char *before, const char *now)
{
	if (before && strcmp(before, now) >= 0)
		sl_obj_fail(obj, key, "'%.80s' must come before '%.80s', and each only once", now,
			    before);
}

static unsigned read_mode(struct sl_obj *obj)
{
	const char *mode = sl_obj_string(obj, "mode");
	if (strlen(mode) != 4 || mode[0] != '0' || strspn(mode, "01234567") != 4) {
		sl_obj_fail(obj, "mode", "must be four octal digits like 0644");
		return 0;
	}
	return (unsigned)strtoul(mode, NULL, 8);
}

static bool read_file(json_t *json, size_t i, struct plan *plan, struct sl_error *err)
{
	struct sl_obj obj;
	sl_obj_init(&obj, json, SL_E_FORMAT, err, "files[%zu]", i);
	struct plan_file *file = sl_list_add(&plan->files);
	file->from = read_text(&obj, "from", check_plain);
	file->mode = read_mode(&obj);
	file->to = read_text(&obj, "to", plan_check_image_path);
	check_order(&obj, "to", i > 0 ? file[-1].to : NULL, file->to);
	return sl_obj_done(&obj);
}

static bool read_files(json_t *array, struct plan *plan, struct sl_error *err)
{
	size_t i;
	json_t *item;
	json_array_foreach (array, i, item) {
		if (!read_file(item, i, plan, err))
			return false;
	}
	return true;
}

struct pair_rules {
	const char *list;
	rule *name, *value;
};

static bool read_pair(json_t *json, size_t i, const struct pair_rules *rules,
		      struct plan_pair *pair, struct sl_error *err)
{
	struct sl_obj obj;
	sl_obj_init(&obj, json, SL_E_FORMAT, err, "%s[%zu]", rules->list, i);
	pair->name = read_text(&obj, "name", rules->name);
	pair->value = read_text(&obj, "value", rules->value);
	check_order(&obj, "name", i > 0 ? pair[-1].name : NULL, pair->name);
	return sl_obj_done(&obj);
}

static bool read_env(json_t *array, struct plan *plan, struct sl_error *err)
{
	static const struct pair_rules rules = {"env", plan_check_env_name, plan_check_env_value};
	for (size_t i = 0; i < json_array_size(array); i++)
		if (!read_pair(json_array_get(array, i), i, &rules, sl_list_add(&plan->env), err))
			return false;
	return true;
}

static bool read_labels(json_t *array, struct plan *plan, struct sl_error *err)
{
	static const struct pair_rules rules = {"labels", plan_check_label_name,
						plan_check_label_value};
	for (size_t i = 0; i < json_array_size(array); i++)
		if (!read_pair(json_array_get(array, i), i, &rules, sl_list_add(&plan->labels),
			       err))
			return false;
	return true;
}

static bool read_script(json_t *json, struct plan_script *script, struct sl_error *err,
			const char *shown)
{
	struct sl_obj obj;
	sl_obj_init(&obj, json, SL_E_FORMAT, err, "%s", shown);
	script->network = (enum script_network)read_word(&obj, "network", WORDS(network_words));
	script->run = read_text(&obj, "run", plan_check_script);
	return sl_obj_done(&obj);
}

static bool read_post(json_t *array, struct plan *plan, struct sl_error *err)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		char shown[32];
		snprintf(shown, sizeof shown, "post[%zu]", i);
		if (!read_script(json_array_get(array, i), sl_list_add(&plan->post), err, shown))
			return false;
	}
	return true;
}

// The members that are texts of the plan itself.
static void read_own_texts(struct sl_obj *obj, struct plan *plan)
{
	plan->description = read_text(obj, "description", plan_check_description);
	plan->help = read_optional(obj, "help", plan_check_help);
	plan->name = read_text(obj, "name", check_name);
	plan->runscript = read_optional(obj, "runscript", plan_check_script);
	if (sl_obj_uint(obj, "sealift_plan", SL_JSON_MAX_INT - 1) != PLAN_FORMAT && !obj->failed)
		sl_obj_fail(obj, "sealift_plan", "this program reads plans of format %d only",
			    PLAN_FORMAT);
	plan->version = read_text(obj, "version", check_version);
	plan->worker_version = read_optional(obj, "worker", check_version);
}

static bool read_lists(struct sl_obj *obj, struct plan *plan, struct sl_error *err)
{
	return read_env(sl_obj_array(obj, "env", SL_LIMIT_ENV), plan, err) &&
	       read_files(sl_obj_array(obj, "files", SL_LIMIT_FILES), plan, err) &&
	       read_labels(sl_obj_array(obj, "labels", SL_LIMIT_LABELS), plan, err) &&
	       read_post(sl_obj_array(obj, "post", SL_LIMIT_SCRIPTS), plan, err);
}

static bool read_objects(struct sl_obj *obj, struct plan *plan, struct sl_error *err)
{
	plan->has_pip = sl_obj_has(obj, "pip");
	return (!plan->has_pip || read_pip(sl_obj_object(obj, "pip"), plan, err)) &&
	       (!sl_obj_has(obj, "test") ||
		read_script(sl_obj_object(obj, "test"), sl_list_add(&plan->test), err, "test")) &&
	       read_base(sl_obj_object(obj, "base"), &plan->base, err) &&
	       read_build(sl_obj_object(obj, "build"), plan, err) &&
	       read_target(sl_obj_object(obj, "target"), &plan->target, err);
}

struct plan *plan_from_json(json_t *json, struct sl_error *err)
{
	auto_plan struct plan *plan = plan_new();
	struct sl_obj obj;
	sl_obj_init(&obj, json, SL_E_FORMAT, err, "plan.json");
	read_own_texts(&obj, plan);
	if (!obj.failed && read_objects(&obj, plan, err) && read_lists(&obj, plan, err) &&
	    sl_obj_done(&obj))
		return sl_take(plan);
	if (!obj.failed)
		sl_prefix(err, "plan.json");
	return NULL;
}
