// SPDX-License-Identifier: Apache-2.0
// Plan and lock -> the definition file. Only lines of the recipe's own grammar are written here;
// texts of the user reach a definition as environment values, labels and help alone.
#include "bundles/recipe/render.h"
#include "bundles/recipe/rules.h"

#include <string.h>

#define LINE(section, ...) definition_add_line((section), sl_format(__VA_ARGS__))

struct hex {
	char text[SL_DIGEST_HEX + 1];
};

static struct hex hex_of(const struct sl_digest *digest)
{
	struct hex hex;
	sl_digest_hex(digest, hex.text);
	return hex;
}

struct render_facts render_facts(const struct plan *plan, const struct lock *lock)
{
	struct render_facts facts = {.packages = lock->packages.len > 0, .all_carried = true};
	sl_list_each (&lock->packages, package) {
		facts.carried = facts.carried || package->carried;
		facts.all_carried = facts.all_carried && package->carried;
	}
	facts.uv = lock->has_installer && strcmp(lock->installer.name, "uv") == 0;
	const char *patch = strrchr(plan->target.python, '.');
	snprintf(facts.minor, sizeof facts.minor, "%.*s", (int)(patch - plan->target.python),
		 plan->target.python);
	return facts;
}

// ---- %files --------------------------------------------------------------------------------

static bool seen_before(const struct lock *lock, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (sl_digest_equal(&lock->files.items[i].sha256, &lock->files.items[index].sha256))
			return true;
	return false;
}

static void add_user_files(struct definition_section *files, const struct lock *lock)
{
	for (size_t i = 0; i < lock->files.len; i++) {
		const struct lock_blob *file = &lock->files.items[i];
		if (seen_before(lock, i))
			continue;
		struct hex hex = hex_of(&file->sha256);
		const char *folder = file->size > SL_INLINE_FILE ? "blobs/sha256" : "files";
		LINE(files, "%s/%s " RECIPE_STAGE "/files/%s", folder, hex.text, hex.text);
	}
}

static void add_wheels(struct definition_section *files, const struct lock *lock)
{
	if (lock->has_installer)
		LINE(files, "blobs/sha256/%s " RECIPE_STAGE "/installer.whl",
		     hex_of(&lock->installer.wheel.sha256).text);
	sl_list_each (&lock->packages, package) {
		if (package->carried)
			LINE(files, "blobs/sha256/%s " RECIPE_STAGE "/wheels/%s",
			     hex_of(&package->wheel.sha256).text, package->file);
	}
}

static void add_script(struct definition_section *files, const char *name)
{
	LINE(files, "scripts/%s " RECIPE_STAGE "/meta/scripts/%s", name, name);
}

static void render_files(const struct plan *plan, const struct lock *lock, struct definition *out)
{
	struct definition_section *files = definition_add_section(out, "files");
	LINE(files, "manifest.json " RECIPE_STAGE "/meta/manifest.json");
	LINE(files, "signatures " RECIPE_STAGE "/meta/signatures");
	for (size_t i = 0; i < plan->post.len; i++) {
		char name[40];
		snprintf(name, sizeof name, "post-%02zu.sh", i + 1);
		add_script(files, name);
	}
	if (plan->runscript)
		add_script(files, "runscript.sh");
	if (plan->test.len > 0)
		add_script(files, "test.sh");
	if (lock->packages.len > 0)
		LINE(files, "requirements.txt " RECIPE_STAGE "/requirements.txt");
	add_wheels(files, lock);
	add_user_files(files, lock);
}

// ---- %post ---------------------------------------------------------------------------------

static void add_python_check(struct definition_section *section, const char *python,
			     const char *version, const char *subject, const char *wanted)
{
	LINE(section,
	     "%s -I -S -c 'import sys; have = sys.implementation.name + \" %%d.%%d.%%d\" %% "
	     "sys.version_info[:3]; sys.exit(None if have == \"cpython %s\" else \"sealift: %s has "
	     "\" + have + \", %s cpython %s\")'",
	     python, version, subject, wanted, version);
}

