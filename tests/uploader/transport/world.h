// SPDX-License-Identifier: Apache-2.0
// A driver at work before the fake service: its time, its errands and what they heard, and objects
// of any size.
#ifndef TESTS_UPLOADER_TRANSPORT_WORLD_H
#define TESTS_UPLOADER_TRANSPORT_WORLD_H

#include "tests/uploader/transport/fake_service.h"

// ---- a driver at work ----------------------------------------------------------------------

struct world {
	char *folder;
	struct ledger *ledger;
	struct post *post;
	struct builder_config config;
};

static inline void world_open(struct world *world)
{
	struct sl_error err = {0};
	if (!ledger_open(world->folder, &world->ledger, &err))
		fail_msg("%s", err.text);
	struct post_setup setup = {.ledger = world->ledger,
				   .compute = (struct compute *)&fake,
				   .builder = ENDPOINT,
				   .config = &world->config,
				   .service = SERVICE};
	if (!post_driver_globus.open(&setup, &world->post, &err))
		fail_msg("%s", err.text);
}

static inline void world_close(struct world *world)
{
	post_driver_globus.close(world->post);
	ledger_close(world->ledger);
}

// The process ends at once, and another one begins. (The same process has the same name in the
// ledger, so what it held is given back as if it had died.)
static inline void world_kill(struct world *world)
{
	world_close(world);
	fake_hang_up();
	world_open(world);
}

static inline void world_new(struct world *world, void **state)
{
	*world = (struct world){.folder = *state, .config = {.timeout = 600, .poll_ms = 200}};
	fake_reset();
	world_open(world);
}

static inline void world_step(struct world *world, int64_t ms)
{
	struct sl_error err = {0};
	bool busy;
	fake.now += ms;
	if (!post_driver_globus.step(world->post, &busy, &err))
		fail_msg("%s", err.text);
	fake_answer_all();
	fake_run();
}

static inline size_t world_pending(const struct world *world)
{
	return post_driver_globus.pending(world->post);
}

// Until all errands have been heard of, or for so many seconds.
static inline void world_run(struct world *world, unsigned seconds)
{
	for (unsigned i = 0; i < seconds * 10 && world_pending(world) > 0; i++)
		world_step(world, 100);
}

static inline void world_idle(struct world *world, unsigned seconds)
{
	for (unsigned i = 0; i < seconds * 10; i++)
		world_step(world, 100);
}

// ---- errands -------------------------------------------------------------------------------

struct told {
	unsigned times;
	enum sl_kind kind;
	char text[2048], remedy[512];
	json_t *answer;
	uint64_t moved;
};

static inline void told_heard(void *context, const json_t *answer, const struct sl_error *why,
			      const char *remedy)
{
	struct told *told = context;
	told->times++;
	told->kind = why ? why->kind : SL_E_NONE;
	snprintf(told->text, sizeof told->text, "%s", why ? why->text : "");
	snprintf(told->remedy, sizeof told->remedy, "%s", remedy ? remedy : "");
	json_decref(told->answer);
	told->answer = json_incref((json_t *)(uintptr_t)answer);
}

static inline void told_moved(void *context, uint64_t bytes)
{
	((struct told *)context)->moved += bytes;
}

static inline void told_release(struct told *told)
{
	json_decref(told->answer);
	*told = (struct told){0};
}

static inline void assert_good(const struct told *told)
{
	if (told->times != 1 || told->kind != SL_E_NONE)
		fail_msg("heard %u times: %s", told->times, told->text);
	assert_true(json_is_true(json_object_get(told->answer, "ok")));
}

static inline void assert_told(const struct told *told, enum sl_kind kind, const char *words)
{
	assert_int_equal(told->times, 1);
	if (told->kind != kind || !strstr(told->text, words))
		fail_msg("kind %d, '%s', not kind %d with '%s'", told->kind, told->text, kind,
			 words);
}

// An errand whose request names its objects, so that the agent can tell whether they are there.
static inline void world_ask(struct world *world, const char *op,
			     const struct transport_object *const *objects, size_t len,
			     struct told *told)
{
	struct sl_error err = {0};
	json_t *request = json_object(), *needs = json_array();
	char hex[SL_DIGEST_HEX + 1];
	for (size_t i = 0; i < len; i++) {
		sl_digest_hex(&objects[i]->sha256, hex);
		sl_json_append(needs, json_string(hex));
	}
	sl_json_set_string(request, "op", op);
	if (len > 0)
		sl_json_set(request, "needs", needs);
	else
		json_decref(needs);
	struct errand errand = {.request = request,
				.objects = objects,
				.len = len,
				.heard = told_heard,
				.moved = told_moved,
				.context = told};
	*told = (struct told){0};
	if (!post_driver_globus.start(world->post, &errand, &err))
		fail_msg("%s", err.text);
	json_decref(request);
}

static inline void world_have(struct world *world, const struct transport_object *object,
			      struct told *told)
{
	struct sl_error err = {0};
	char hex[SL_DIGEST_HEX + 1];
	sl_digest_hex(&object->sha256, hex);
	json_t *request = json_pack("{s:s,s:[{s:s,s:I}]}", "op", "have", "objects", "sha256", hex,
				    "size", (json_int_t)object->size);
	struct errand errand = {.request = request, .heard = told_heard, .context = told};
	*told = (struct told){0};
	assert_true(post_driver_globus.start(world->post, &errand, &err));
	json_decref(request);
}

// One small errand, so that endpoint, function and task group are known.
static inline void world_warm_up(struct world *world)
{
	struct told told;
	world_ask(world, "probe", NULL, 0, &told);
	world_run(world, 60);
	assert_good(&told);
	told_release(&told);
	memset(&fake.count, 0, sizeof fake.count);
}

// ---- objects -------------------------------------------------------------------------------

struct source {
	uint64_t seed, reads, read_bytes;
	bool broken;
};

static inline void source_bytes(uint64_t seed, uint64_t offset, unsigned char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint64_t x = (seed << 40) + ((offset + i) >> 2);
		x = (x ^ (x >> 31)) * 0x9e3779b97f4a7c15U;
		data[i] = (unsigned char)(x >> (32 + 8 * ((offset + i) & 3)));
	}
}

static inline bool source_read(void *context, size_t index, uint64_t offset, void *data, size_t len,
			       struct sl_error *err)
{
	struct source *source = context;
	(void)index;
	if (source->broken)
		return sl_fail(err, SL_E_IO, "cannot read the bundle");
	source->reads++;
	source->read_bytes += len;
	source_bytes(source->seed, offset, data, len);
	return true;
}

static inline struct transport_object source_object(struct source *source, uint64_t size)
{
	unsigned char *all = sl_alloc(size + 1);
	source_bytes(source->seed, 0, all, size);
	struct transport_object object = {.sha256 = sl_sha256_bytes(all, size),
					  .size = size,
					  .read = source_read,
					  .context = source};
	free(all);
	return object;
}

#endif
