// SPDX-License-Identifier: Apache-2.0
// sealift extract: a bundle as the folder that an image is built in. specs/bundle-format.md, "The
// build folder", says what lies where.
#include "bundles/commands/commands.h"
#include "bundles/commands/fresh_folder.h"
#include "bundles/commands/open_bundle.h"
#include "bundles/commands/show.h"

#include <stdio.h>
#include <string.h>

struct extract_options {
	const char *directory;
	struct judging_options judging;
	bool untrusted;
};

static const struct sl_option options[] = {
	{"directory", 'C', SL_OPT_PATH_OUT, offsetof(struct extract_options, directory), "DIR",
	 "make the folder DIR, which must not exist"},
	JUDGING_OPTIONS(struct extract_options, judging),
	{"untrusted", 0, SL_OPT_FLAG, offsetof(struct extract_options, untrusted), NULL,
	 "extract it even though it does not verify; digests are checked all the same"},
	SL_OPTION_END,
};

struct extracting {
	struct verified_bundle *bundle;
	struct fresh_folder folder;
	struct sl_progress progress;
};

static bool begin_file(const struct extracting *run, const char *name, struct sl_output *out,
		       struct sl_error *err)
{
	sl_auto_fd int dirfd = -1;
	const char *leaf;
	return sl_interrupt_check(err) &&
	       fresh_folder_place(&run->folder, name, &dirfd, &leaf, err) &&
	       sl_output_open_at(out, dirfd, leaf, name, 0644, SL_OUTPUT_NEW | SL_OUTPUT_NO_SYNC,
				 err);
}

static bool write_file(struct extracting *run, const char *name, const void *data, size_t len,
		       struct sl_error *err)
{
	sl_auto_output struct sl_output out = {0};
	if (!begin_file(run, name, &out, err))
		return false;
	sl_output_write(&out, data, len);
	sl_progress_add(&run->progress, len);
	return sl_output_commit(&out, err);
}

static bool write_head(struct extracting *run, struct sl_error *err)
{
	size_t len, count;
	const struct bundle_reader *reader = verified_reader(run->bundle);
	const char *manifest = bundle_manifest_text(reader, &len);
	const struct raw_signature *signatures = bundle_signatures(reader, &count);
	if (!write_file(run, "manifest.json", manifest, len, err))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!write_file(run, signatures[i].member, signatures[i].text, signatures[i].len,
				err))
			return false;
	return true;
}

static bool write_content(struct extracting *run, struct sl_error *err)
{
	sl_list_each (&verified_content(run->bundle)->files, file)
		if (!write_file(run, file->name, file->data, file->size, err))
			return false;
	return true;
}

// ---- blobs ----------------------------------------------------------------------------------

struct blob_target {
	struct sl_output out;
	struct sl_progress *progress;
};

static bool write_piece(void *context, const void *data, size_t len, struct sl_error *err)
{
	struct blob_target *target = context;
	sl_output_write(&target->out, data, len);
	sl_progress_add(target->progress, len);
	return target->out.first.kind == SL_E_NONE ||
	       sl_fail(err, target->out.first.kind, "%s", target->out.first.text);
}

// One blob of many, in any thread.
static bool write_blob(void *context, size_t index, struct sl_error *err)
{
	struct extracting *run = context;
	struct blob_target target = {.progress = &run->progress};
	char hex[SL_DIGEST_HEX + 1];
	sl_digest_hex(&verified_manifest(run->bundle)->blobs.items[index].sha256, hex);
	sl_auto_free char *name = sl_format("blobs/sha256/%s", hex);
	if (!begin_file(run, name, &target.out, err))
		return false;
	bool ok =
		bundle_copy_blob(verified_reader(run->bundle), index, write_piece, &target, err) &&
		sl_output_commit(&target.out, err);
	if (!ok)
		sl_output_discard(&target.out);
	return ok;
}

// ---- all of it ------------------------------------------------------------------------------

static uint64_t bytes_of(const struct verified_bundle *bundle)
{
	uint64_t bytes = 0;
	sl_list_each (&verified_manifest(bundle)->files, file)
		bytes += file->size;
	sl_list_each (&verified_manifest(bundle)->blobs, blob)
		bytes += blob->size;
	return bytes;
}

static bool fill(struct extracting *run, struct sl_error *err)
{
	sl_progress_begin(&run->progress, "extracting", bytes_of(run->bundle));
	bool ok = write_head(run, err) && write_content(run, err) &&
		  sl_parallel(verified_manifest(run->bundle)->blobs.len, 0, write_blob, run, err);
	sl_progress_end(&run->progress);
	return ok;
}

static bool extract(struct extracting *run, const char *path, struct sl_error *err)
{
	if (!fresh_folder_open(&run->folder, path, err))
		return false;
	if (fill(run, err) && fresh_folder_commit(&run->folder, err))
		return true;
	fresh_folder_discard(&run->folder);
	return false;
}

static int report(const struct extracting *run, const char *path)
{
	const struct manifest *manifest = verified_manifest(run->bundle);
	char size[16];
	sl_auto_free char *shown = show_escaped(path);
	sl_size_format(bytes_of(run->bundle), size);
	printf("%s: %s %s, %zu files and %zu blobs, %s\n", shown, manifest->name, manifest->version,
	       manifest->files.len, manifest->blobs.len, size);
	return sl_finish(0);
}

static int run(const void *values, int argc, char **operands)
{
	(void)argc;
	const struct extract_options *chosen = values;
	struct open_request request = {
		.path = operands[0],
		.judging = &chosen->judging,
		.untrusted = chosen->untrusted,
	};
	struct extracting run = {0};
	struct sl_error err = {0};
	auto_verdict struct verdict verdict = {0};
	auto_verified_bundle struct verified_bundle *bundle = NULL;
	if (!chosen->directory)
		sl_fail(&err, SL_E_USAGE, "-C DIR is missing: which folder is to be made?");
	else if (open_bundle(&request, &verdict, &bundle, &err)) {
		run.bundle = bundle;
		if (extract(&run, chosen->directory, &err))
			return report(&run, chosen->directory);
	}
	sl_complain(&err);
	return sl_exit_code(err.kind);
}

const struct sl_command command_extract = {
	.name = "extract",
	.operands = "BUNDLE",
	.summary = "lay a bundle out as a folder to build in",
	.description =
		"Makes DIR, which must not exist, with everything that the bundle holds; every "
		"digest is checked on\nthe way. DIR appears whole or not at all, for its owner "
		"only (0700). endpoint/BUILD-BY-HAND.md in\nit says how to build from it.",
	.options = options,
	.size = sizeof(struct extract_options),
	.min_operands = 1,
	.max_operands = 1,
	.reach = SL_REACH_NAMED | SL_REACH_CONFIG,
	.path_operands = 1,
	.run = run,
};