static void add_libc_check(struct definition_section *post, const char *glibc)
{
	const char *dot = strchr(glibc, '.');
	LINE(post,
	     "python3 -I -S -c 'import platform, sys; kind, have = platform.libc_ver(); "
	     "sys.exit(None if kind == \"glibc\" and [int(n) for n in have.split(\".\")] >= "
	     "[%.*s, %s] else \"sealift: the base image has libc \" + (kind + \" \" + have if kind "
	     "else \"of an unknown kind\") + \", the target needs glibc %s or newer\")'",
	     (int)(dot - glibc), glibc, dot + 1, glibc);
}

static void add_target_checks(struct definition_section *post, const struct plan_target *target)
{
	const char *machine = strchr(target->platform, '/') + 1;
	LINE(post,
	     "command -v python3 >/dev/null || { echo 'sealift: the base image has no python3, the "
	     "target is cpython %s' >&2; exit 1; }",
	     target->python);
	add_python_check(post, "python3", target->python, "the base image", "the target is");
	add_libc_check(post, target->glibc);
	LINE(post,
	     "python3 -I -S -c 'import os, sys; have = os.uname().machine; sys.exit(None if have "
	     "== "
	     "\"%s\" else \"sealift: this machine is \" + have + \", the target is %s\")'",
	     machine, machine);
}

// The image says which bundle it is: the definition cannot hold the bundle's id, for the id covers
// the definition.
static void add_identity(struct definition_section *post)
{
	LINE(post, "rm -rf " RECIPE_META);
	LINE(post, "mv " RECIPE_STAGE "/meta " RECIPE_META);
	LINE(post,
	     "python3 -I -S -c 'import hashlib; print(\"org.sealift.bundle\", "
	     "hashlib.sha256(open(\"" RECIPE_META "/manifest.json\", \"rb\").read()).hexdigest())' "
	     ">>\"${APPTAINER_LABELS:-${SINGULARITY_LABELS:-/dev/null}}\"");
	LINE(post, "export TMPDIR=" RECIPE_STAGE "/tmp PYTHONDONTWRITEBYTECODE=1");
	LINE(post, "mkdir -p " RECIPE_STAGE "/tmp");
}

static void place_user_files(struct definition_section *post, const struct plan *plan,
			     const struct lock *lock)
{
	sl_auto_free char *before = sl_strdup("/");
	for (size_t i = 0; i < plan->files.len; i++) {
		const struct plan_file *file = &plan->files.items[i];
		char *folder = sl_strndup(file->to, (size_t)(strrchr(file->to, '/') - file->to));
		if (*folder && strcmp(folder, before) != 0)
			LINE(post, "mkdir -p '%s'", folder);
		LINE(post, "cp -T " RECIPE_STAGE "/files/%s '%s'",
		     hex_of(&lock->files.items[i].sha256).text, file->to);
		LINE(post, "chmod 0%03o '%s'", file->mode, file->to);
		free(before);
		before = folder;
	}
}

static void install_with_pip(struct definition_section *post, const struct plan *plan,
			     const struct render_facts *facts)
{
	LINE(post,
	     RECIPE_VENV
	     "/bin/python %s install %s--disable-pip-version-check --no-cache-dir --no-compile "
	     "%s%s%s--no-deps --only-binary :all: --require-hashes -r " RECIPE_STAGE
	     "/requirements.txt",
	     facts->carried ? RECIPE_STAGE "/installer.whl/pip" : "-m pip",
	     facts->carried ? "--isolated " : "",
	     plan->pip_env == PIP_ENV_BASE ? "--ignore-installed " : "",
	     facts->all_carried ? "--no-index " : "",
	     facts->carried ? "--find-links " RECIPE_STAGE "/wheels " : "");
}

