// SPDX-License-Identifier: Apache-2.0
// From letters and objects to the payloads of one submit.
//
// A payload is the text {"op":"calls","ref":…,"calls":[…]}. Small letters share it, each with a put
// of the objects that it lacks in front of it as long as those are small; larger objects are cut
// into pieces and travel in payloads of their own. Objects are read here and nowhere else.
#include "uploader/transport/globus.h"
#include "uploader/wire/base64.h"

#include <stdio.h>
#include <string.h>

#define READ_BYTES   (768 * 1024) // a multiple of three: base64 has no padding in between
#define ENTRY_TEXT   300	  // of an object in a put, beside its data
#define PARCEL_TEXT  200	  // of a payload around its calls
#define MOST_PAYLOAD (16 * SL_MIB)

struct packing {
	struct globus *globus;
	struct load *load;
	struct sl_buf *payloads; // one for each parcel of the load that is closed
	size_t room;		 // left in the submit
	bool full;
	bool light; // nothing with objects: the task group is not known, or a heavy one is out
	// the parcel that is being filled; NULL = none
	struct parcel *parcel;
	struct sl_buf text;
	size_t cost, weight;
};

// ---- sizes ---------------------------------------------------------------------------------

// What `plain` bytes of base64 and `quoted` bytes of other text take in the body of a submit.
static size_t body_cost(enum wire_set set, size_t plain, size_t quoted)
{
	return set == WIRE_MODERN ? plain + quoted : WIRE_BASE64_LEN(plain + quoted);
}

static size_t data_len(uint64_t size)
{
	return WIRE_BASE64_LEN((size_t)size);
}

// How many bytes of an object fit into `room` bytes of a submit.
static uint64_t data_room(enum wire_set set, size_t room)
{
	size_t text = set == WIRE_MODERN ? room : room / 4 * 3;

	return text < 2 * ENTRY_TEXT ? 0 : (text - 2 * ENTRY_TEXT) / 4 * 3;
}

// ---- a parcel ------------------------------------------------------------------------------

static bool open_parcel(struct packing *packing)
{
	struct globus *globus = packing->globus;

	if (packing->parcel)
		return true;
	struct parcel *parcel = sl_alloc(sizeof *parcel);
	if (!globus_ref(parcel->ref, &globus->trouble)) {
		free(parcel);
		return false;
	}
	parcel->load = packing->load;
	parcel->position = packing->load->parcels.len;
	packing->parcel = parcel;
	sl_buf_init(&packing->text, MOST_PAYLOAD);
	sl_buf_addf(&packing->text, "{\"op\":\"calls\",\"ref\":\"%s\",\"calls\":[", parcel->ref);
	packing->cost = PARCEL_TEXT;
	packing->weight = 0;
	return true;
}

static bool close_parcel(struct packing *packing)
{
	struct parcel *parcel = packing->parcel;
	struct load *load = packing->load;

	if (!parcel)
		return true;
	sl_buf_adds(&packing->text, "]}");
	*sl_list_add(&load->parcels) = parcel;
	packing->parcel = NULL;
	packing->payloads =
		sl_realloc_array(packing->payloads, load->parcels.len, sizeof *packing->payloads);
	struct sl_buf *payload = &packing->payloads[load->parcels.len - 1];
	sl_buf_init(payload, 2 * MOST_PAYLOAD);
	struct wire_text text = {packing->text.data, packing->text.len};
	struct sl_error *trouble = &packing->globus->trouble;
	bool good = sl_buf_ok(&packing->text, "a payload", trouble) &&
		    wire_arguments(load->set, &text, 1, payload, trouble) &&
		    sl_buf_ok(payload, "a payload", trouble);
	sl_buf_release(&packing->text);
	size_t size = compute_payload_size(payload);
	parcel->weight = packing->weight + PARCEL_TEXT * (1 + parcel->pieces.len);
	load->size += size;
	packing->room -= size < packing->room ? size : packing->room;
	return good;
}

static struct call *add_call(struct packing *packing)
{
	if (packing->parcel->calls.len > 0)
		sl_buf_addc(&packing->text, ',');
	return sl_list_add(&packing->parcel->calls);
}

