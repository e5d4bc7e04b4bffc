// SPDX-License-Identifier: Apache-2.0
// Sealing. Facts, in order:
//  1. The temporary stands beside the target before anything else is done; nothing is renamed
//     before every byte of it has been checked, so a failure at any step leaves the target alone.
//  2. The lock gives size and digest of each blob, so the manifest is complete before a blob is
//     opened, and with the signature's length the place of every byte is known.
//  3. Hence the signature is asked for before blobs are copied: a password or a token's button
//     comes at once, not after minutes, and a refusal costs nothing.
//  4. Space is reserved for the whole file; what nobody writes to (padding, end blocks) is zero.
//  5. Each blob is read once: the bytes that are hashed are the bytes that are written.
#include "bundles/format/format.h"

#include "bundles/format/content.h"
#include "bundles/format/layout.h"
#include "bundles/format/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

struct sealing {
	const struct seal_request *request;
	const struct seal_blob **sources; // of each blob of the manifest, in its order
	size_t *order;			  // indexes into these, largest first
	struct manifest manifest;
	struct sl_buf frame, head;
	struct layout layout;
	struct sl_output output;
};

// ---- what goes in --------------------------------------------------------------------------

static int compare_sources(const void *a, const void *b)
{
	const struct seal_blob *left = *(const struct seal_blob *const *)a;
	const struct seal_blob *right = *(const struct seal_blob *const *)b;
	int order = sl_digest_compare(&left->sha256, &right->sha256);
	return order ? order : strcmp(left->path, right->path);
}

static bool same_blob(const struct seal_blob *kept, const struct seal_blob *again, bool *same_out,
		      struct sl_error *err)
{
	*same_out = sl_digest_equal(&kept->sha256, &again->sha256);
	if (!*same_out || kept->size == again->size)
		return true;
	sl_auto_free char *shown = sl_text_shown(again->path);
	return sl_fail(err, SL_E_FORMAT,
		       "cannot seal '%s': one sha256 is stated with two sizes, %ju and %ju", shown,
		       (uintmax_t)kept->size, (uintmax_t)again->size);
}

// Sorted by digest, each once.
static bool list_blobs(struct sealing *sealing, struct sl_error *err)
{
	const struct seal_request *request = sealing->request;
	size_t len = request->blobs_len, kept = 0;
	const struct seal_blob **sources = sl_alloc_array(len, sizeof *sources);
	sealing->sources = sources;
	for (size_t i = 0; i < len; i++)
		sources[i] = &request->blobs[i];
	if (len > 1)
		qsort(sources, len, sizeof *sources, compare_sources);
	for (size_t i = 0; i < len; i++) {
		bool again = false;
		if (kept > 0 && !same_blob(sources[kept - 1], sources[i], &again, err))
			return false;
		if (again)
			continue;
		sources[kept++] = sources[i];
		*sl_list_add(&sealing->manifest.blobs) =
			(struct manifest_blob){sources[i]->sha256, sources[i]->size};
	}
	return true;
}

static void describe(const struct seal_request *request, struct manifest *manifest)
{
	const struct plan *plan = request->plan;
	manifest->name = sl_strdup(plan->name);
	manifest->version = sl_strdup(plan->version);
	manifest->python = sl_strdup(plan->target.python);
	manifest->platform = sl_strdup(plan->target.platform);
	manifest->glibc = sl_strdup(plan->target.glibc);
	manifest->closure = request->closure;
	manifest->recipe = RECIPE_NUMBER;
}

// ---- the head: members 1 to 3 --------------------------------------------------------------

static bool sign(const struct seal_request *request, const struct sl_buf *manifest,
		 char **signature_out, struct sl_error *err)
{
	if (!request->sign(request->sign_context, manifest->data, manifest->len, signature_out,
			   err))
		return false;
	size_t len = strlen(*signature_out);
	if (len > 0 && len <= SL_LIMIT_SIGNATURE)
		return true;
	return sl_fail(err, SL_E_LIMIT, "the signature has %zu bytes, not 1 to %d", len,
		       SL_LIMIT_SIGNATURE);
}

static bool make_head(struct sealing *sealing, struct sl_digest *id_out, struct sl_error *err)
{
	sl_auto_buf struct sl_buf text;
	sl_auto_free char *signature = NULL;
	sl_buf_init(&text, SL_LIMIT_MANIFEST);
	if (!manifest_format(&sealing->manifest, &text, err) ||
	    !sign(sealing->request, &text, &signature, err))
		return false;
	*id_out = sl_sha256_bytes(text.data, text.len);
	return layout_add_member(&sealing->head, MEMBER_MANIFEST, text.data, text.len, err) &&
	       layout_add_member(&sealing->head, MEMBER_PREPARE, signature, strlen(signature),
				 err) &&
	       layout_make(&sealing->manifest, sealing->head.len, &sealing->layout, err);
}

// ---- what goes out -------------------------------------------------------------------------

static bool put(const struct sealing *sealing, const void *data, size_t len, uint64_t at,
		struct sl_error *err)
{
	return sl_pwrite_all(sealing->output.fd, data, len, at, sealing->output.shown, err);
}

static bool put_header(const struct sealing *sealing, const char *name, uint64_t size, uint64_t at,
		       struct sl_error *err)
{
	unsigned char header[TAR_BLOCK];
	return tar_header_make(name, size, header, err) &&
	       put(sealing, header, sizeof header, at, err);
}

