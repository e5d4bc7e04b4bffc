// SPDX-License-Identifier: Apache-2.0
// The post "local": one agent process, one errand after the other. The process is started for the
// first errand and again after it was lost.
#include "uploader/transport/post.h"
#include "uploader/wire/base64.h"

#include <string.h>

#define FETCH_BYTES ((size_t)(6 * SL_MIB)) // the agent hands out 8 at most

struct waiting {
	struct errand errand;
	json_t *request;
};

struct post_local {
	struct post base; // first
	const struct transport_ops *ops;
	struct transport *transport; // NULL until it is needed
	bool running;		     // an errand is carried out just now
	SL_LIST(struct waiting) queue;
};

static bool local_open(const struct post_setup *setup, struct post **out, struct sl_error *err)
{
	(void)setup;
	(void)err;
	struct post_local *local = sl_alloc(sizeof *local);
	local->ops = &transport_local;
	*out = &local->base;
	return true;
}

static void local_close(struct post *post)
{
	struct post_local *local = (struct post_local *)post;
	transport_close(local->transport);
	sl_list_each (&local->queue, waiting)
		json_decref(waiting->request);
	sl_list_release(&local->queue);
	free(local);
}

static bool local_start(struct post *post, const struct errand *errand, struct sl_error *err)
{
	(void)err;
	struct post_local *local = (struct post_local *)post;
	struct waiting *waiting = sl_list_add(&local->queue);
	waiting->errand = *errand;
	waiting->request = json_incref((json_t *)(uintptr_t)errand->request);
	return true;
}

static size_t local_pending(const struct post *post)
{
	return ((const struct post_local *)post)->queue.len;
}

static void local_hurry(struct post *post)
{
	(void)post; // nothing ever waits for company
}

// ---- one errand ----------------------------------------------------------------------------

// Where the batch that begins at object `at` ends: what one put may carry, at least one object.
static size_t batch_end(const struct post_local *local, const struct errand *errand, size_t at)
{
	uint64_t room = local->ops->put_bytes;
	size_t end = at;
	while (end < errand->len && end - at < local->ops->put_objects) {
		uint64_t size = errand->objects[end]->size;
		if (end > at && size > room)
			break;
		room -= size < room ? size : room;
		end++;
	}
	return end;
}

static bool all_stored(const json_t *answer, size_t len, struct sl_error *err)
{
	const json_t *list = json_object_get(answer, "objects");
	json_t *entry;
	size_t i;

	if (json_array_size(list) != len)
		return sl_fail(err, SL_E_FORMAT, "the agent's answer to \"put\" misses objects");
	json_array_foreach (list, i, entry)
		if (!json_is_true(json_object_get(entry, "stored")))
			return sl_fail(
				err, SL_E_FORMAT,
				"the agent took an object, but does not say that it is stored");
	return true;
}

static uint64_t size_of(const struct errand *errand, size_t at, size_t end)
{
	uint64_t size = 0;
	for (; at < end; at++)
		size += errand->objects[at]->size;
	return size;
}

static bool bring(struct post_local *local, const struct errand *errand, json_t **answer_out,
		  struct sl_error *err)
{
	for (size_t at = 0, end; at < errand->len; at = end) {
		sl_auto_json json_t *answer = NULL;
		end = batch_end(local, errand, at);
		bool good = local->ops->put(local->transport, errand->objects + at, end - at, NULL,
					    &answer, err);
		if (!good) {
			*answer_out = sl_take(answer);
			return false;
		}
		if (!all_stored(answer, end - at, err))
			return false;
		if (errand->moved)
			errand->moved(errand->context, size_of(errand, at, end));
	}
	return true;
}

// What would help against a launcher that does not start. Owned.
static char *remedy_for(const struct builder_config *config)
{
	return sl_format("%s%s%s, or 'add' the bundle again with another --builder-config; it "
			 "stays queued, and 'sealift-upload run' goes on from here",
			 config->file ? "correct '" : "install it",
			 config->file ? config->file : "", config->file ? "'" : "");
}