// uv is a program inside its wheel. Its cache lies on the file system of the venv, so that files
// are linked from there and not copied.
static void install_with_uv(struct definition_section *post, const struct render_facts *facts)
{
	LINE(post, "python3 -I -S -c 'import zipfile; wheel = zipfile.ZipFile(\"" RECIPE_STAGE
		   "/installer.whl\"); open(\"" RECIPE_STAGE
		   "/uv\", \"wb\").write(wheel.read(next(name for name in wheel.namelist() if "
		   "name.endswith(\".data/scripts/uv\"))))'");
	LINE(post, "chmod 0755 " RECIPE_STAGE "/uv");
	LINE(post,
	     RECIPE_STAGE "/uv pip install --python " RECIPE_VENV
			  "/bin/python --no-config --cache-dir " RECIPE_STAGE
			  "/cache %s--find-links " RECIPE_STAGE
			  "/wheels --no-deps --only-binary :all: --require-hashes -r " RECIPE_STAGE
			  "/requirements.txt",
	     facts->all_carried ? "--no-index " : "");
}

static void install_packages(struct definition_section *post, const struct plan *plan,
			     const struct render_facts *facts)
{
	if (!facts->packages)
		return;
	LINE(post, "python3 -m venv %s%s" RECIPE_VENV,
	     plan->pip_env == PIP_ENV_BASE ? "--system-site-packages " : "",
	     facts->carried ? "--without-pip " : "");
	if (facts->uv)
		install_with_uv(post, facts);
	else
		install_with_pip(post, plan, facts);
	LINE(post,
	     RECIPE_VENV "/bin/python -m compileall -q -q -j 0 -x '/tests?/' --invalidation-mode "
			 "unchecked-hash " RECIPE_VENV "/lib/python%s/site-packages || :",
	     facts->minor);
	LINE(post, "export PATH=\"" RECIPE_VENV "/bin:$PATH\"");
}

static void run_post_scripts(struct definition_section *post, const struct plan *plan)
{
	for (size_t i = 0; i < plan->post.len; i++) {
		bool alone = plan->post.items[i].network == SCRIPT_NETWORK_NONE;
		LINE(post, "%ssh -eu " RECIPE_META "/scripts/post-%02zu.sh",
		     alone ? "unshare -n " : "", i + 1);
	}
}

// What the installer itself says is there: the agent holds it against the finished image.
static void list_installed(struct definition_section *post, const struct render_facts *facts)
{
	if (!facts->packages)
		LINE(post, "echo '[]' >" RECIPE_META "/installed.json");
	else if (facts->uv)
		LINE(post, RECIPE_STAGE "/uv pip list --python " RECIPE_VENV
					"/bin/python --no-config --cache-dir " RECIPE_STAGE
					"/cache --format json >" RECIPE_META "/installed.json");
	else
		LINE(post,
		     RECIPE_VENV "/bin/python %s list --disable-pip-version-check --format json "
				 "--path " RECIPE_VENV "/lib/python%s/site-packages >" RECIPE_META
				 "/installed.json",
		     facts->carried ? RECIPE_STAGE "/installer.whl/pip" : "-m pip", facts->minor);
}

static void render_post(const struct plan *plan, const struct lock *lock,
			const struct render_facts *facts, struct definition *out)
{
	struct definition_section *post = definition_add_section(out, "post");
	LINE(post, "set -eu");
	LINE(post, "umask 022");
	add_target_checks(post, &plan->target);
	add_identity(post);
	place_user_files(post, plan, lock);
	install_packages(post, plan, facts);
	run_post_scripts(post, plan);
	list_installed(post, facts);
	LINE(post, "rm -rf " RECIPE_STAGE " /root/.cache");
	LINE(post, "chmod -R a+rX " RECIPE_META "%s", facts->packages ? " " RECIPE_VENV : "");
}

// ---- the rest ------------------------------------------------------------------------------

static void render_environment(const struct plan *plan, const struct render_facts *facts,
			       struct definition *out)
{
	struct definition_section *section = definition_add_section(out, "environment");
	sl_list_each (&plan->env, pair) {
		sl_auto_buf struct sl_buf quoted;
		sl_buf_init(&quoted, rules_quoted_length(pair->value) + 1);
		rules_quote(&quoted, pair->value);
		LINE(section, "export %s=\"%s\"", pair->name, quoted.data);
	}
	LINE(section, "export PYTHONNOUSERSITE=\"1\"");
	if (facts->packages)
		LINE(section, "export PATH=\"" RECIPE_VENV "/bin:$PATH\"");
}

