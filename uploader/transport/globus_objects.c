// SPDX-License-Identifier: Apache-2.0
// Which objects are known to be there, are under way, or wait to be sent. An object is brought
// once, whoever needs it, and none of its bytes again without need.
#include "uploader/transport/answer.h"
#include "uploader/transport/globus.h"

#include <search.h>
#include <string.h>

static int compare_goods(const void *a, const void *b)
{
	const struct goods *left = a, *right = b;

	return sl_digest_compare(&left->sha256, &right->sha256);
}

static struct goods *find_goods(struct globus *globus, const struct sl_digest *sha256)
{
	struct goods wanted = {.sha256 = *sha256};
	void *found = tfind(&wanted, &globus->tree, compare_goods);

	return found ? *(struct goods **)found : NULL;
}

struct goods *globus_goods(struct globus *globus, const struct sl_digest *sha256, uint64_t size)
{
	struct goods *goods = find_goods(globus, sha256);

	if (goods)
		return goods;
	goods = sl_alloc(sizeof *goods);
	goods->sha256 = *sha256;
	goods->size = size;
	*sl_list_add(&globus->goods) = goods;
	if (!tsearch(goods, &globus->tree, compare_goods))
		abort(); // out of memory, as in bundles/base/alloc.h
	return goods;
}

void globus_goods_asked(struct goods *goods, uint64_t size)
{
	if (goods->size != size && goods->moving == 0) {
		goods->size = size; // an agent had said otherwise
		goods->taken.len = 0;
	}
	if (goods->wanted.len == 0)
		goods->tries = 0;
}

static void keep(void *unused)
{
	(void)unused;
}

void globus_goods_free(struct globus *globus)
{
	tdestroy(globus->tree, keep);
	for (size_t i = 0; i < globus->goods.len; i++) {
		struct goods *goods = globus->goods.items[i];
		sl_list_release(&goods->taken);
		sl_list_release(&goods->wanted);
		free(goods);
	}
	sl_list_release(&globus->goods);
}

uint64_t globus_lacks(const struct letter *letter, bool *moving_out)
{
	uint64_t lacks = 0;

	*moving_out = false;
	for (size_t i = 0; i < letter->errand.len; i++) {
		const struct goods *goods = letter->goods[i];
		if (goods->stored)
			continue;
		// An object of no bytes has to be brought all the same.
		lacks += goods->size ? goods->size : 1;
		*moving_out = *moving_out || goods->moving > 0;
	}
	return lacks;
}

// ---- progress ------------------------------------------------------------------------------

static void report(struct letter *letter, const struct goods *goods, uint64_t bytes)
{
	for (size_t i = 0; i < letter->errand.len; i++) {
		if (letter->goods[i] != goods)
			continue;
		uint64_t left = goods->size - letter->moved[i];
		uint64_t now = bytes < left ? bytes : left;
		letter->moved[i] += now;
		if (letter->errand.moved && now > 0)
			letter->errand.moved(letter->errand.context, now);
	}
}

static void report_all(const struct goods *goods, uint64_t bytes)
{
	for (size_t i = 0; i < goods->wanted.len; i++)
		report(goods->wanted.items[i], goods, bytes);
}

void globus_stored(struct globus *globus, struct goods *goods)
{
	goods->stored = true;
	goods->stored_at = globus->clock;
	goods->tries = 0;
	goods->taken.len = 0;
	report_all(goods, goods->size);
}

void globus_goods_failed(struct globus *globus, struct goods *goods, const struct sl_error *why,
			 const char *remedy)
{
	while (goods->wanted.len > 0)
		globus_conclude(globus, goods->wanted.items[0], NULL, why, remedy);
}

// ---- the answer to a put -------------------------------------------------------------------

static bool read_span(const json_t *item, uint64_t total, struct span *out)
{
	json_int_t offset = json_integer_value(json_array_get(item, 0));
	json_int_t size = json_integer_value(json_array_get(item, 1));

	if (offset < 0 || size <= 0 || (uint64_t)offset > total ||
	    (uint64_t)size > total - (uint64_t)offset)
		return false;
	*out = (struct span){(uint64_t)offset, (uint64_t)size};
	return true;
}