// ---- objects -------------------------------------------------------------------------------

static const struct transport_object *lent(const struct letter *letter, const struct goods *goods)
{
	for (size_t i = 0; i < letter->errand.len; i++)
		if (letter->goods[i] == goods)
			return letter->errand.objects[i];
	return NULL;
}

static bool add_read(const struct transport_object *object, const struct piece *piece,
		     struct sl_buf *text, struct sl_error *err)
{
	size_t most = piece->size < READ_BYTES ? (size_t)piece->size : READ_BYTES;
	sl_auto_free unsigned char *data = sl_alloc(most + 1);

	for (uint64_t at = 0; at < piece->size;) {
		size_t len = piece->size - at < most ? (size_t)(piece->size - at) : most;
		if (!object->read(object->context, object->index, piece->offset + at, data, len,
				  err))
			return false;
		wire_base64_add(text, data, len);
		at += len;
	}
	return true;
}

static bool add_data(const struct transport_object *object, const struct piece *piece,
		     struct sl_buf *text, struct sl_error *err)
{
	if (object->data)
		wire_base64_add(text, (const char *)object->data + piece->offset,
				(size_t)piece->size);
	else if (object->read)
		return add_read(object, piece, text, err);
	else if (piece->size > 0)
		return sl_fail(err, SL_E_INTERNAL, "an object cannot be read in pieces");
	return true;
}

static bool try_entry(struct packing *packing, struct letter *lender, const struct piece *piece,
		      struct sl_error *err)
{
	const struct goods *goods = piece->goods;
	struct sl_buf *text = &packing->text;

	if (!globus_letter_open(lender, err))
		return false;
	const struct transport_object *object = lent(lender, goods);
	sl_buf_adds(text, "{\"sha256\":\"");
	sl_digest_add_hex(&goods->sha256, text);
	sl_buf_addf(text, "\",\"size\":%llu", (unsigned long long)piece->size);
	if (piece->size < goods->size)
		sl_buf_addf(text, ",\"offset\":%llu,\"total\":%llu",
			    (unsigned long long)piece->offset, (unsigned long long)goods->size);
	sl_buf_adds(text, ",\"data\":\"");
	if (!add_data(object, piece, text, err))
		return false;
	sl_buf_adds(text, "\"}");
	return true;
}

// One whose objects need not be reopened, if there is one.
static struct letter *find_lender(const struct goods *goods)
{
	sl_list_each (&goods->wanted, letter)
		if (!(*letter)->closed)
			return *letter;
	return goods->wanted.items[0];
}

// One entry of a put, read from the first of those who need it that can. The others hear why not.
static bool add_entry(struct packing *packing, const struct piece *piece, bool first)
{
	struct goods *goods = piece->goods;
	size_t mark = packing->text.len;

	while (goods->wanted.len > 0) {
		struct letter *lender = find_lender(goods);
		struct sl_error why = {0};
		if (!first)
			sl_buf_addc(&packing->text, ',');
		if (try_entry(packing, lender, piece, &why)) {
			*sl_list_add(&packing->parcel->pieces) = *piece;
			spans_add(&goods->taken, piece->offset, piece->size);
			goods->moving++;
			return true;
		}
		packing->text.len = mark;
		packing->text.data[mark] = '\0';
		globus_conclude(packing->globus, lender, NULL, &why, NULL);
	}
	return false;
}

// ---- letters and what rides with them ------------------------------------------------------

// Whether an object is in the parcel that is being filled, so that what follows finds it there.
static bool is_aboard(const struct packing *packing, const struct goods *goods)
{
	if (packing->parcel)
		sl_list_each (&packing->parcel->pieces, piece)
			if (piece->goods == goods && piece->size == goods->size)
				return true;
	return false;
}