static void render_runscript(const struct plan *plan, struct definition *out)
{
	struct definition_section *section = definition_add_section(out, "runscript");
	if (plan->runscript)
		LINE(section, ". " RECIPE_META "/scripts/runscript.sh");
	LINE(section, "[ \"$#\" -gt 0 ] || set -- python3");
	LINE(section, "exec \"$@\"");
}

static void add_worker_test(struct definition_section *test, const char *version)
{
	LINE(test,
	     RECIPE_VENV
	     "/bin/python3 -I -c 'import globus_compute_endpoint, importlib.metadata, "
	     "sys; have = importlib.metadata.version(\"" RECIPE_WORKER
	     "\"); sys.exit(None if have == \"%s\" else \"sealift: the image has " RECIPE_WORKER
	     " \" + have + \", the plan says %s\")'",
	     version, version);
	LINE(test, "command -v " RECIPE_WORKER " >/dev/null");
}

static void render_test(const struct plan *plan, const struct render_facts *facts,
			struct definition *out)
{
	struct definition_section *test = definition_add_section(out, "test");
	LINE(test, "set -eu");
	LINE(test, "test -s " RECIPE_META "/installed.json");
	add_python_check(test, facts->packages ? RECIPE_VENV "/bin/python3" : "python3",
			 plan->target.python, "the image", "the plan says");
	if (plan->worker_version)
		add_worker_test(test, plan->worker_version);
	if (plan->test.len > 0)
		LINE(test, "%ssh -eu " RECIPE_META "/scripts/test.sh",
		     plan->test.items[0].network == SCRIPT_NETWORK_NONE ? "unshare -r -n " : "");
}

static void render_labels(const struct plan *plan, const struct sl_digest *recipe,
			  struct definition *out)
{
	struct definition_section *labels = definition_add_section(out, "labels");
	LINE(labels, "org.sealift.name %s", plan->name);
	LINE(labels, "org.sealift.version %s", plan->version);
	if (*plan->description)
		LINE(labels, "org.sealift.description %s", plan->description);
	if (plan->base.kind == BASE_DOCKER)
		LINE(labels, "org.sealift.base %s%s%s@sha256:%s", plan->base.reference,
		     plan->base.tag ? ":" : "", plan->base.tag ? plan->base.tag : "",
		     hex_of(&plan->base.digest).text);
	LINE(labels, "org.sealift.recipe %s", hex_of(recipe).text);
	sl_list_each (&plan->labels, pair) {
		LINE(labels, "%s %s", pair->name, pair->value);
	}
}

static size_t trimmed_length(const char *text)
{
	size_t len = strlen(text);
	while (len > 0 && strchr(" \t\n", text[len - 1]))
		len--;
	return len;
}

static void render_help(const struct plan *plan, struct definition *out)
{
	if (!plan->help)
		return;
	struct definition_section *help = definition_add_section(out, "help");
	const char *at = plan->help, *end = at + trimmed_length(at);
	while (at <= end) {
		const char *feed = memchr(at, '\n', (size_t)(end - at));
		const char *stop = feed ? feed : end;
		definition_add_line(help, sl_strndup(at, (size_t)(stop - at)));
		at = stop + 1;
	}
}

void render_definition(const struct plan *plan, const struct lock *lock,
		       const struct sl_digest *recipe, struct definition *out)
{
	struct render_facts facts = render_facts(plan, lock);
	*out = (struct definition){.bootstrap = sl_strdup(base_kind_name(plan->base.kind))};
	if (plan->base.kind == BASE_DOCKER)
		out->from = sl_format("%s@sha256:%s", plan->base.reference,
				      hex_of(&plan->base.digest).text);
	else
		out->from = sl_format("blobs/sha256/%s", hex_of(&lock->base.sha256).text);
	render_files(plan, lock, out);
	render_post(plan, lock, &facts, out);
	render_environment(plan, &facts, out);
	render_runscript(plan, out);
	render_test(plan, &facts, out);
	render_labels(plan, recipe, out);
	render_help(plan, out);
}
