// SPDX-License-Identifier: Apache-2.0
// Tasks of which we do not know what they do: those that a process left which was ended, those of a
// submit whose answer never came, and those that were given up.
//
// 1. Until they have ended, or have shown no sign of life for `timeout` seconds, nothing is sent:
//    what would be sent may be what they carry.
// 2. The tasks of a lost submit are those of its task group that no row of the ledger knows. Which
//    is which, the agent's answers say: they repeat the ref.
// 3. Everything that a task does may be done twice. So whatever stays uncertain is asked again.
#include "uploader/transport/globus.h"

#include <string.h>
#include <time.h>

#define LOOKS	   5	// in a row that find nothing new
#define FIRST_LOOK 1000 // ms; doubled each time

// ---- what others left ----------------------------------------------------------------------

static struct parcel *left_parcel(struct load *load, const struct ledger_task *task)
{
	struct parcel *parcel = sl_alloc(sizeof *parcel);

	memcpy(parcel->ref, task->ref, sizeof parcel->ref);
	parcel->id = task->id ? sl_strdup(task->id) : NULL;
	parcel->load = load;
	parcel->position = load->parcels.len;
	parcel->weight = GLOBUS_ANSWERS; // whatever it was
	parcel->over = !task->waiting;
	load->waiting += task->waiting;
	if (parcel->over) // nobody is left whom its answer is for
		*sl_list_add(&load->globus->heard) = (struct ledger_answer){
			.submit = load->row.number, .position = parcel->position};
	return parcel;
}

// Takes the row over.
static struct load *left_load(struct globus *globus, struct ledger_submit *row, int64_t now)
{
	struct load *load = sl_alloc(sizeof *load);
	bool known = false;

	load->globus = globus;
	load->row = *row;
	*row = (struct ledger_submit){0};
	load->left = true;
	load->news = now;
	sl_list_each (&load->row.tasks, task) {
		struct parcel *parcel = left_parcel(load, task);
		*sl_list_add(&load->parcels) = parcel;
		known = known || task->id;
	}
	load->state = known ? LOAD_ACCEPTED : LOAD_LOST;
	return load;
}

static bool is_forgotten(const struct load *load)
{
	int64_t age = (int64_t)time(NULL) - load->row.tried;

	// A submit that made its group has left no trace to follow; it carried nothing large.
	return load->waiting == 0 || age > GLOBUS_TASK_SECONDS ||
	       (load->state == LOAD_LOST && !load->row.task_group);
}

bool globus_take_over(struct globus *globus, struct sl_error *err)
{
	auto_ledger_submits struct ledger_submits left;
	int64_t now = globus_clock_ms();

	if (!ledger_submits_left(globus->ledger, globus->service, globus->endpoint, &left, err))
		return false;
	sl_list_each (&left, row) {
		struct load *load = left_load(globus, row, now);
		if (!is_forgotten(load)) {
			*sl_list_add(&globus->loads) = load;
			continue;
		}
		bool good = ledger_submit_over(globus->ledger, load->row.number, err);
		globus_load_free(load);
		if (!good)
			return false;
	}
	globus->left_news = now;
	return true;
}

// ---- waiting for them ----------------------------------------------------------------------

static size_t count_left(const struct globus *globus)
{
	size_t count = 0;

	for (size_t i = 0; i < globus->loads.len; i++) {
		const struct load *load = globus->loads.items[i];
		if (load->left && load->waiting > 0)
			count += load->waiting;
	}
	return count;
}

static bool any_lost(const struct globus *globus)
{
	for (size_t i = 0; i < globus->loads.len; i++)
		if (globus->loads.items[i]->state == LOAD_LOST &&
		    globus->loads.items[i]->waiting > 0)
			return true;
	return false;
}

bool globus_is_blocked(struct globus *globus, int64_t now)
{
	size_t left = count_left(globus);

	if (globus->search || any_lost(globus))
		return true;
	if (left == 0)
		return false;
	if (now - globus->left_news <= (int64_t)globus->timeout * 1000)
		return true;
	if (!globus->status_known || globus->online)
		return false;
	// It is not there: what was sent before will run once it is back, and need not be sent
	// again.
	struct sl_error why = {0};
	sl_fail(&why, SL_E_NETWORK,
		"endpoint %s is offline, and %zu task%s of an earlier run wait%s there for it to "
		"come back",
		globus->endpoint, left, left == 1 ? "" : "s", left == 1 ? "s" : "");
	globus_conclude_all(
		globus, &why,
		"ask whoever runs the endpoint to start it; 'sealift-upload run' goes on "
		"once it is online");
	return true;
}