// What the agent says it has. An object of which it has all pieces lacks the one that makes it join
// them: the end of it travels again.
static void take_spans(struct goods *goods, const json_t *have)
{
	struct span span;
	json_t *item;
	size_t i;

	goods->taken.len = 0;
	json_array_foreach (have, i, item)
		if (i < GLOBUS_SPANS && read_span(item, goods->size, &span))
			spans_add(&goods->taken, span.offset, span.size);
	if (!spans_gap(&goods->taken, 0, goods->size, &span) && goods->size > 0) {
		uint64_t end = goods->size < GLOBUS_LEAST_PIECE ? goods->size : GLOBUS_LEAST_PIECE;
		spans_remove(&goods->taken, goods->size - end, end);
	}
}

// The agent has this piece, but not all. What it says it has is the truth once nothing is under
// way.
static void piece_kept(struct globus *globus, const struct piece *piece, const json_t *have)
{
	struct goods *goods = piece->goods;
	struct sl_error why = {0};
	struct span gap;

	report_all(goods, piece->size);
	if (goods->moving > 0 || goods->stored)
		return;
	bool all_sent = !spans_gap(&goods->taken, 0, goods->size, &gap);
	take_spans(goods, have);
	if (!all_sent || ++goods->tries < GLOBUS_TRIES)
		return;
	goods->taken.len = 0;
	sl_fail(&why, SL_E_FORMAT,
		"the agent took all pieces of an object, but does not say that it is stored");
	globus_goods_failed(globus, goods, &why, NULL);
}

static const json_t *entry_of(const json_t *answer, size_t index, const struct goods *goods)
{
	const json_t *entry = json_array_get(json_object_get(answer, "objects"), index);
	const char *hex = json_string_value(json_object_get(entry, "sha256"));
	struct sl_digest sha256;

	return hex && sl_digest_parse(hex, &sha256) && sl_digest_equal(&sha256, &goods->sha256)
		       ? entry
		       : NULL;
}

static void piece_failed(struct globus *globus, const struct piece *piece, const json_t *said)
{
	struct sl_error why = {0};
	const char *hint = transport_hint(said);
	sl_auto_free char *shown = hint ? sl_text_shown(hint) : NULL;

	piece->goods->taken.len = 0; // the agent drops pieces that do not fit; ask it what is left
	if (answer_check(said, &why))
		sl_fail(&why, SL_E_FORMAT, "the agent's answer to \"put\" misses objects");
	globus_goods_failed(globus, piece->goods, &why, shown);
}

static void piece_answered(struct globus *globus, const struct piece *piece, const json_t *entry,
			   const json_t *answer)
{
	piece->goods->moving--;
	if (json_is_true(json_object_get(entry, "stored")))
		globus_stored(globus, piece->goods);
	else if (json_is_array(json_object_get(entry, "have")))
		piece_kept(globus, piece, json_object_get(entry, "have"));
	else if (!piece->goods->stored)
		piece_failed(globus, piece, json_object_get(entry, "error") ? entry : answer);
}

void globus_put_answered(struct globus *globus, const struct parcel *parcel,
			 const struct call *call, const json_t *answer)
{
	for (size_t i = 0; i < call->count; i++) {
		const struct piece *piece = &parcel->pieces.items[call->first + i];
		piece_answered(globus, piece, entry_of(answer, i, piece->goods), answer);
	}
}

// ---- what answers say beside ---------------------------------------------------------------

// An object that was there when it was stored, and is not there for a request that was sent later.
static void learn_missing(struct globus *globus, uint64_t clock, const json_t *list)
{
	struct sl_digest sha256;
	json_t *item;
	size_t i;

	json_array_foreach (list, i, item) {
		const char *hex = json_string_value(item);
		struct goods *goods =
			hex && sl_digest_parse(hex, &sha256) ? find_goods(globus, &sha256) : NULL;
		if (goods && goods->stored && clock > goods->stored_at)
			goods->stored = false;
	}
}

// What a sender before us has brought of an object.
static void learn_partial(struct globus *globus, const json_t *list)
{
	struct sl_digest sha256;
	json_t *item;
	size_t i;

	json_array_foreach (list, i, item) {
		const char *hex = json_string_value(json_object_get(item, "sha256"));
		json_int_t size = json_integer_value(json_object_get(item, "size"));
		if (!hex || size <= 0 || !sl_digest_parse(hex, &sha256))
			continue;
		struct goods *goods = globus_goods(globus, &sha256, (uint64_t)size);
		if (!goods->stored && goods->moving == 0 && goods->size == (uint64_t)size)
			take_spans(goods, json_object_get(item, "have"));
	}
}

void globus_learn(struct globus *globus, uint64_t clock, const json_t *answer)
{
	learn_missing(globus, clock, json_object_get(answer, "missing"));
	learn_partial(globus, json_object_get(answer, "partial"));
}