// What a letter would add. False: it cannot go with this load.
static bool measure(const struct packing *packing, const struct letter *letter, size_t *plain_out,
		    size_t *quoted_out)
{
	uint64_t rides = 0;
	size_t entries = 0;

	for (size_t i = 0; i < letter->errand.len; i++) {
		const struct goods *goods = letter->goods[i];
		if (goods->stored || is_aboard(packing, goods))
			continue;
		if (goods->moving > 0)
			return false;
		rides += goods->size;
		entries++;
		if (rides > GLOBUS_RIDE || entries > GLOBUS_ENTRIES)
			return false;
	}
	// Base64 is rounded up for each object.
	*plain_out = data_len(rides) + 4 * entries;
	*quoted_out = letter->cost + (entries + 1) * ENTRY_TEXT;
	return true;
}

static bool fits(const struct packing *packing, const struct letter *letter, size_t plain,
		 size_t quoted)
{
	size_t calls = packing->parcel->calls.len;

	if (packing->cost + body_cost(packing->load->set, plain, quoted) > packing->room)
		return false;
	return calls == 0 || (calls + (plain ? 2 : 1) <= packing->globus->most_calls &&
			      packing->text.len + plain + quoted <= GLOBUS_TEXT &&
			      packing->weight + letter->weight <= GLOBUS_ANSWERS);
}

static void begin_put(struct packing *packing)
{
	struct call *call = add_call(packing);

	*call = (struct call){.put = true, .first = packing->parcel->pieces.len};
	sl_buf_adds(&packing->text, "{\"op\":\"put\",\"objects\":[");
}

static void end_put(struct packing *packing)
{
	struct parcel *parcel = packing->parcel;
	struct call *call = &parcel->calls.items[parcel->calls.len - 1];

	call->count = parcel->pieces.len - call->first;
	sl_buf_adds(&packing->text, "]}");
}

// False: one of its objects cannot be read, and the letter has been concluded.
static bool add_riders(struct packing *packing, struct letter *letter)
{
	size_t first = packing->parcel->pieces.len;
	bool begun = false;

	for (size_t i = 0; i < letter->errand.len && !letter->concluded; i++) {
		struct goods *goods = letter->goods[i];
		if (goods->stored || is_aboard(packing, goods))
			continue;
		if (!begun)
			begin_put(packing);
		begun = true;
		struct piece piece = {goods, 0, goods->size};
		if (!add_entry(packing, &piece, packing->parcel->pieces.len == first))
			break;
	}
	if (begun)
		end_put(packing);
	return !letter->concluded;
}

static void add_letter(struct packing *packing, struct letter *letter, size_t plain, size_t quoted)
{
	if (!add_riders(packing, letter))
		return;
	add_call(packing)->letter = letter;
	sl_buf_add(&packing->text, letter->text, letter->len);
	letter->parcel = packing->parcel;
	packing->cost += body_cost(packing->load->set, plain, quoted);
	packing->weight += letter->weight;
}

// The letter goes with this parcel, or with the next, or the load is full.
static bool pack_letter(struct packing *packing, struct letter *letter)
{
	size_t plain, quoted;

	for (int i = 0; i < 2; i++) {
		if (!open_parcel(packing))
			return false;
		if (!measure(packing, letter, &plain, &quoted))
			return true; // it waits for its objects
		if (fits(packing, letter, plain, quoted)) {
			add_letter(packing, letter, plain, quoted);
			return true;
		}
		if (packing->parcel->calls.len == 0)
			break;
		if (!close_parcel(packing))
			return false;
	}
	packing->full = true;
	if (packing->load->parcels.len == 0) {
		struct sl_error why = {0};
		sl_fail(&why, SL_E_LIMIT,
			"a request to the agent is too large for one submit (%zu bytes)",
			letter->len);
		globus_conclude(packing->globus, letter, NULL, &why, NULL);
	}
	return true;
}

// A parcel that was opened for nothing.
static void drop_empty(struct packing *packing)
{
	if (!packing->parcel || packing->parcel->calls.len > 0)
		return;
	free(packing->parcel);
	packing->parcel = NULL;
	sl_buf_release(&packing->text);
}

static bool pack_letters(struct packing *packing)
{
	struct globus *globus = packing->globus;

	for (size_t i = 0; i < globus->letters.len && !packing->full; i++) {
		struct letter *letter = globus->letters.items[i];
		if (letter->concluded || letter->parcel)
			continue;
		if (packing->light && letter->errand.len > 0)
			continue;
		if (!pack_letter(packing, letter))
			return false;
	}
	drop_empty(packing);
	return close_parcel(packing);
}

