// SPDX-License-Identifier: Apache-2.0
// Errands from their start until they are heard of.
#include "uploader/transport/globus.h"

#include <string.h>

// How long an answer may be, by what is asked. A receipt has at most some hundred kilobytes.
static size_t weigh(const json_t *request)
{
	const char *op = json_string_value(json_object_get(request, "op"));

	if (op && (strcmp(op, "receipt") == 0 || strcmp(op, "build") == 0 ||
		   strcmp(op, "place") == 0 || json_is_true(json_object_get(request, "receipt"))))
		return GLOBUS_ANSWERS / 32;
	if (op && (strcmp(op, "have") == 0 || strcmp(op, "take") == 0))
		return 1024 + 256 * json_array_size(json_object_get(request, "objects"));
	return 16 * SL_KIB;
}

// In a payload the text is a JSON string in a JSON string: each quote becomes four bytes.
static size_t cost_of(const char *text, size_t len)
{
	size_t cost = len;

	for (size_t i = 0; i < len; i++)
		if (text[i] == '"' || text[i] == '\\')
			cost += 3;
	return cost;
}

static void attach(struct globus *globus, struct letter *letter)
{
	size_t len = letter->errand.len;

	letter->goods = sl_alloc_array(len + 1, sizeof(struct goods *));
	letter->moved = sl_alloc_array(len + 1, sizeof *letter->moved);
	for (size_t i = 0; i < len; i++) {
		const struct transport_object *object = letter->errand.objects[i];
		struct goods *goods = globus_goods(globus, &object->sha256, object->size);
		letter->goods[i] = goods;
		globus_goods_asked(goods, object->size);
		*sl_list_add(&goods->wanted) = letter;
	}
}

bool globus_start(struct post *post, const struct errand *errand, struct sl_error *err)
{
	struct globus *globus = (struct globus *)post;
	char *text = json_dumps(errand->request, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII);

	if (!text)
		return sl_fail(err, SL_E_INTERNAL, "a request for the agent has no JSON text");
	struct letter *letter = sl_alloc(sizeof *letter);
	letter->errand = *errand;
	letter->errand.request = json_incref((json_t *)(uintptr_t)errand->request);
	letter->text = text;
	letter->len = strlen(text);
	letter->cost = cost_of(text, letter->len);
	letter->weight = weigh(errand->request);
	letter->since = globus_clock_ms();
	attach(globus, letter);
	*sl_list_add(&globus->letters) = letter;
	globus->hurry = false;
	return true;
}

// ---- the bytes of its objects ---------------------------------------------------------------

bool globus_letter_open(struct letter *letter, struct sl_error *err)
{
	if (letter->closed && !letter->errand.reopen(letter->errand.context, err))
		return false;
	letter->closed = false;
	return true;
}

// What is under way has been read: it is read again only where it gets lost.
void globus_letters_close(struct globus *globus)
{
	for (size_t i = 0; i < globus->letters.len; i++) {
		struct letter *letter = globus->letters.items[i];
		if (!letter->parcel || letter->closed || !letter->errand.close)
			continue;
		letter->closed = true;
		letter->errand.close(letter->errand.context);
	}
}

// ---- the end of a letter -------------------------------------------------------------------

static void stop_wanting(struct letter *letter)
{
	for (size_t i = 0; i < letter->errand.len; i++) {
		struct goods *goods = letter->goods[i];
		size_t kept = 0;
		for (size_t j = 0; j < goods->wanted.len; j++)
			if (goods->wanted.items[j] != letter)
				goods->wanted.items[kept++] = goods->wanted.items[j];
		goods->wanted.len = kept;
	}
}

static void leave_parcel(struct letter *letter)
{
	if (!letter->parcel)
		return;
	sl_list_each (&letter->parcel->calls, call)
		if (call->letter == letter)
			call->letter = NULL;
	letter->parcel = NULL;
}

void globus_conclude(struct globus *globus, struct letter *letter, const json_t *answer,
		     const struct sl_error *why, const char *remedy)
{
	(void)globus;
	if (letter->concluded)
		return;
	letter->concluded = true;
	letter->good = !why;
	letter->answer = json_incref((json_t *)(uintptr_t)answer);
	if (why)
		letter->why = *why;
	letter->remedy = remedy ? sl_strdup(remedy) : NULL;
	stop_wanting(letter);
	leave_parcel(letter);
}

void globus_conclude_all(struct globus *globus, const struct sl_error *why, const char *remedy)
{
	for (size_t i = 0; i < globus->letters.len; i++)
		globus_conclude(globus, globus->letters.items[i], NULL, why, remedy);
}

void globus_letter_free(struct letter *letter)
{
	json_decref((json_t *)(uintptr_t)letter->errand.request);
	json_decref(letter->answer);
	free(letter->text);
	free(letter->goods);
	free(letter->moved);
	free(letter->remedy);
	free(letter);
}

// ---- telling -------------------------------------------------------------------------------

// Takes the concluded letters out: whoever is told may start new ones meanwhile.
static struct letter **take_concluded(struct globus *globus, size_t *len_out)
{
	struct letter **taken = sl_alloc_array(globus->letters.len + 1, sizeof(struct letter *));
	size_t kept = 0, len = 0;

	for (size_t i = 0; i < globus->letters.len; i++) {
		struct letter *letter = globus->letters.items[i];
		if (letter->concluded)
			taken[len++] = letter;
		else
			globus->letters.items[kept++] = letter;
	}
	globus->letters.len = kept;
	*len_out = len;
	return taken;
}

static bool forget_answers(struct globus *globus, struct sl_error *err)
{
	bool good = globus->heard.len == 0 ||
		    ledger_tasks_told(globus->ledger, globus->heard.items, globus->heard.len, err);

	globus->heard.len = 0;
	return good;
}

bool globus_tell(struct globus *globus, bool *any_out, struct sl_error *err)
{
	size_t len;
	sl_auto_free struct letter **taken = take_concluded(globus, &len);

	*any_out = len > 0;
	globus->telling = len;
	for (size_t i = 0; i < len; i++) {
		struct letter *letter = taken[i];
		globus->telling--;
		letter->errand.heard(letter->errand.context, letter->answer,
				     letter->good ? NULL : &letter->why, letter->remedy);
		globus_letter_free(letter);
	}
	return forget_answers(globus, err);
}
