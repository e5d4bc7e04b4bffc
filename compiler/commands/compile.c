// SPDX-License-Identifier: Apache-2.0
// sealift compile: spec -> plan -> lock -> content -> sealed bundle.
#include "bundles/commands/show.h"
#include "bundles/commands/signing.h"
#include "bundles/trust/trust.h"
#include "compiler/commands/commands.h"
#include "compiler/commands/spec_file.h"
#include "compiler/pins/pins.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct compile_options {
	const char *output;
	struct signing_options signing;
	struct sl_words wheelhouses;
	int64_t threads;
	bool allow_open, json;
};

static const struct sl_option options[] = {
	{"output", 'o', SL_OPT_STRING, offsetof(struct compile_options, output), "FILE",
	 "the bundle to write (default: NAME-VERSION.sealift)"},
	SIGNING_OPTIONS(struct compile_options, signing),
	{"wheelhouse", 'w', SL_OPT_LIST, offsetof(struct compile_options, wheelhouses), "DIR",
	 "take wheels from DIR, too"},
	{"allow-open", 0, SL_OPT_FLAG, offsetof(struct compile_options, allow_open), NULL,
	 "seal a bundle although some of its inputs are not pinned"},
	{"threads", 0, SL_OPT_NUMBER, offsetof(struct compile_options, threads), "N",
	 "how many threads hash and copy (default: one per processor)"},
	{"json", 0, SL_OPT_FLAG, offsetof(struct compile_options, json), NULL,
	 "report as JSON on stdout"},
	SL_OPTION_END,
};

// Everything of one run, so that each step takes one thing.
struct compiling {
	const struct compile_options *options;
	struct spec_file spec;
	struct pins pins;
	struct closure_report closure;
	struct content content;
	struct signing signing;
	int64_t time;
	struct sl_digest id;
	char *output;
	uint64_t size;
};

// ---- what is said ---------------------------------------------------------------------------

static void print_closure(const struct closure_report *report)
{
	sl_note("closure: %s", closure_name(report->closure));
	sl_list_each (&report->inputs, input)
		sl_note("  %-7s %s: %s", closure_name(input->closure), input->what, input->why);
}