// ---- freight -------------------------------------------------------------------------------

static bool is_freight(const struct letter *letter)
{
	bool moving;

	return !letter->concluded && !letter->parcel && globus_lacks(letter, &moving) > GLOBUS_RIDE;
}

// The next piece of an object, as large as there is room for. False: none, or not now.
static bool next_piece(const struct packing *packing, struct goods *goods, struct piece *out)
{
	uint64_t held = 0;
	struct span gap = {0, 0};

	if (goods->stored || (goods->size == 0 && goods->moving > 0) ||
	    (goods->size > 0 && !spans_gap(&goods->taken, 0, goods->size, &gap)))
		return false;
	if (packing->parcel)
		sl_list_each (&packing->parcel->pieces, piece)
			held += piece->size;
	uint64_t room =
		data_room(packing->load->set,
			  packing->cost < packing->room ? packing->room - packing->cost : 0);
	uint64_t left = held < GLOBUS_PIECE ? GLOBUS_PIECE - held : 0;
	room = room < left ? room : left;
	uint64_t size = gap.size < room ? gap.size : room;
	// Better in the next submit than in crumbs.
	uint64_t least = data_room(packing->load->set, packing->globus->most) / 4;
	least = least < GLOBUS_LEAST_PIECE ? least : GLOBUS_LEAST_PIECE;
	if (size < gap.size && size < least)
		return false;
	*out = (struct piece){goods, gap.offset, size};
	return size > 0 || goods->size == 0;
}

static bool add_piece(struct packing *packing, const struct piece *piece)
{
	if (packing->parcel->calls.len == 0)
		begin_put(packing);
	if (!add_entry(packing, piece, packing->parcel->pieces.len == 0))
		return false;
	packing->cost += body_cost(packing->load->set, data_len(piece->size), ENTRY_TEXT);
	packing->load->freight = true;
	return true;
}

// `*any_out`: something of the object went into the parcel.
static bool pack_goods(struct packing *packing, struct goods *goods, bool *any_out)
{
	struct piece piece;

	*any_out = false;
	while (goods->wanted.len > 0) {
		if (!open_parcel(packing))
			return false;
		if (packing->parcel->pieces.len >= GLOBUS_ENTRIES ||
		    !next_piece(packing, goods, &piece))
			return true;
		*any_out = add_piece(packing, &piece) || *any_out;
	}
	return true;
}

static bool pack_one_freight(struct packing *packing, bool *any_out)
{
	struct globus *globus = packing->globus;

	*any_out = false;
	for (size_t i = 0; i < globus->letters.len; i++) {
		const struct letter *letter = globus->letters.items[i];
		if (!is_freight(letter))
			continue;
		for (size_t j = 0; j < letter->errand.len && !letter->concluded; j++) {
			bool any;
			if (!pack_goods(packing, letter->goods[j], &any))
				return false;
			*any_out = *any_out || any;
		}
	}
	if (packing->parcel && packing->parcel->calls.len > 0)
		end_put(packing);
	drop_empty(packing);
	return close_parcel(packing);
}

static bool pack_freight(struct packing *packing)
{
	bool any = packing->globus->group != NULL;

	while (any && packing->room > GLOBUS_MARGIN)
		if (!pack_one_freight(packing, &any))
			return false;
	return true;
}

// ---- what is due ---------------------------------------------------------------------------

static size_t count_freight(const struct globus *globus)
{
	size_t count = 0;

	for (size_t i = 0; i < globus->loads.len; i++)
		count += globus->loads.items[i]->freight && !globus->loads.items[i]->left;
	return count;
}

struct due {
	size_t letters; // that could go
	uint64_t bytes; // that they take in a submit, about
	bool late;	// one has waited long enough for company
	bool freight, blocked;
};