// A full disk is noticed here, before the long work. Where a file system cannot reserve, the file
// only gets its length, and a full disk is noticed by the write that meets it.
static bool reserve(const struct sealing *sealing, struct sl_error *err)
{
	int fd = sealing->output.fd;
	off_t total = (off_t)sealing->layout.total;
	if (fallocate(fd, 0, 0, total) == 0)
		return true;
	if (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL)
		return sl_fail_errno(err, "cannot write '%s'", sealing->output.shown);
	if (ftruncate(fd, total) != 0)
		return sl_fail_errno(err, "cannot write '%s'", sealing->output.shown);
	return true;
}

struct blob_place {
	const struct sealing *sealing;
	uint64_t at;
};

// Writing to the disk starts now, so that the final fsync finds little left to do.
static bool put_piece(void *context, const void *data, size_t len, struct sl_error *err)
{
	struct blob_place *place = context;
	if (!put(place->sealing, data, len, place->at, err))
		return false;
	sync_file_range(place->sealing->output.fd, (off_t)place->at, (off_t)len,
			SYNC_FILE_RANGE_WRITE);
	place->at += len;
	return true;
}

static bool check_length(int fd, const struct seal_blob *blob, uint64_t size, const char *shown,
			 struct sl_error *err)
{
	char byte;
	if (size == blob->size && pread(fd, &byte, 1, (off_t)size) <= 0)
		return true;
	return sl_fail(err, SL_E_FORMAT,
		       "cannot seal '%s': it has %s%ju bytes, but %ju were locked; lock it again",
		       shown, size == blob->size ? "more than " : "", (uintmax_t)size,
		       (uintmax_t)blob->size);
}

static bool check_digest(const struct seal_blob *blob, const struct sl_digest *found,
			 const char *shown, struct sl_error *err)
{
	if (sl_digest_equal(&blob->sha256, found))
		return true;
	char locked[SL_DIGEST_HEX + 1], hex[SL_DIGEST_HEX + 1];
	sl_digest_hex(&blob->sha256, locked);
	sl_digest_hex(found, hex);
	return sl_fail(
		err, SL_E_FORMAT,
		"cannot seal '%s': it has sha256 %s, but %s was locked; get the locked file, "
		"or lock it again",
		shown, hex, locked);
}

static bool copy_blob(const struct sealing *sealing, const struct seal_blob *blob, uint64_t at,
		      struct sl_error *err)
{
	sl_auto_fd int fd = -1;
	uint64_t size;
	if (!sl_open_input(blob->path, &fd, &size, err))
		return false;
	sl_auto_free char *shown = sl_text_shown(blob->path);
	if (size != blob->size)
		return check_length(fd, blob, size, shown, err);
	struct blob_place place = {sealing, at};
	struct pump pump = {.fd = fd,
			    .size = size,
			    .shown = shown,
			    .take = put_piece,
			    .context = &place,
			    .progress = sealing->request->progress};
	struct sl_digest found;
	return pump_run(&pump, &found, err) && check_digest(blob, &found, shown, err) &&
	       check_length(fd, blob, size, shown, err);
}

static bool put_blob(void *context, size_t job, struct sl_error *err)
{
	const struct sealing *sealing = context;
	size_t i = sealing->order[job];
	const struct manifest_blob *blob = &sealing->manifest.blobs.items[i];
	uint64_t at = sealing->layout.blobs_at[i];
	char name[BLOB_NAME_SIZE];
	layout_blob_name(&blob->sha256, name);
	return put_header(sealing, name, blob->size, at, err) &&
	       copy_blob(sealing, sealing->sources[i], at + TAR_BLOCK, err);
}

static bool put_blobs(struct sealing *sealing, struct sl_error *err)
{
	const struct seal_request *request = sealing->request;
	if (request->progress)
		sl_progress_begin(request->progress, "sealing", sealing->layout.total);
	sealing->order = layout_by_size(&sealing->manifest);
	bool ok = sl_parallel(sealing->manifest.blobs.len, pump_threads(0), put_blob, sealing, err);
	if (request->progress)
		sl_progress_end(request->progress);
	return ok;
}

static bool put_all(struct sealing *sealing, struct sl_error *err)
{
	const struct sl_buf *head = &sealing->head, *frame = &sealing->frame;
	uint64_t content_at = sealing->layout.content_at;
	return reserve(sealing, err) && put(sealing, head->data, head->len, 0, err) &&
	       put_header(sealing, MEMBER_CONTENT, frame->len, content_at, err) &&
	       put(sealing, frame->data, frame->len, content_at + TAR_BLOCK, err) &&
	       put_blobs(sealing, err);
}

static void sealing_release(struct sealing *sealing)
{
	sl_output_discard(&sealing->output);
	layout_release(&sealing->layout);
	manifest_release(&sealing->manifest);
	sl_buf_release(&sealing->frame);
	sl_buf_release(&sealing->head);
	free(sealing->sources);
	free(sealing->order);
}

bool bundle_seal(const struct seal_request *request, const char *path, struct sl_digest *id_out,
		 struct sl_error *err)
{
	struct sealing sealing = {.request = request, .output = {.dirfd = -1, .fd = -1}};
	sl_buf_init(&sealing.frame, SL_LIMIT_CONTENT_ZST);
	sl_buf_init(&sealing.head, LAYOUT_HEAD_MAX);
	describe(request, &sealing.manifest);
	struct sl_digest id;
	bool ok = sl_output_open(&sealing.output, path, 0644, SL_OUTPUT_REPLACE, err) &&
		  list_blobs(&sealing, err) &&
		  content_pack(request->content, &sealing.frame, &sealing.manifest, err) &&
		  make_head(&sealing, &id, err) && put_all(&sealing, err) &&
		  sl_output_commit(&sealing.output, err);
	if (ok)
		*id_out = id;
	sealing_release(&sealing);
	return ok;
}