// ---- a search in a task group --------------------------------------------------------------

void globus_search_free(struct globus *globus)
{
	struct search *search = globus->search;

	globus->search = NULL;
	if (!search)
		return;
	sl_list_each (&search->strays, stray) {
		free(stray->id);
		free(stray->status);
		free(stray->failure);
	}
	sl_list_release(&search->strays);
	free(search->group);
	free(search);
}

static bool is_sought(const struct globus *globus, const struct load *load)
{
	return load->state == LOAD_LOST && load->waiting > 0 && load->row.task_group &&
	       strcmp(load->row.task_group, globus->search->group) == 0;
}

static size_t count_sought(const struct globus *globus)
{
	size_t count = 0;

	for (size_t i = 0; i < globus->loads.len; i++)
		if (is_sought(globus, globus->loads.items[i]))
			count += globus->loads.items[i]->waiting;
	return count;
}

static size_t count_awaited(const struct search *search)
{
	size_t count = 0;

	sl_list_each (&search->strays, stray)
		count += !stray->over;
	return count;
}

static bool is_stray_known(const struct search *search, const char *id)
{
	sl_list_each (&search->strays, stray)
		if (strcmp(stray->id, id) == 0)
			return true;
	return false;
}

static bool is_in(const struct sl_strings *sorted, const char *text)
{
	size_t low = 0, high = sorted->len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(sorted->items[middle], text);
		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

// How many tasks of the group are new to us.
static size_t add_strays(struct globus *globus, const json_t *tasks, const struct sl_strings *known)
{
	struct search *search = globus->search;
	size_t before = search->strays.len, i;
	json_t *item;

	json_array_foreach (tasks, i, item) {
		const char *id = json_string_value(json_object_get(item, "id"));
		if (id && !is_in(known, id) && !is_stray_known(search, id))
			sl_list_add(&search->strays)->id = sl_strdup(id);
	}
	return search->strays.len - before;
}

// ---- the end of a search -------------------------------------------------------------------

// The tasks that ended without naming themselves are as many as nobody has found: they are those.
static void assign_failures(struct globus *globus, struct load *load)
{
	struct search *search = globus->search;
	size_t at = 0;

	for (size_t i = 0; search && i < load->parcels.len; i++) {
		struct parcel *parcel = load->parcels.items[i];
		if (parcel->over)
			continue;
		while (at < search->strays.len && !search->strays.items[at].failure)
			at++;
		if (at == search->strays.len)
			return;
		sl_auto_free char *text = sl_take(search->strays.items[at].failure);
		struct sl_error ignored = {0};
		sl_auto_json json_t *task = sl_json_load(text, strlen(text), "a task", &ignored);
		globus_parcel_over(parcel);
		globus_hear(globus, parcel, task);
	}
}

// What is left of the load was never carried out.
static void settle(struct globus *globus, struct load *load)
{
	struct sl_error why = {0};

	sl_fail(&why, SL_E_NETWORK, "endpoint %s: the service lost what was sent, several times",
		globus->endpoint);
	assign_failures(globus, load);
	for (size_t i = 0; i < load->parcels.len; i++) {
		struct parcel *parcel = load->parcels.items[i];
		if (parcel->over)
			continue;
		globus_requeue(globus, parcel, &why, "'sealift-upload run' goes on from here");
		globus_parcel_over(parcel);
	}
	if (!ledger_submit_over(globus->ledger, load->row.number, &globus->trouble))
		return;
}

static void settle_all(struct globus *globus)
{
	for (size_t i = 0; i < globus->loads.len; i++)
		if (is_sought(globus, globus->loads.items[i]))
			settle(globus, globus->loads.items[i]);
	globus_search_free(globus);
}

// The next process looks again.
static void leave_load(struct globus *globus, struct load *load, const struct sl_error *why,
		       const char *remedy)
{
	for (size_t i = 0; i < load->parcels.len; i++) {
		if (!load->parcels.items[i]->over)
			globus_abandon(globus, load->parcels.items[i], why, remedy);
		globus_parcel_over(load->parcels.items[i]);
	}
	if (!ledger_submit_leave(globus->ledger, load->row.number, &globus->trouble))
		return;
}

static void give_up_search(struct globus *globus, const struct sl_error *why, const char *remedy)
{
	for (size_t i = 0; i < globus->loads.len; i++)
		if (is_sought(globus, globus->loads.items[i]))
			leave_load(globus, globus->loads.items[i], why, remedy);
	globus_search_free(globus);
}

// ---- looking -------------------------------------------------------------------------------

static void look_again(struct search *search, int64_t now)
{
	search->next = now + (FIRST_LOOK << search->looks);
	search->looks++;
}

static void take_group(struct globus *globus, const json_t *tasks)
{
	struct search *search = globus->search;
	struct sl_strings known = {0};

	if (ledger_group_ids(globus->ledger, search->group, &known, &globus->trouble)) {
		sl_strings_sort(&known);
		if (add_strays(globus, tasks, &known) > 0) {
			search->looks = 0;
			search->news = globus_clock_ms();
			globus->next_poll = search->news;
		}
	}
	sl_strings_release(&known);
}

static void group_done(void *context, const json_t *answer, const struct compute_failure *failure)
{
	struct globus *globus = context;
	struct search *search = globus->search;

	if (!search)
		return;
	search->asking = false;
	if (answer)
		take_group(globus, json_object_get(answer, "tasks"));
	look_again(search, globus_clock_ms());
	// An unknown group has no tasks: that is an answer.
	if (failure && failure->status != 404 && search->looks >= LOOKS)
		give_up_search(globus, &failure->error, failure->remedy);
}

static void look(struct globus *globus, int64_t now)
{
	struct search *search = globus->search;
	size_t awaited = count_awaited(search);

	if (search->asking)
		return;
	if (count_sought(globus) == 0) {
		globus_search_free(globus);
	} else if (awaited > 0 && now - search->news > (int64_t)globus->timeout * 1000) {
		struct sl_error why = {0};
		sl_fail(&why, SL_E_NETWORK, "endpoint %s has given no sign of life for %u seconds",
			globus->endpoint, globus->timeout);
		give_up_search(globus, &why, "'sealift-upload run' goes on from here");
	} else if (awaited == 0 && search->looks >= LOOKS) {
		settle_all(globus);
	} else if (now >= search->next && (awaited == 0 || search->looks == 0)) {
		search->asking = true;
		compute_task_group(globus->compute, search->group, group_done, globus);
	}
}

// Nothing of ours may be on its way while we look for what we do not know.
static bool is_sending(const struct globus *globus)
{
	for (size_t i = 0; i < globus->loads.len; i++)
		if (globus->loads.items[i]->state == LOAD_SENDING)
			return true;
	return false;
}

static void begin_search(struct globus *globus, struct load *load, int64_t now)
{
	if (!load->row.task_group) {
		settle(globus, load);
		return;
	}
	globus->search = sl_alloc(sizeof *globus->search);
	globus->search->group = sl_strdup(load->row.task_group);
	globus->search->news = now;
	globus->search->next = now + FIRST_LOOK;
}

void globus_recover_step(struct globus *globus, int64_t now)
{
	if (globus->search) {
		look(globus, now);
		return;
	}
	if (is_sending(globus))
		return;
	for (size_t i = 0; i < globus->loads.len; i++) {
		struct load *load = globus->loads.items[i];
		if (load->state == LOAD_LOST && load->waiting > 0) {
			begin_search(globus, load, now);
			return;
		}
	}
}

// ---- a task that was found -----------------------------------------------------------------

static struct parcel *find_parcel(const struct globus *globus, const char *ref)
{
	for (size_t i = 0; ref && i < globus->loads.len; i++) {
		struct load *load = globus->loads.items[i];
		if (!is_sought(globus, load))
			continue;
		for (size_t j = 0; j < load->parcels.len; j++)
			if (!load->parcels.items[j]->over &&
			    strcmp(load->parcels.items[j]->ref, ref) == 0)
				return load->parcels.items[j];
	}
	return NULL;
}

static void hear_found(struct globus *globus, struct parcel *parcel, const struct stray *stray,
		       const json_t *task)
{
	sl_auto_free char *text = json_dumps(task, JSON_COMPACT);
	struct ledger_answer answer = {parcel->load->row.number, parcel->position, stray->id, text};

	if (!ledger_tasks_answered(globus->ledger, &answer, 1, &globus->trouble))
		return;
	answer.id = answer.text = NULL;
	*sl_list_add(&globus->heard) = answer;
	globus_parcel_over(parcel);
	globus_hear(globus, parcel, task);
}

void globus_stray_heard(struct globus *globus, struct stray *stray, const json_t *task)
{
	struct sl_error ignored = {0};
	sl_auto_json json_t *answer =
		json_object_get(task, "result") ? globus_read_result(task, &ignored) : NULL;
	struct parcel *parcel =
		find_parcel(globus, json_string_value(json_object_get(answer, "ref")));

	stray->over = true;
	if (parcel)
		hear_found(globus, parcel, stray, task);
	else if (!answer)
		stray->failure = json_dumps(task, JSON_COMPACT);
}