// Requests with what rides in front of them fill a body at a time: a second one would only take
// memory. NULL: none is being sent.
static const struct load *find_heavy(const struct globus *globus)
{
	for (size_t i = 0; i < globus->loads.len; i++) {
		const struct load *load = globus->loads.items[i];
		if (load->state == LOAD_SENDING && !load->freight && load->size > GLOBUS_HEAVY)
			return load;
	}
	return NULL;
}

// What has no objects goes with the next one, unless this one takes long.
static bool waits_for(const struct letter *letter, const struct load *heavy, int64_t now)
{
	return heavy && (letter->errand.len > 0 || now - heavy->sent < GLOBUS_HEAVY_MS);
}

static struct due look_what_is_due(const struct globus *globus, int64_t now)
{
	struct due due = {0};
	const struct load *heavy = find_heavy(globus);

	for (size_t i = 0; i < globus->letters.len; i++) {
		const struct letter *letter = globus->letters.items[i];
		bool moving;
		if (letter->concluded || letter->parcel || waits_for(letter, heavy, now))
			continue;
		uint64_t lacks = globus_lacks(letter, &moving);
		if (lacks > GLOBUS_RIDE) {
			due.freight = true;
			continue;
		}
		if (moving)
			continue;
		due.letters++;
		due.bytes += body_cost(globus->set, data_len(lacks), letter->cost);
		due.late = due.late || now - letter->since >= GLOBUS_COMPANY_MS;
	}
	return due;
}

static bool pack_first(struct packing *packing)
{
	// Nothing small is there to make the task group with: an empty list of calls is.
	return packing->load->parcels.len > 0 || (open_parcel(packing) && close_parcel(packing));
}

static bool fill(struct packing *packing, const struct due *due)
{
	const struct globus *globus = packing->globus;

	if (due->letters > 0 && !pack_letters(packing))
		return false;
	if (!globus->group)
		return pack_first(packing);
	return !due->freight || packing->full || pack_freight(packing);
}

static struct load *make_load(struct globus *globus)
{
	struct load *load = sl_alloc(sizeof *load);

	load->globus = globus;
	load->set = globus->set;
	load->clock = ++globus->clock;
	load->row.service = sl_strdup(globus->service);
	load->row.endpoint = sl_strdup(globus->endpoint);
	load->row.function = sl_strdup(globus->function);
	load->row.task_group = globus->group ? sl_strdup(globus->group) : NULL;
	return load;
}

// Its answers come with the next poll and no sooner; what waits for that goes with the next one.
static bool one_was_just_sent(const struct globus *globus, int64_t now)
{
	for (size_t i = 0; i < globus->loads.len; i++) {
		const struct load *load = globus->loads.items[i];
		if (!load->left && !load->freight && load->waiting > 0 &&
		    now - load->sent < GLOBUS_POLL_MS)
			return true;
	}
	return false;
}

static bool is_due(const struct globus *globus, const struct due *due, int64_t now)
{
	if (due->freight || due->bytes >= globus->most)
		return true;
	return due->letters > 0 &&
	       (due->late || globus->hurry || due->letters >= globus->most_calls) &&
	       !one_was_just_sent(globus, now);
}

struct load *globus_pack(struct globus *globus, int64_t now, struct sl_buf **payloads_out)
{
	struct due due = look_what_is_due(globus, now);

	*payloads_out = NULL;
	due.freight = due.freight && count_freight(globus) < GLOBUS_FREIGHT;
	if (!is_due(globus, &due, now))
		return NULL;
	struct packing packing = {.globus = globus,
				  .load = make_load(globus),
				  .room = globus->most,
				  .light = !globus->group || find_heavy(globus)};
	bool good = fill(&packing, &due);
	struct load *load = packing.load;
	*payloads_out = packing.payloads;
	globus_letters_close(globus);
	load->waiting = load->parcels.len;
	if (good && load->parcels.len > 0)
		return load;
	for (size_t i = 0; i < load->parcels.len; i++)
		sl_buf_release(&packing.payloads[i]);
	free(packing.payloads);
	*payloads_out = NULL;
	if (packing.parcel)
		sl_buf_release(&packing.text);
	free(packing.parcel);
	globus_load_free(load);
	return NULL;
}
