// SPDX-License-Identifier: Apache-2.0
// Bringing what the builder lacks of a verified bundle, and asking it to build.
//
// verify -> which objects are missing (some thousands at once) -> build, with the missing ones in
// front of it. The bundle may be closed while an answer is awaited (work_let_go): it is verified
// again before a byte of it travels.
#include "uploader/commands/work.h"
#include "uploader/transport/answer.h"

#include <string.h>

#define HAVE_AT_ONCE 4096
#define TASKS_LIMIT  200000000	   // bytes of one bundle that may travel as tasks
#define ROOM_BYTES   (12 * SL_MIB) // of open bundles in memory while objects wait to travel
#define OPEN_BYTES   (16 * SL_KIB) // of an open bundle beside its content
#define ROOM_MS	     100

static struct sl_digest digest_of(const struct delivery *delivery)
{
	struct sl_sha256 sha;

	sl_sha256_init(&sha);
	sl_list_each (&delivery->objects, object)
		sl_sha256_add(&sha, &object->sha256, sizeof object->sha256);
	return sl_sha256_final(&sha);
}

// Somebody may have attached a signature to the file meanwhile: then the question is a new one.
static bool open_bundle(struct work *work, struct sl_error *err)
{
	if (work->bundle)
		return true;
	if (!work_verify(work, VERIFY_ALL, err))
		return false;
	delivery_init(&work->delivery, work->bundle);
	struct sl_digest listed = digest_of(&work->delivery);
	if (work->missing && !sl_digest_equal(&listed, &work->listed)) {
		free(work->missing);
		work->missing = NULL;
	}
	work->listed = listed;
	work->content = OPEN_BYTES;
	sl_list_each (&work->delivery.objects, object)
		work->content += object->data ? object->size : 0;
	if (!work->missing) {
		work->missing = sl_alloc_array(work->delivery.objects.len + 1, sizeof(bool));
		work->asked = 0;
	}
	return true;
}

// ---- asking for the build ------------------------------------------------------------------

static json_t *build_request(const struct work *work)
{
	json_t *request = work_request(work, "build");

	sl_json_set(request, "signatures", work_list_signatures(work));
	sl_json_set_uint(request, "builds", post_config(work->post)->builds);
	return request;
}

// A disk that is full, namespaces that are off: nothing was begun, and the bundle is not the
// reason.
static void blame_builder(struct work *work, struct sl_error *err)
{
	work->waits = true;
	if (strncmp(work->row.builder, "local", 6) != 0 && !strstr(err->text, work->row.builder))
		(void)sl_prefix(err, "builder '%s'", work->row.builder);
}

static bool then_built(struct work *work, const json_t *answer, const struct sl_error *why,
		       struct sl_error *err)
{
	bool missing = json_array_size(json_object_get(answer, "missing")) > 0;

	if (work->post->builds.reviver == work)
		work->post->builds.reviver = NULL;
	// An object went away between the question and the build: once, that is bad luck.
	if (why && missing && !work->again) {
		work->again = true;
		work->asked = 0;
		return true;
	}
	if (why) {
		work_fail(work, why, err);
		if (why->kind == SL_E_IO)
			blame_builder(work, err);
		// "No": nobody whom the builder trusts has signed.
		if (!missing && why->kind == SL_E_ANSWER) {
			work->refused = true;
			err->kind = SL_E_UNTRUSTED;
		}
		return false;
	}
	const char *state = json_string_value(json_object_get(answer, "state"));
	work->asked = 0;
	work->pause_ms = 0;
	work->step[0] = '\0';
	if (state && strcmp(state, "waiting") == 0)
		work_wait_for_turn(work);
	else
		work_say(work, "building");
	return work_move(work, LEDGER_BUILDING, err) &&
	       (!json_object_get(answer, "receipt") || work_built(work, answer, err));
}

// Tasks are no way for large data: whoever wants that says so.
bool work_check_size(struct work *work, const struct post *post, size_t count, size_t all,
		     struct sl_error *err)
{
	uint64_t bytes = 0;
	char size[16];

	for (size_t i = 0; i < count; i++)
		bytes += work->batch[i]->size;
	sl_size_format(bytes, size);
	if (bytes > TASKS_LIMIT && !post_takes_large(post) && !work->row.force_tasks) {
		work->remedy =
			sl_strdup("name a folder that both see as \"path\" in the builder "
				  "configuration, or 'add' the bundle again with "
				  "--force-tasks if they shall travel as tasks all the same");
		return sl_fail(
			err, SL_E_LIMIT,
			"%s are missing on the builder, more than the 200 MB that may travel "
			"as tasks",
			size);
	}
	work_say(work, "delivering %zu of %zu objects (%s)", count, all, size);
	return true;
}

// A bundle is open, and its content in memory, until its objects have been read: some at once.
// False: later.
static bool is_room(const struct work *work)
{
	const struct work_room *room = work->room;

	return room->bundles == 0 ||
	       (room->bundles < room->most_bundles && room->bytes + work->content <= ROOM_BYTES);
}

static bool take_room(struct work *work)
{
	if (!is_room(work)) {
		work_rest(work, ROOM_MS);
		return false;
	}
	work_take_room(work);
	return true;
}

static size_t fill_batch(struct work *work)
{
	size_t count = 0;

	for (size_t i = 0; i < work->delivery.objects.len; i++)
		if (work->missing[i])
			work->batch[count++] = &work->delivery.objects.items[i];
	return count;
}

