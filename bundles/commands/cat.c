// SPDX-License-Identifier: Apache-2.0
// sealift cat: one member of a bundle to stdout, not a byte of it unchecked.
#include "bundles/commands/commands.h"
#include "bundles/commands/open_bundle.h"

#include <stdio.h>
#include <string.h>

#define BLOB_PREFIX "blobs/sha256/"

struct cat_options {
	struct judging_options judging;
	bool untrusted;
};

static const struct sl_option options[] = {
	JUDGING_OPTIONS(struct cat_options, judging),
	{"untrusted", 0, SL_OPT_FLAG, offsetof(struct cat_options, untrusted), NULL,
	 "show it even though it does not verify; digests are checked all the same"},
	SL_OPTION_END,
};

// Text that a terminal shows as it is: nothing that sl_text_escape() would change but line ends,
// tabs and backslashes.
static bool is_plain_text(const char *data, size_t len)
{
	sl_auto_buf struct sl_buf escaped = {0};
	sl_buf_init(&escaped, 64);
	for (size_t i = 0; i < len;) {
		uint32_t code = 0;
		size_t step = sl_text_decode(data + i, len - i, &code);
		sl_buf_clear(&escaped);
		sl_text_escape(&escaped, data + i, step ? step : 1);
		bool plain = code == '\n' || code == '\t' || code == '\\';
		if (step == 0 || (!plain && escaped.len != step))
			return false;
		i += step;
	}
	return true;
}

static bool write_bytes(const char *member, const void *data, size_t len, struct sl_error *err)
{
	sl_auto_free char *shown = sl_text_shown(member);
	if (isatty(STDOUT_FILENO) && !is_plain_text(data, len))
		return sl_fail(err, SL_E_USAGE,
			       "'%s' is not plain text: send it to a file or a pipe", shown);
	return fwrite(data, 1, len, stdout) == len || sl_fail_errno(err, "cannot write to stdout");
}

// ---- blobs ----------------------------------------------------------------------------------

static bool drop_piece(void *context, const void *data, size_t len, struct sl_error *err)
{
	(void)context, (void)data, (void)len, (void)err;
	return true;
}

static bool write_piece(void *context, const void *data, size_t len, struct sl_error *err)
{
	(void)context;
	return fwrite(data, 1, len, stdout) == len || sl_fail_errno(err, "cannot write to stdout");
}

static bool find_blob(const struct manifest *manifest, const char *member, size_t *index_out)
{
	struct sl_digest digest;
	if (!sl_digest_parse(member + strlen(BLOB_PREFIX), &digest))
		return false;
	for (size_t i = 0; i < manifest->blobs.len; i++) {
		if (sl_digest_equal(&manifest->blobs.items[i].sha256, &digest)) {
			*index_out = i;
			return true;
		}
	}
	return false;
}

// Read twice: what leaves through a pipe cannot be taken back when its digest turns out wrong.
static bool cat_blob(struct verified_bundle *bundle, size_t index, struct sl_error *err)
{
	if (isatty(STDOUT_FILENO))
		return sl_fail(err, SL_E_USAGE,
			       "a blob is not plain text: send it to a file or a pipe");
	struct bundle_reader *reader = verified_reader(bundle);
	return bundle_copy_blob(reader, index, drop_piece, NULL, err) &&
	       bundle_copy_blob(reader, index, write_piece, NULL, err);
}

// ---- members --------------------------------------------------------------------------------

static bool cat_head(struct verified_bundle *bundle, const char *member, bool *found_out,
		     struct sl_error *err)
{
	size_t len, count;
	const char *manifest = bundle_manifest_text(verified_reader(bundle), &len);
	const struct raw_signature *signatures = bundle_signatures(verified_reader(bundle), &count);
	*found_out = true;
	if (strcmp(member, "manifest.json") == 0)
		return write_bytes(member, manifest, len, err);
	for (size_t i = 0; i < count; i++)
		if (strcmp(member, signatures[i].member) == 0)
			return write_bytes(member, signatures[i].text, signatures[i].len, err);
	*found_out = false;
	return true;
}

static bool cat_member(struct verified_bundle *bundle, const char *member, struct sl_error *err)
{
	bool found = false;
	size_t index;
	if (!cat_head(bundle, member, &found, err) || found)
		return found;
	if (strncmp(member, BLOB_PREFIX, strlen(BLOB_PREFIX)) == 0 &&
	    find_blob(verified_manifest(bundle), member, &index))
		return cat_blob(bundle, index, err);
	const struct content_file *file = content_find(verified_content(bundle), member);
	if (file)
		return write_bytes(member, file->data, file->size, err);
	sl_auto_free char *shown = sl_text_shown(member);
	return sl_fail(err, SL_E_USAGE,
		       "the bundle has no member '%s' (`sealift inspect` lists them)", shown);
}

static int run(const void *values, int argc, char **operands)
{
	(void)argc;
	const struct cat_options *chosen = values;
	struct open_request request = {
		.path = operands[0],
		.judging = &chosen->judging,
		.untrusted = chosen->untrusted,
	};
	struct sl_error err = {0};
	auto_verdict struct verdict verdict = {0};
	auto_verified_bundle struct verified_bundle *bundle = NULL;
	if (open_bundle(&request, &verdict, &bundle, &err) && cat_member(bundle, operands[1], &err))
		return sl_finish(0);
	sl_complain(&err);
	return sl_exit_code(err.kind);
}

const struct sl_command command_cat = {
	.name = "cat",
	.operands = "BUNDLE MEMBER",
	.summary = "write one member of a bundle to stdout",
	.description =
		"MEMBER is manifest.json, a signature, a file of the content (spec, plan.json, "
		"image.def, ...) or\nblobs/sha256/<hex>. Its bytes are checked before the first "
		"of them is written. Binary data is not\nwritten to a terminal.",
	.options = options,
	.size = sizeof(struct cat_options),
	.min_operands = 2,
	.max_operands = 2,
	.reach = SL_REACH_NAMED | SL_REACH_CONFIG,
	.path_operands = 1,
	.run = run,
};
