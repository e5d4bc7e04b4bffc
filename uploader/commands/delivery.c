// SPDX-License-Identifier: Apache-2.0
#include "uploader/commands/delivery.h"

static bool feed_blob(void *context, size_t index, transport_sink *sink, void *sink_context,
		      struct sl_error *err)
{
	return bundle_copy_blob(context, index, sink, sink_context, err);
}

static bool read_blob(void *context, size_t index, uint64_t offset, void *data, size_t len,
		      struct sl_error *err)
{
	return bundle_read_blob(context, index, offset, data, len, err);
}

static void add_bytes(struct delivery *delivery, const void *data, size_t size,
		      const struct sl_digest *sha256)
{
	*sl_list_add(&delivery->objects) = (struct transport_object){
		.sha256 = *sha256,
		.size = size,
		.data = data,
	};
}

static void add_signatures(struct delivery *delivery, const struct verified_bundle *bundle)
{
	size_t len;
	const struct raw_signature *signatures = verified_signatures(bundle, &len);

	for (size_t i = 0; i < len; i++) {
		struct sl_digest sha256 = sl_sha256_bytes(signatures[i].text, signatures[i].len);
		add_bytes(delivery, signatures[i].text, signatures[i].len, &sha256);
		*sl_list_add(&delivery->signatures) = (struct delivery_signature){
			.name = signatures[i].member,
			.sha256 = sha256,
		};
	}
}

static void add_blobs(struct delivery *delivery, const struct manifest *manifest,
		      struct bundle_reader *reader)
{
	for (size_t i = 0; i < manifest->blobs.len; i++)
		*sl_list_add(&delivery->objects) = (struct transport_object){
			.sha256 = manifest->blobs.items[i].sha256,
			.size = manifest->blobs.items[i].size,
			.feed = feed_blob,
			.read = read_blob,
			.context = reader,
			.index = i,
		};
}

static int compare_objects(const void *a, const void *b)
{
	const struct transport_object *left = a, *right = b;

	return sl_digest_compare(&left->sha256, &right->sha256);
}

// Two files of a bundle may have the same bytes: one object.
static void sort_and_join(struct delivery *delivery)
{
	struct transport_object *items = delivery->objects.items;
	size_t kept = 0;

	qsort(items, delivery->objects.len, sizeof *items, compare_objects);
	for (size_t i = 0; i < delivery->objects.len; i++)
		if (i == 0 || compare_objects(&items[kept - 1], &items[i]) != 0)
			items[kept++] = items[i];
	delivery->objects.len = kept;
}

// The manifest of a verified bundle lists the very files of its content, in the same order.
static void add_files(struct delivery *delivery, const struct manifest *manifest,
		      const struct content *content)
{
	for (size_t i = 0; i < content->files.len; i++)
		add_bytes(delivery, content->files.items[i].data, content->files.items[i].size,
			  &manifest->files.items[i].sha256);
}

void delivery_init(struct delivery *delivery, struct verified_bundle *bundle)
{
	struct bundle_reader *reader = verified_reader(bundle);
	struct sl_digest id = verified_id(bundle);
	size_t len;
	const char *manifest = bundle_manifest_text(reader, &len);

	*delivery = (struct delivery){0};
	add_bytes(delivery, manifest, len, &id);
	add_signatures(delivery, bundle);
	add_files(delivery, verified_manifest(bundle), verified_content(bundle));
	add_blobs(delivery, verified_manifest(bundle), reader);
	sort_and_join(delivery);
}

void delivery_release(struct delivery *delivery)
{
	sl_list_release(&delivery->objects);
	sl_list_release(&delivery->signatures);
}

size_t delivery_batch(const struct delivery *delivery, const bool *missing,
		      const struct transport_ops *ops, size_t at,
		      const struct transport_object **batch, size_t *len_out)
{
	uint64_t room = ops->put_bytes;
	size_t len = 0;

	for (; at < delivery->objects.len && len < ops->put_objects; at++) {
		const struct transport_object *object = &delivery->objects.items[at];
		if (!missing[at])
			continue;
		if (len > 0 && object->size > room)
			break;
		batch[len++] = object;
		room -= object->size < room ? object->size : room;
	}
	*len_out = len;
	return at;
}

uint64_t delivery_size(const struct delivery *delivery, const bool *missing, size_t *count_out)
{
	uint64_t size = 0;

	*count_out = 0;
	for (size_t i = 0; i < delivery->objects.len; i++)
		if (missing[i]) {
			size += delivery->objects.items[i].size;
			*count_out += 1;
		}
	return size;
}