static bool run(struct post_local *local, const struct errand *errand, json_t **answer_out,
		char **remedy_out, struct sl_error *err)
{
	if (!local->transport && !local->ops->open(&local->base.config, &local->transport, err)) {
		if (err->kind != SL_E_NETWORK)
			*remedy_out = remedy_for(&local->base.config);
		return false;
	}
	return bring(local, errand, answer_out, err) &&
	       local->ops->call(local->transport, errand->request, answer_out, err);
}

// ---- images --------------------------------------------------------------------------------

static json_t *fetch_request(const struct sl_digest *bundle, uint64_t offset, size_t len)
{
	json_t *request = json_object();

	sl_json_set_string(request, "op", "fetch");
	sl_json_set_digest(request, "bundle", bundle);
	sl_json_set_uint(request, "offset", offset);
	sl_json_set_uint(request, "size", len);
	return request;
}

static bool read_fetched(const json_t *answer, size_t len, struct sl_buf *out, struct sl_error *err)
{
	const json_t *data = json_object_get(answer, "data");

	if (!json_is_string(data))
		return sl_fail(err, SL_E_FORMAT, "the agent's answer to \"fetch\" has no data");
	if (!wire_base64_read(json_string_value(data), json_string_length(data), out, err) ||
	    !sl_buf_ok(out, "a stretch of an image", err))
		return false;
	return out->len == len ||
	       sl_fail(err, SL_E_FORMAT, "the image is smaller than its receipt says");
}

static bool fetch_some(struct post_local *local, const struct sl_digest *bundle, uint64_t offset,
		       void *data, size_t len, struct sl_error *err)
{
	sl_auto_json json_t *request = fetch_request(bundle, offset, len);
	sl_auto_json json_t *answer = NULL;
	sl_auto_free char *remedy = NULL;
	sl_auto_buf struct sl_buf bytes;
	struct errand errand = {.request = request};

	sl_buf_init(&bytes, FETCH_BYTES);
	bool good = run(local, &errand, &answer, &remedy, err);
	if (!good && err->kind == SL_E_NETWORK) {
		transport_close(local->transport);
		local->transport = NULL;
	}
	if (!good || !read_fetched(answer, len, &bytes, err))
		return false;
	memcpy(data, bytes.data, len);
	return true;
}

bool post_fetch_image(struct post *post, const struct sl_digest *bundle, uint64_t offset,
		      void *data, size_t len, struct sl_error *err)
{
	struct post_local *local = (struct post_local *)post;

	if (!post_is_local(post) || local->running)
		return sl_fail(err, SL_E_INTERNAL, "the agent of '%s' cannot be asked for an image",
			       post->builder);
	for (size_t at = 0; at < len;) {
		size_t some = len - at < FETCH_BYTES ? len - at : FETCH_BYTES;
		if (!fetch_some(local, bundle, offset + at, (char *)data + at, some, err))
			return false;
		at += some;
	}
	return true;
}

// One errand at each step, so that whoever waits for it goes on at once.
static bool local_step(struct post *post, bool *busy_out, struct sl_error *err)
{
	struct post_local *local = (struct post_local *)post;
	struct sl_error why = {0};
	sl_auto_json json_t *answer = NULL;
	sl_auto_free char *remedy = NULL;
	(void)err;

	*busy_out = local->queue.len > 0;
	if (!*busy_out)
		return true;
	struct waiting waiting = local->queue.items[0];
	local->queue.len--;
	memmove(local->queue.items, local->queue.items + 1,
		local->queue.len * sizeof *local->queue.items);
	local->running = true;
	bool good = run(local, &waiting.errand, &answer, &remedy, &why);
	local->running = false;
	// An agent that was left in the middle of a request is of no more use.
	if (!good && (why.kind == SL_E_NETWORK || !answer)) {
		transport_close(local->transport);
		local->transport = NULL;
	}
	waiting.errand.heard(waiting.errand.context, answer, good ? NULL : &why,
			     remedy ? remedy : transport_hint(answer));
	json_decref(waiting.request);
	return true;
}

const struct post_driver post_driver_local = {
	.open = local_open,
	.start = local_start,
	.step = local_step,
	.hurry = local_hurry,
	.pending = local_pending,
	.close = local_close,
};