static void print_result_json(const struct compiling *run)
{
	char hex[SL_DIGEST_HEX + 1];
	sl_digest_hex(&run->id, hex);
	sl_auto_json json_t *json = json_object();
	sl_json_set_string(json, "bundle", hex);
	sl_json_set_string(json, "closure", closure_name(run->closure.closure));
	sl_json_set_bool(json, "dependencies_checked", run->pins.lock->dependencies_checked);
	sl_json_set_string(json, "file", run->output);
	sl_json_set_string(json, "name", run->spec.plan->name);
	json_t *notes = json_array();
	sl_list_each (&run->pins.notes, note)
		sl_json_append(notes, json_string(*note));
	sl_json_set(json, "notes", notes);
	sl_json_set_uint(json, "packages", run->pins.lock->packages.len);
	sl_json_set_uint(json, "size", run->size);
	sl_json_set_string(json, "version", run->spec.plan->version);
	json_dumpf(json, stdout, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
	putchar('\n');
}

static json_t *strings_json(char *const *items, size_t len)
{
	json_t *json = json_array();
	for (size_t i = 0; i < len; i++)
		sl_json_append(json, show_json_string(items[i]));
	return json;
}

// Why there is no lock; any other failure is told on stderr alone.
static void print_problems_json(const struct compiling *run, const struct sl_error *err)
{
	const struct pins *pins = &run->pins;
	sl_auto_json json_t *json = json_object();
	sl_json_set(json, "error", show_json_string(err->text));
	sl_json_set_uint(json, "exit_code", (uint64_t)sl_exit_code(err->kind));
	sl_json_set_string(json, "kind", sl_kind_name(err->kind));
	sl_json_set(json, "missing", strings_json(pins->missing.items, pins->missing.len));
	sl_json_set(json, "problems", strings_json(pins->problems.items, pins->problems.len));
	json_dumpf(json, stdout, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
	putchar('\n');
}

static void print_result(const struct compiling *run)
{
	char hex[SL_DIGEST_HEX + 1], size[16];
	sl_digest_hex(&run->id, hex);
	sl_size_format(run->size, size);
	sl_auto_free char *file = sl_text_shown(run->output);
	printf("%s\n  bundle   %s\n  name     %s %s\n  closure  %s\n  packages %zu%s\n  size     "
	       "%s\n",
	       file, hex, run->spec.plan->name, run->spec.plan->version,
	       closure_name(run->closure.closure), run->pins.lock->packages.len,
	       run->pins.lock->dependencies_checked || run->pins.lock->packages.len == 0
		       ? ""
		       : " (dependencies not checked)",
	       size);
}

// ---- the steps ------------------------------------------------------------------------------

static bool read_spec(struct compiling *run, const char *path, struct sl_error *err)
{
	if (spec_file_read(&run->spec, path, err))
		return true;
	spec_file_print_problems(&run->spec);
	return false;
}

static bool pin(struct compiling *run, struct sl_error *err)
{
	struct sl_progress progress;
	sl_progress_begin(&progress, "hashing", 0);
	const char *folder = run->spec.folder_path;
	struct pin_sources sources = {
		.spec_dir = run->spec.folder,
		.spec_shown = strcmp(folder, ".") == 0 ? "" : folder,
		.wheelhouses = run->options->wheelhouses,
		.threads = (unsigned)run->options->threads,
		.progress = &progress,
	};
	bool ok = resolve(run->spec.plan, &sources, &run->pins, err);
	sl_progress_end(&progress);
	sl_list_each (&run->pins.problems, problem)
		fprintf(stderr, "%s\n", *problem);
	sl_list_each (&run->pins.notes, note)
		sl_note("note: %s", *note);
	return ok;
}

static bool check_closure(struct compiling *run, struct sl_error *err)
{
	closure_compute(run->spec.plan, run->pins.lock, &run->closure);
	print_closure(&run->closure);
	if (run->closure.closure != CLOSURE_OPEN || run->options->allow_open)
		return true;
	return sl_fail(err, SL_E_INPUT,
		       "the spec is open: not every input is named by a digest (see above); pin "
		       "them, mark scripts 'network: none', or say --allow-open");
}

static const struct pin_object *find_object(const struct pins *pins, const struct sl_digest *sha256)
{
	sl_list_each (&pins->objects, object)
		if (sl_digest_equal(&object->blob.sha256, sha256))
			return object;
	return NULL;
}

// User files up to SL_INLINE_FILE travel in the content; they are read again, so compared again.
static bool add_inline_file(struct compiling *run, const struct lock_blob *file,
			    struct sl_error *err)
{
	char hex[SL_DIGEST_HEX + 1];
	sl_digest_hex(&file->sha256, hex);
	sl_auto_free char *name = sl_format("files/%s", hex);
	if (file->size > SL_INLINE_FILE || content_find(&run->content, name))
		return true;
	const struct pin_object *object = find_object(&run->pins, &file->sha256);
	assert(object); // whatever the lock names has been pinned
	sl_auto_buf struct sl_buf text;
	sl_buf_init(&text, SL_INLINE_FILE);
	if (!sl_read_file(object->path, &text, err))
		return false;
	struct sl_digest now = sl_sha256_bytes(text.data, text.len);
	if (!sl_digest_equal(&now, &file->sha256))
		return sl_fail(err, SL_E_IO, "'%s' changed while it was read", object->path);
	content_add(&run->content, name, text.data, text.len);
	return true;
}

static bool add_inline_files(struct compiling *run, struct sl_error *err)
{
	sl_list_each (&run->pins.lock->files, file)
		if (!add_inline_file(run, file, err))
			return false;
	return true;
}

static bool render(struct compiling *run, struct sl_error *err)
{
	if (!recipe_render(run->spec.plan, run->pins.lock, &run->content, err) ||
	    !add_inline_files(run, err))
		return false;
	content_add(&run->content, "spec", run->spec.text.data, run->spec.text.len);
	return true;
}

static bool sign(void *context, const char *manifest, size_t len, char **signature_out,
		 struct sl_error *err)
{
	const struct compiling *run = context;
	struct sl_digest id = sl_sha256_bytes(manifest, len);
	struct statement statement = signing_statement(ROLE_PREPARE, &id, run->spec.plan->name,
						       run->spec.plan->version, run->time);
	return signing_make(&run->signing, &statement, manifest, len, signature_out, err);
}

// The blobs of the bundle: every object that does not travel in the content.
static struct seal_blob *collect_blobs(const struct compiling *run, size_t *len_out)
{
	struct seal_blob *blobs = sl_alloc_array(run->pins.objects.len, sizeof *blobs);
	size_t count = 0;
	sl_list_each (&run->pins.objects, object) {
		char hex[SL_DIGEST_HEX + 1];
		sl_digest_hex(&object->blob.sha256, hex);
		sl_auto_free char *name = sl_format("files/%s", hex);
		if (!content_find(&run->content, name))
			blobs[count++] = (struct seal_blob){object->blob.sha256, object->blob.size,
							    object->path};
	}
	*len_out = count;
	return blobs;
}

static bool seal(struct compiling *run, struct sl_error *err)
{
	size_t count = 0;
	sl_auto_free struct seal_blob *blobs = collect_blobs(run, &count);
	uint64_t total = 0;
	for (size_t i = 0; i < count; i++)
		total += blobs[i].size;
	struct sl_progress progress;
	sl_progress_begin(&progress, "sealing", total);
	struct seal_request request = {
		.plan = run->spec.plan,
		.closure = run->closure.closure,
		.content = &run->content,
		.blobs = blobs,
		.blobs_len = count,
		.sign = sign,
		.sign_context = run,
		.progress = &progress,
	};
	bool ok = bundle_seal(&request, run->output, &run->id, err);
	sl_progress_end(&progress);
	return ok;
}

// Only a bundle may be replaced: never the spec, a key or a base because of a slip after -o. A name
// of ours says enough, so that a bundle that was cut short is no obstacle.
static bool may_be_replaced(const char *path)
{
	static const char ending[] = ".sealift";
	size_t len = strlen(path), own = strlen(ending);
	if (len > own && strcmp(path + len - own, ending) == 0)
		return true;
	struct sl_error ignored = {0};
	struct bundle_reader *reader = NULL;
	bool good = bundle_open(path, &reader, &ignored);
	bundle_close(reader);
	return good;
}

static bool name_output(struct compiling *run, struct sl_error *err)
{
	const struct plan *plan = run->spec.plan;
	run->output = run->options->output ? sl_strdup(run->options->output)
					   : sl_format("%s-%s.sealift", plan->name, plan->version);
	struct stat st;
	if (lstat(run->output, &st) != 0 || (S_ISREG(st.st_mode) && st.st_size == 0) ||
	    may_be_replaced(run->output))
		return true; // what else may be wrong with it is told when it is opened
	sl_auto_free char *shown = sl_text_shown(run->output);
	return sl_fail(err, SL_E_IO,
		       "cannot write '%s': it exists and is not a bundle; give another name after "
		       "-o, or remove it",
		       shown);
}

static bool measure(struct compiling *run, struct sl_error *err)
{
	sl_auto_fd int fd = -1;
	return sl_open_input(run->output, &fd, &run->size, err);
}

static bool compile(struct compiling *run, const char *path, struct sl_error *err)
{
	if (!signing_time(&run->options->signing, &run->time, err) || !read_spec(run, path, err) ||
	    !name_output(run, err) || !signing_begin(&run->options->signing, &run->signing, err) ||
	    !pin(run, err) || !check_closure(run, err) || !render(run, err))
		return false;
	return seal(run, err) && measure(run, err);
}

static void release(struct compiling *run)
{
	spec_file_release(&run->spec);
	pins_release(&run->pins);
	closure_report_release(&run->closure);
	content_release(&run->content);
	signing_end(&run->signing);
	free(run->output);
}

static bool before(void *values, int argc, char **operands, struct sl_error *err)
{
	(void)argc;
	(void)operands;
	struct compile_options *chosen = values;
	return signing_before(&chosen->signing, err);
}

static int run_compile(const void *given, int argc, char **operands)
{
	(void)argc;
	struct sl_error err = {0};
	struct compiling run = {.options = given, .spec = {.folder = -1}};
	sl_heap_prepare();
	bool ok = run.options->threads <= SL_THREADS_MAX ||
		  sl_fail(&err, SL_E_USAGE, "--threads is at most %d", SL_THREADS_MAX);
	ok = ok && compile(&run, operands[0], &err);
	if (!ok)
		sl_complain(&err);
	if (!ok && run.options->json && run.pins.problems.len)
		print_problems_json(&run, &err);
	else if (ok && run.options->json)
		print_result_json(&run);
	else if (ok)
		print_result(&run);
	release(&run);
	return sl_finish(sl_exit_code(err.kind));
}

const struct sl_command command_compile = {
	.name = "compile",
	.operands = "SPEC",
	.summary = "make a signed bundle from a spec, without a network",
	.description =
		"Reads SPEC and everything it names, checks that all of it fits together for the\n"
		"target, and writes one signed bundle. Wheels must match the hashes of the\n"
		"requirements file, fit the target, and need nothing that the lock lacks.\n"
		"The same spec and inputs give the same bundle id on any machine; the same key "
		"and\n"
		"--signing-time give the same bytes. The bundle appears whole or not at all.",
	.options = options,
	.size = sizeof(struct compile_options),
	.min_operands = 1,
	.max_operands = 1,
	.before = before,
	.run = run_compile,
};
