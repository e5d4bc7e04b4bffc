// SPDX-License-Identifier: Apache-2.0
// An image that was built elsewhere goes to the builder, which checks it and gives it its names
// (specs/agent.md, "place").
//
// place -> what is missing (manifest and signatures; then the image, once the policy has said yes)
// -> place, with that in front of it -> the builder's receipt. Each of these can be done twice:
// what has arrived is not sent again, and what has been placed is answered with its receipt.
#include "uploader/commands/work.h"

#include <string.h>

#define ROUNDS	 6    // an agent that always lacks something is not asked for ever
#define PAUSE_MS 2000 // while somebody else works on the bundle there
#define SLICE	 ((size_t)(4 * SL_MIB))

// ---- the image -----------------------------------------------------------------------------

static bool read_image(void *context, size_t index, uint64_t offset, void *data, size_t len,
		       struct sl_error *err)
{
	struct work *work = context;

	(void)index;
	if (post_fetch_image(work->post, &work->row.bundle, offset, data, len, err))
		return true;
	work->source_lost = err->kind != SL_E_NETWORK;
	return sl_prefix(err, "cannot get the image from where it was built");
}

static bool feed_image(void *context, size_t index, transport_sink *sink, void *sink_context,
		       struct sl_error *err)
{
	const struct work *work = context;
	sl_auto_free char *slice = sl_alloc(SLICE);

	for (uint64_t at = 0; at < work->image.size;) {
		uint64_t left = work->image.size - at;
		size_t len = left < SLICE ? (size_t)left : SLICE;
		if (!read_image(context, index, at, slice, len, err) ||
		    !sink(sink_context, slice, len, err))
			return false;
		at += len;
	}
	return true;
}

// The image of the receipt in the row. False: it names none.
static bool know_image(struct work *work, const json_t *built, struct sl_error *err)
{
	const json_t *image = json_object_get(built, "image");
	const char *hex = json_string_value(json_object_get(image, "sha256"));
	json_int_t size = json_integer_value(json_object_get(image, "size"));

	work->image = (struct transport_object){
		.feed = feed_image, .read = read_image, .context = work, .size = (uint64_t)size};
	if (hex && size > 0 && sl_digest_parse(hex, &work->image.sha256))
		return true;
	return sl_fail(err, SL_E_FORMAT, "the receipt of the build names no image");
}

// ---- the request ---------------------------------------------------------------------------

static json_t *place_request(const struct work *work, const json_t *built)
{
	json_t *request = work_request(work, "place");
	json_t *image = json_object();

	sl_json_set_digest(image, "sha256", &work->image.sha256);
	sl_json_set_uint(image, "size", work->image.size);
	sl_json_set(request, "image", image);
	sl_json_set(request, "signatures", work_list_signatures(work));
	sl_json_set(request, "built", json_incref((json_t *)(uintptr_t)built));
	return request;
}

// ---- what the builder lacks ----------------------------------------------------------------

static const struct transport_object *find_object(const struct work *work,
						  const struct sl_digest *sha256)
{
	if (sl_digest_equal(sha256, &work->image.sha256))
		return &work->image;
	sl_list_each (&work->delivery.objects, object)
		if (sl_digest_equal(sha256, &object->sha256))
			return object;
	return NULL;
}

static bool fill_batch(struct work *work, const json_t *missing, size_t *count_out,
		       struct sl_error *err)
{
	struct sl_digest sha256;
	const json_t *item;
	size_t i;

	*count_out = 0;
	work->batch = sl_alloc_array(json_array_size(missing) + 1, sizeof(void *));
	json_array_foreach (missing, i, item) {
		const char *hex = json_string_value(item);
		const struct transport_object *object =
			hex && sl_digest_parse(hex, &sha256) ? find_object(work, &sha256) : NULL;
		if (!object)
			return sl_fail(err, SL_E_FORMAT,
				       "the builder asks for an object that is none of this "
				       "bundle's");
		work->batch[(*count_out)++] = object;
	}
	return true;
}

// Only the head of the bundle travels: manifest, signatures, and some texts of the content.
static bool open_bundle(struct work *work, struct sl_error *err)
{
	if (work->bundle)
		return true;
	if (!work_verify(work, VERIFY_HEAD, err))
		return false;
	delivery_init(&work->delivery, work->bundle);
	return true;
}

static work_then then_placed;

static bool ask_to_place(struct work *work, const json_t *missing, struct sl_error *err)
{
	const char *text = work->row.built ? work->row.built : "";
	sl_auto_json json_t *built = sl_json_load(text, strlen(text), "the build's receipt", err);
	struct sl_error why = {0};
	struct post *to = NULL;
	size_t count = 0;

	if (!built || !open_bundle(work, err) || !know_image(work, built, err))
		return false;
	if (!postman_find(work->postman, work->row.builder, work->row.builder_config, &to, &why)) {
		work->waits = true;
		*err = why;
		return false;
	}
	if (missing && (!fill_batch(work, missing, &count, err) ||
			!work_check_size(work, to, count, count, err)))
		return false;
	sl_auto_json json_t *request = place_request(work, built);
	sl_auto_json json_t *record = work_record(work, request, count);
	json_object_del(record, "built"); // it stands in the row already
	work->to = to;
	return work_ask(work, request, "place", record, count, then_placed, err);
}

// ---- the answer ----------------------------------------------------------------------------

// It is built again, as after any loss; the ledger has the receipt of then until there is a new
// one.
static bool go_back(struct work *work, const struct sl_error *why, struct sl_error *err)
{
	work_say(work, "%s: building it again", why->text);
	work->source_lost = work->waits = false;
	work->rounds = 0;
	work->asked = 0;
	work_let_go(work);
	return work_move(work, LEDGER_DELIVERING, err);
}

static bool fail_placed(struct work *work, const struct sl_error *why, struct sl_error *err)
{
	work_fail(work, why, err);
	work->waits = work->waits || why->kind == SL_E_IO;
	// "No": nobody whom the builder trusts has signed.
	if (why->kind == SL_E_ANSWER) {
		work->refused = true;
		err->kind = SL_E_UNTRUSTED;
	}
	return false;
}

static bool then_placed(struct work *work, const json_t *answer, const struct sl_error *why,
			struct sl_error *err)
{
	const json_t *missing = json_object_get(answer, "missing");

	if (why && work->source_lost)
		return go_back(work, why, err);
	if (why && json_array_size(missing) > 0) {
		if (++work->rounds < ROUNDS)
			return ask_to_place(work, missing, err);
		return sl_fail(
			err, SL_E_IO,
			"the builder still lacks objects that it has been brought %d times: is "
			"something removing them?",
			ROUNDS - 1);
	}
	if (why)
		return fail_placed(work, why, err);
	if (json_object_get(answer, "receipt"))
		return work_built(work, answer, err);
	work_say(work, "somebody else works on it there");
	work_rest(work, PAUSE_MS);
	return true;
}

bool work_ship(struct work *work, struct sl_error *err)
{
	if (work->rounds == 0)
		work_say(work, "shipping the image to %s", work->row.builder);
	return ask_to_place(work, NULL, err);
}
