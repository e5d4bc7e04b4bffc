// SPDX-License-Identifier: Apache-2.0
// Rendering as a whole. Before anything is written, plan and lock pass the checks of their own
// readers, so that nothing can be sealed that a reader would refuse; and the definition is read
// again and compared with what was meant.
#include "bundles/recipe/recipe.h"
#include "bundles/recipe/render.h"

#include <string.h>

static bool add_buffer(struct content *content, const char *name, struct sl_buf *text,
		       struct sl_error *err)
{
	if (!sl_buf_ok(text, name, err))
		return false;
	content_take(content, name, text);
	return true;
}

// The canonical text of a plan or lock, after its reader has agreed with it.
static bool plan_text(const struct plan *plan, struct sl_buf *out, struct sl_error *err)
{
	sl_auto_json json_t *json = plan_to_json(plan);
	auto_plan struct plan *again = plan_from_json(json, err);
	return again && sl_json_canonical(json, out, err) && sl_buf_ok(out, "plan.json", err);
}

static bool lock_text(const struct lock *lock, struct sl_buf *out, struct sl_error *err)
{
	if (!lock_check_values(lock, err))
		return false;
	lock_format(lock, out);
	return sl_buf_ok(out, "lock.json", err);
}

static struct sl_digest digest_of(const struct sl_buf *plan, const struct sl_buf *lock)
{
	struct sl_sha256 sha;
	sl_sha256_init(&sha);
	sl_sha256_add(&sha, plan->data, plan->len);
	sl_sha256_add(&sha, lock->data, lock->len);
	return sl_sha256_final(&sha);
}

bool recipe_digest(const struct plan *plan, const struct lock *lock, struct sl_digest *digest_out,
		   struct sl_error *err)
{
	sl_auto_buf struct sl_buf plan_json, lock_json;
	sl_buf_init(&plan_json, SL_LIMIT_CONTENT_FILE);
	sl_buf_init(&lock_json, SL_LIMIT_CONTENT_FILE);
	if (!plan_text(plan, &plan_json, err) || !lock_text(lock, &lock_json, err))
		return false;
	*digest_out = digest_of(&plan_json, &lock_json);
	return true;
}

// Reads the definition again and compares it with what was meant: a value that had become a line,
// a section or a header of its own would show here (T52, T53).
static bool check_definition(const struct definition *meant, const struct sl_buf *text,
			     struct sl_error *err)
{
	struct definition read;
	if (!definition_parse(text->data, text->len, &read, err))
		return sl_prefix(err, "cannot render");
	bool same = definition_equal(meant, &read);
	definition_release(&read);
	return same ||
	       sl_fail(err, SL_E_INTERNAL, "cannot render: image.def does not say what was meant");
}

static bool add_definition(const struct plan *plan, const struct lock *lock,
			   const struct sl_digest *recipe, struct content *content,
			   struct sl_error *err)
{
	struct definition meant;
	sl_auto_buf struct sl_buf text;
	sl_buf_init(&text, SL_LIMIT_CONTENT_FILE);
	render_definition(plan, lock, recipe, &meant);
	definition_format(&meant, &text);
	bool ok = sl_buf_ok(&text, "image.def", err) && check_definition(&meant, &text, err) &&
		  add_buffer(content, "image.def", &text, err);
	definition_release(&meant);
	return ok;
}

static void add_scripts(const struct plan *plan, struct content *content)
{
	for (size_t i = 0; i < plan->post.len; i++) {
		const char *run = plan->post.items[i].run;
		char name[40];
		snprintf(name, sizeof name, "scripts/post-%02zu.sh", i + 1);
		content_add(content, name, run, strlen(run));
	}
	sl_list_each (&plan->test, test) {
		content_add(content, "scripts/test.sh", test->run, strlen(test->run));
	}
	if (plan->runscript)
		content_add(content, "scripts/runscript.sh", plan->runscript,
			    strlen(plan->runscript));
}

static bool add_sbom(const struct plan *plan, const struct lock *lock,
		     const struct sl_digest *recipe, struct content *content, struct sl_error *err)
{
	sl_auto_buf struct sl_buf text;
	sl_buf_init(&text, SL_LIMIT_CONTENT_FILE);
	render_sbom(plan, lock, recipe, &text);
	return add_buffer(content, "sbom.cdx.json", &text, err);
}

static bool add_lines(const struct plan *plan, const struct lock *lock, const char *name,
		      const char *const *lines, struct content *content, struct sl_error *err)
{
	sl_auto_buf struct sl_buf text;
	sl_buf_init(&text, SL_MIB);
	render_lines(plan, lock, lines, &text);
	return add_buffer(content, name, &text, err);
}

typedef void requirements_renderer(const struct plan *plan, const struct lock *lock,
				   struct sl_buf *out);

static bool add_requirements(const struct plan *plan, const struct lock *lock, const char *name,
			     requirements_renderer *render, struct content *content,
			     struct sl_error *err)
{
	sl_auto_buf struct sl_buf text;
	sl_buf_init(&text, SL_LIMIT_CONTENT_FILE);
	render(plan, lock, &text);
	return add_buffer(content, name, &text, err);
}

// Without a worker nothing is left of an endpoint but how to build the image.
static bool add_endpoint(const struct plan *plan, const struct lock *lock, struct content *content,
			 struct sl_error *err)
{
	size_t len;
	const struct render_file *files = render_endpoint_files(&len);
	for (size_t i = 0; i < len; i++)
		if ((plan->worker_version || !files[i].worker) &&
		    !add_lines(plan, lock, files[i].name, files[i].lines, content, err))
			return false;
	return !plan->worker_version ||
	       (add_lines(plan, lock, "endpoint/bootstrap.sh", render_bootstrap(), content, err) &&
		add_lines(plan, lock, "endpoint/config.yaml", render_config(plan), content, err) &&
		add_requirements(plan, lock, "endpoint/requirements.txt",
				 render_endpoint_requirements, content, err));
}

bool recipe_render(const struct plan *plan, const struct lock *lock, struct content *content,
		   struct sl_error *err)
{
	sl_auto_buf struct sl_buf plan_json, lock_json;
	sl_buf_init(&plan_json, SL_LIMIT_CONTENT_FILE);
	sl_buf_init(&lock_json, SL_LIMIT_CONTENT_FILE);
	if (!plan_text(plan, &plan_json, err) || !lock_text(lock, &lock_json, err) ||
	    !lock_check(lock, plan, err))
		return false;
	struct sl_digest recipe = digest_of(&plan_json, &lock_json);
	if (!add_buffer(content, "plan.json", &plan_json, err) ||
	    !add_buffer(content, "lock.json", &lock_json, err) ||
	    !add_definition(plan, lock, &recipe, content, err) ||
	    !add_requirements(plan, lock, "requirements.txt", render_requirements, content, err) ||
	    !add_sbom(plan, lock, &recipe, content, err))
		return false;
	add_scripts(plan, content);
	return add_endpoint(plan, lock, content, err);
}