// What was sent got lost, and is read again.
static bool reopen(void *context, struct sl_error *err)
{
	struct work *work = context;
	struct sl_digest listed = work->listed;

	if (!open_bundle(work, err))
		return false;
	if (!sl_digest_equal(&listed, &work->listed))
		return sl_fail(err, SL_E_IO, "'%s' has been changed while its objects travelled",
			       work->row.path);
	work_take_room(work);
	fill_batch(work);
	return true;
}

static bool ask_for_build(struct work *work, struct sl_error *err)
{
	if (!open_bundle(work, err))
		return false;
	if (!take_room(work))
		return true;
	work->batch = sl_alloc_array(work->delivery.objects.len + 1, sizeof(void *));
	size_t count = fill_batch(work);
	if (!work_check_size(work, work->post, count, work->delivery.objects.len, err))
		return false;
	sl_auto_json json_t *request = build_request(work);
	sl_auto_json json_t *record = work_record(work, request, count);
	work->reopen = reopen;
	return work_ask(work, request, "build", record, count, then_built, err);
}

// ---- what is missing -----------------------------------------------------------------------

static bool read_missing(struct work *work, const json_t *answer, struct sl_error *err)
{
	struct sl_digest asked_about = work->listed;

	if (!open_bundle(work, err))
		return false;
	if (!sl_digest_equal(&asked_about, &work->listed))
		return true; // asks again
	size_t left = work->delivery.objects.len - work->asked;
	size_t count = left < HAVE_AT_ONCE ? left : HAVE_AT_ONCE;
	if (!transport_read_missing(answer, work->delivery.objects.items + work->asked, count,
				    work->missing + work->asked, err))
		return false;
	work->asked += count;
	return true;
}

// The bundle is opened for it where there is room for it to travel, too: not for nothing.
static bool then_have(struct work *work, const json_t *answer, const struct sl_error *why,
		      struct sl_error *err)
{
	if (why)
		return work_fail(work, why, err);
	work->lacks = json_incref((json_t *)(uintptr_t)answer);
	return true;
}

static bool hear_what_is_missing(struct work *work, struct sl_error *err)
{
	sl_auto_json json_t *answer = sl_take(work->lacks);

	return read_missing(work, answer, err);
}

static bool ask_what_is_missing(struct work *work, struct sl_error *err)
{
	size_t left = work->delivery.objects.len - work->asked;
	size_t count = left < HAVE_AT_ONCE ? left : HAVE_AT_ONCE;
	sl_auto_json json_t *request =
		transport_have_request(work->delivery.objects.items + work->asked, count);

	return work_ask(work, request, NULL, NULL, 0, then_have, err);
}

// ---- what the builder is -------------------------------------------------------------------

// Where the builder can be told to look for its Apptainer, beside what the agent itself says.
static void add_launcher_hint(struct work *work)
{
	const char *file = post_config(work->post)->file;
	sl_auto_free char *hint = work->remedy;
	sl_auto_free char *shown = file ? sl_text_shown(file) : NULL;

	work->remedy = sl_format("%s%s%s%s%s a \"launcher\" that starts where Apptainer is; the "
				 "bundle stays queued, "
				 "and 'sealift-upload run' goes on from here",
				 hint ? hint : "", hint ? "; or give " : "give ",
				 shown ? "'" : "--builder-config", shown ? shown : "",
				 shown ? "'" : " a file with");
}

// One reason for which nothing would be built there, as the agent has put it.
static bool fail_obstacle(struct work *work, const json_t *obstacle, struct sl_error *err)
{
	sl_auto_json json_t *answer = json_object();

	json_object_set(answer, "error", (json_t *)(uintptr_t)obstacle);
	if (!answer_check(answer, err))
		work_take_hint(work, answer);
	work->waits = true;
	if (err->kind == SL_E_ANSWER || err->kind == SL_E_UNTRUSTED)
		err->kind = SL_E_UNTRUSTED; // its policy trusts nobody yet: no word on this bundle
	else if (post_is_local(work->post))
		add_launcher_hint(work);
	return sl_prefix(err, "builder '%s' cannot build", work->post->builder);
}

// It is the same for all bundles, so the others need not ask.
static bool remember_obstacle(struct work *work, const struct sl_error *why)
{
	struct post *post = work->post;

	post->obstacle = *why;
	free(post->obstacle_remedy);
	post->obstacle_remedy = work->remedy ? sl_strdup(work->remedy) : NULL;
	return false;
}

static bool then_probed(struct work *work, const json_t *answer, const struct sl_error *why,
			struct sl_error *err)
{
	if (why) {
		work->waits = true;
		work_fail(work, why, err);
		return remember_obstacle(work, err);
	}
	const json_t *first = json_array_get(json_object_get(answer, "obstacles"), 0);
	if (first) {
		fail_obstacle(work, first, err);
		return remember_obstacle(work, err);
	}
	work->post->ready = true;
	return true;
}

static bool ask_what_it_can(struct work *work, struct sl_error *err)
{
	sl_auto_json json_t *request = json_object();

	sl_json_set_string(request, "op", "probe");
	return work_ask(work, request, NULL, NULL, 0, then_probed, err);
}

bool work_deliver(struct work *work, struct sl_error *err)
{
	// It need not be read again to see that there is no room.
	if (!work->bundle && work->missing && work->content > 0 && !is_room(work)) {
		work_rest(work, ROOM_MS);
		return true;
	}
	if (!open_bundle(work, err))
		return false;
	if (work->lacks)
		return hear_what_is_missing(work, err);
	if (!work->post->ready)
		return ask_what_it_can(work, err);
	if (work->row.state == LEDGER_QUEUED && !work_move(work, LEDGER_DELIVERING, err))
		return false;
	if (work->asked < work->delivery.objects.len)
		return ask_what_is_missing(work, err);
	return ask_for_build(work, err);
}
