// SPDX-License-Identifier: Apache-2.0
// What travels to an endpoint, in how many pieces, and how often.
#include "tests/uploader/transport/world.h"

#define MANY 1000

static const struct transport_object *one(const struct transport_object *object)
{
	return object;
}

// ---- small requests ------------------------------------------------------------------------

static void an_errand_is_answered(void **state)
{
	struct world world;
	struct told told;
	world_new(&world, state);
	world_ask(&world, "probe", NULL, 0, &told);
	assert_int_equal(told.times, 0);
	assert_int_equal(world_pending(&world), 1);
	world_run(&world, 10);
	assert_good(&told);
	assert_int_equal(world_pending(&world), 0);
	assert_int_equal(fake.count.registered, 1);
	assert_string_equal(fake.last_code, "st");
	told_release(&told);
	world_close(&world);
}

static void a_refusal_comes_with_its_kind_and_what_would_help(void **state)
{
	struct world world;
	struct told told;
	world_new(&world, state);
	world_ask(&world, "no", NULL, 0, &told);
	world_run(&world, 10);
	assert_told(&told, SL_E_UNTRUSTED, "nobody trusted has signed");
	assert_string_equal(told.remedy, "sign it");
	assert_non_null(told.answer);
	told_release(&told);
	world_close(&world);
}

static void small_requests_wait_for_company(void **state)
{
	struct world world;
	struct told told[3];
	world_new(&world, state);
	world_warm_up(&world);
	world_ask(&world, "state", NULL, 0, &told[0]);
	world_step(&world, 0);
	world_ask(&world, "state", NULL, 0, &told[1]);
	world_step(&world, 150);
	assert_int_equal(fake.count.submits, 0);
	world_step(&world, 50);
	assert_int_equal(fake.count.submits, 1);
	assert_int_equal(fake.count.payloads, 1);
	// Its answer comes with a poll, in a second: who waits for that need not go alone either.
	world_ask(&world, "state", NULL, 0, &told[2]);
	post_driver_globus.hurry(world.post);
	world_step(&world, 0);
	world_step(&world, 500);
	assert_int_equal(fake.count.submits, 1);
	world_run(&world, 30);
	assert_int_equal(fake.count.submits, 2);
	for (size_t i = 0; i < 3; i++) {
		assert_good(&told[i]);
		told_release(&told[i]);
	}
	world_close(&world);
}

// A submit is full, or a second has passed.
static void many_requests_after_a_submit_wait_for_more_too(void **state)
{
	struct world world;
	struct told told[2 * MANY / 10];
	size_t half = MANY / 10; // more than a payload holds
	world_new(&world, state);
	world_warm_up(&world);
	for (size_t i = 0; i < half; i++)
		world_ask(&world, "state", NULL, 0, &told[i]);
	world_step(&world, 0);
	assert_int_equal(fake.count.submits, 1);
	for (size_t i = 0; i < half; i++)
		world_ask(&world, "state", NULL, 0, &told[half + i]);
	world_step(&world, 500);
	assert_int_equal(fake.count.submits, 1);
	world_step(&world, 500);
	assert_int_equal(fake.count.submits, 2);
	world_run(&world, 30);
	assert_int_equal(fake.count.submits, 2);
	for (size_t i = 0; i < 2 * half; i++) {
		assert_good(&told[i]);
		told_release(&told[i]);
	}
	world_close(&world);
}

static void nobody_waits_for_company_that_does_not_come(void **state)
{
	struct world world;
	struct told told;
	world_new(&world, state);
	world_warm_up(&world);
	world_ask(&world, "state", NULL, 0, &told);
	post_driver_globus.hurry(world.post);
	world_step(&world, 0);
	assert_int_equal(fake.count.submits, 1);
	world_run(&world, 30);
	assert_good(&told);
	told_release(&told);
	world_close(&world);
}

static void a_thousand_small_requests_need_few_tasks(void **state)
{
	struct world world;
	static struct told told[MANY];
	world_new(&world, state);
	world_warm_up(&world);
	for (size_t i = 0; i < MANY; i++)
		world_ask(&world, "state", NULL, 0, &told[i]);
	world_run(&world, 30);
	for (size_t i = 0; i < MANY; i++) {
		assert_good(&told[i]);
		told_release(&told[i]);
	}
	assert_int_equal(fake.count.submits, 1);
	assert_int_equal(fake.count.payloads, (MANY + GLOBUS_CALLS - 1) / GLOBUS_CALLS);
	assert_int_equal(fake.count.most_calls, GLOBUS_CALLS);
	world_close(&world);
}

static void calls_of_one_payload_end_at_the_limit(void **state)
{
	struct world world;
	struct told told[GLOBUS_CALLS + 1];
	world_new(&world, state);
	world_warm_up(&world);
	for (size_t count = GLOBUS_CALLS; count <= GLOBUS_CALLS + 1; count++) {
		memset(&fake.count, 0, sizeof fake.count);
		for (size_t i = 0; i < count; i++)
			world_ask(&world, "state", NULL, 0, &told[i]);
		world_run(&world, 30);
		assert_int_equal(fake.count.payloads, count == GLOBUS_CALLS ? 1 : 2);
		for (size_t i = 0; i < count; i++)
			told_release(&told[i]);
	}
	world_close(&world);
}

static void t83_answers_that_are_long_come_a_few_at_a_time(void **state)
{
	struct world world;
	static struct told told[100];
	world_new(&world, state);
	world_warm_up(&world);
	for (size_t i = 0; i < 100; i++)
		world_ask(&world, "receipt", NULL, 0, &told[i]);
	world_run(&world, 30);
	for (size_t i = 0; i < 100; i++) {
		assert_good(&told[i]);
		told_release(&told[i]);
	}
	assert_int_equal(fake.count.most_receipts, 32);
	world_close(&world);
}

// ---- objects -------------------------------------------------------------------------------

static void small_objects_ride_with_their_request(void **state)
{
	struct world world;
	struct told told;
	struct source source = {.seed = 1};
	struct transport_object object = source_object(&source, SL_MIB);
	const struct transport_object *objects[] = {&object};
	world_new(&world, state);
	world_warm_up(&world);
	world_ask(&world, "build", objects, 1, &told);
	world_run(&world, 30);
	assert_good(&told);
	assert_int_equal(fake.count.payloads, 1);
	assert_int_equal(fake.count.calls, 2);
	assert_int_equal(told.moved, SL_MIB);
	told_release(&told);
	world_close(&world);
}

static void one_byte_more_travels_before_its_request(void **state)
{
	struct world world;
	struct told told;
	struct source source = {.seed = 2};
	struct transport_object object = source_object(&source, SL_MIB + 1);
	const struct transport_object *objects[] = {&object};
	world_new(&world, state);
	world_warm_up(&world);
	world_ask(&world, "build", objects, 1, &told);
	world_run(&world, 30);
	assert_good(&told);
	assert_int_equal(fake.count.submits, 2);
	assert_int_equal(fake.count.put_bytes, SL_MIB + 1);
	assert_int_equal(told.moved, SL_MIB + 1);
	told_release(&told);
	world_close(&world);
}

static void objects_in_memory_and_of_no_bytes_travel_too(void **state)
{
	struct world world;
	struct told told;
	static char text[] = "hello";
	struct transport_object hello = {
		.sha256 = sl_sha256_bytes(text, 5), .size = 5, .data = text};
	struct transport_object nothing = {.sha256 = sl_sha256_bytes("", 0), .data = text};
	const struct transport_object *objects[] = {&hello, &nothing};
	world_new(&world, state);
	world_ask(&world, "build", objects, 2, &told);
	world_run(&world, 30);
	assert_good(&told);
	assert_int_equal(told.moved, 5);
	told_release(&told);
	world_close(&world);
}

#define SHARERS 50

static void an_object_that_fifty_need_is_brought_once(void **state)
{
	struct world world;
	static struct told told[SHARERS];
	struct source shared_source = {.seed = 3}, large_source = {.seed = 4};
	static struct source sources[SHARERS];
	static struct transport_object own[SHARERS];
	static const struct transport_object *objects[SHARERS][3];
	struct transport_object shared = source_object(&shared_source, 100000);
	struct transport_object large = source_object(&large_source, 3000000);
	uint64_t total = shared.size + large.size;
	world_new(&world, state);
	world_warm_up(&world);
	for (size_t i = 0; i < SHARERS; i++) {
		sources[i].seed = 100 + i;
		own[i] = source_object(&sources[i], 1000 + i);
		total += own[i].size;
		objects[i][0] = &own[i];
		objects[i][1] = one(&shared);
		objects[i][2] = one(&large);
		// Every other one does not need the large object.
		world_ask(&world, "build", objects[i], i % 2 ? 3 : 2, &told[i]);
	}
	world_run(&world, 60);
	for (size_t i = 0; i < SHARERS; i++) {
		assert_good(&told[i]);
		assert_int_equal(told[i].moved,
				 own[i].size + shared.size + (i % 2 ? large.size : 0));
		told_release(&told[i]);
	}
	assert_int_equal(fake.count.put_bytes, total);
	// Who comes later and thinks it is missing does not bring it again.
	world_ask(&world, "build", objects[1], 3, &told[0]);
	world_run(&world, 60);
	assert_good(&told[0]);
	assert_int_equal(fake.count.put_bytes, total);
	told_release(&told[0]);
	world_close(&world);
}

static void t83_a_large_object_travels_in_pieces_of_which_few_are_in_memory(void **state)
{
	struct world world;
	struct told told;
	struct source source = {.seed = 5};
	struct transport_object object = source_object(&source, 60000000);
	const struct transport_object *objects[] = {&object};
	world_new(&world, state);
	world_warm_up(&world);
	fake.hold_submits = true;
	world_ask(&world, "build", objects, 1, &told);
	world_idle(&world, 5);
	assert_int_equal(fake.count.bodies, GLOBUS_BODIES);
	// What is not sent has not been read.
	assert_true(source.read_bytes <= GLOBUS_BODIES * 7500000);
	fake.hold_submits = false;
	fake.idle = true;
	world_idle(&world, 5);
	assert_true(fake.count.submits <= GLOBUS_FREIGHT);
	fake.idle = false;
	world_run(&world, 120);
	assert_good(&told);
	assert_int_equal(fake.count.put_bytes, object.size);
	assert_int_equal(source.read_bytes, object.size);
	assert_int_equal(told.moved, object.size);
	assert_true(fake.count.largest > 8000000 && fake.count.largest <= WIRE_LIMIT_SUBMIT);
	assert_true(fake.count.most_bodies <= GLOBUS_BODIES);
	told_release(&told);
	world_close(&world);
}

static void requests_do_not_wait_behind_freight(void **state)
{
	struct world world;
	struct told large, small;
	struct source source = {.seed = 6};
	struct transport_object object = source_object(&source, 40000000);
	const struct transport_object *objects[] = {&object};
	world_new(&world, state);
	world_warm_up(&world);
	fake.idle = true;
	world_ask(&world, "build", objects, 1, &large);
	world_idle(&world, 5);
	size_t before = fake.count.submits;
	world_ask(&world, "state", NULL, 0, &small);
	world_idle(&world, 1);
	assert_int_equal(fake.count.submits, before + 1);
	fake.idle = false;
	world_run(&world, 120);
	assert_good(&small);
	assert_good(&large);
	told_release(&small);
	told_release(&large);
	world_close(&world);
}

static void many_objects_of_one_errand_share_payloads(void **state)
{
	struct world world;
	struct told told;
	static struct source sources[60];
	static struct transport_object made[60];
	static const struct transport_object *objects[60];
	uint64_t total = 0;
	world_new(&world, state);
	world_warm_up(&world);
	for (size_t i = 0; i < 60; i++) {
		sources[i].seed = 1000 + i;
		made[i] = source_object(&sources[i], 300000);
		objects[i] = &made[i];
		total += made[i].size;
	}
	world_ask(&world, "build", objects, 60, &told);
	world_run(&world, 60);
	assert_good(&told);
	assert_int_equal(fake.count.put_bytes, total);
	assert_true(fake.count.submits <= 5);
	told_release(&told);
	world_close(&world);
}

static void t76_what_a_sender_before_us_has_brought_is_not_brought_again(void **state)
{
	struct world world;
	struct told told;
	struct source source = {.seed = 7};
	struct transport_object object = source_object(&source, 20000000);
	const struct transport_object *objects[] = {&object};
	world_new(&world, state);
	world_warm_up(&world);
	world_ask(&world, "build", objects, 1, &told);
	while (fake.store.len == 0)
		world_step(&world, 100);
	world_kill(&world); // in the middle of it
	world_idle(&world, 30);
	uint64_t before = fake.count.put_bytes;
	assert_true(before > 0 && before < object.size);
	world_have(&world, &object, &told);
	world_run(&world, 60);
	assert_good(&told);
	told_release(&told);
	world_ask(&world, "build", objects, 1, &told);
	world_run(&world, 60);
	assert_good(&told);
	assert_int_equal(told.moved, object.size);
	assert_int_equal(fake.count.put_bytes, object.size);
	told_release(&told);
	world_close(&world);
}

static void t80_an_object_that_has_been_lost_there_is_brought_again(void **state)
{
	struct world world;
	struct told told;
	struct source source = {.seed = 8};
	struct transport_object object = source_object(&source, 5000);
	const struct transport_object *objects[] = {&object};
	world_new(&world, state);
	world_ask(&world, "build", objects, 1, &told);
	world_run(&world, 60);
	assert_good(&told);
	told_release(&told);
	fake.store.items[0].whole = false;
	fake.store.items[0].have.len = 0;
	world_have(&world, &object, &told);
	world_run(&world, 60);
	told_release(&told);
	world_ask(&world, "build", objects, 1, &told);
	world_run(&world, 60);
	assert_good(&told);
	assert_int_equal(fake.count.put_bytes, 2 * object.size);
	told_release(&told);
	world_close(&world);
}

static void an_object_that_cannot_be_read_fails_only_those_who_lend_it(void **state)
{
	struct world world;
	struct told bad, good;
	struct source broken = {.seed = 9, .broken = true}, whole = {.seed = 9};
	struct transport_object object = source_object(&whole, 2000000);
	struct transport_object unreadable = object;
	unreadable.context = &broken;
	const struct transport_object *bads[] = {&unreadable}, *goods[] = {&object};
	world_new(&world, state);
	world_ask(&world, "build", bads, 1, &bad);
	world_ask(&world, "build", goods, 1, &good);
	world_run(&world, 60);
	assert_told(&bad, SL_E_IO, "cannot read the bundle");
	assert_good(&good);
	told_release(&bad);
	told_release(&good);
	object.size = 5000; // and one that rides
	object = source_object(&whole, 5000);
	unreadable = object;
	unreadable.context = &broken;
	world_ask(&world, "build", bads, 1, &bad);
	world_ask(&world, "build", goods, 1, &good);
	world_run(&world, 60);
	assert_told(&bad, SL_E_IO, "cannot read the bundle");
	assert_good(&good);
	told_release(&bad);
	told_release(&good);
	world_close(&world);
}

// ---- objects whose bytes take memory -------------------------------------------------------

// An errand whose one object is there only while it is open.
struct purse {
	struct told told; // first
	struct source source;
	struct transport_object object;
	const struct transport_object *objects[1];
	bool open, gone;
	unsigned closed, reopened;
};

static bool purse_read(void *context, size_t index, uint64_t offset, void *data, size_t len,
		       struct sl_error *err)
{
	struct purse *purse = context;
	assert_true(purse->open);
	return source_read(&purse->source, index, offset, data, len, err);
}

static void purse_close(void *context)
{
	struct purse *purse = context;
	assert_true(purse->open);
	purse->open = false;
	purse->objects[0] = NULL;
	purse->closed++;
}

static bool purse_reopen(void *context, struct sl_error *err)
{
	struct purse *purse = context;
	assert_false(purse->open);
	if (purse->gone)
		return sl_fail(err, SL_E_IO, "the bundle is not there any more");
	purse->open = true;
	purse->objects[0] = &purse->object;
	purse->reopened++;
	return true;
}

static void purse_ask(struct world *world, struct purse *purse, uint64_t seed, uint64_t size)
{
	struct sl_error err = {0};
	char hex[SL_DIGEST_HEX + 1];
	*purse = (struct purse){.source = {.seed = seed}, .open = true};
	purse->object = source_object(&purse->source, size);
	purse->object.read = purse_read;
	purse->object.context = purse;
	purse->objects[0] = &purse->object;
	sl_digest_hex(&purse->object.sha256, hex);
	json_t *request = json_pack("{s:s,s:[s]}", "op", "build", "needs", hex);
	struct errand errand = {.request = request,
				.objects = purse->objects,
				.len = 1,
				.heard = told_heard,
				.moved = told_moved,
				.close = purse_close,
				.reopen = purse_reopen,
				.context = purse};
	assert_true(post_driver_globus.start(world->post, &errand, &err));
	json_decref(request);
}

static void objects_are_closed_once_they_stand_in_a_submit(void **state)
{
	struct world world;
	struct purse small, large;
	world_new(&world, state);
	world_warm_up(&world);
	fake.hold_submits = true;
	purse_ask(&world, &small, 1, 50000);
	purse_ask(&world, &large, 2, 9000000);
	world_idle(&world, 2);
	assert_false(small.open); // although nobody has answered
	assert_true(large.open);  // its request has not been sent
	fake.hold_submits = false;
	world_run(&world, 60);
	assert_good(&small.told);
	assert_good(&large.told);
	assert_int_equal(small.closed + large.closed, 2);
	assert_int_equal(small.reopened + large.reopened, 0);
	told_release(&small.told);
	told_release(&large.told);
	world_close(&world);
}

static void t81_what_got_lost_is_reopened_and_sent_again(void **state)
{
	struct world world;
	struct purse purse, other;
	world_new(&world, state);
	world_warm_up(&world);
	fake_next(FATE_VANISHED);
	purse_ask(&world, &purse, 3, 50000);
	world_idle(&world, 1);
	assert_false(purse.open);
	purse_ask(&world, &other, 3, 50000); // the same object: it is open, and lends it
	world_run(&world, 120);
	assert_good(&purse.told);
	assert_good(&other.told);
	assert_int_equal(purse.reopened, 0);
	assert_int_equal(fake.count.put_bytes, 50000);
	told_release(&purse.told);
	told_release(&other.told);
	fake_next(FATE_VANISHED);
	purse_ask(&world, &purse, 4, 50000);
	world_run(&world, 120);
	assert_good(&purse.told);
	assert_int_equal(purse.reopened, 1);
	assert_int_equal(purse.closed, 2);
	assert_int_equal(fake.count.put_bytes, 100000);
	told_release(&purse.told);
	world_close(&world);
}

#define RIDERS 12

// Each as large as what may ride: some fill a submit. Two such bodies are not in memory at a time.
static void one_body_of_requests_is_heavy_at_a_time(void **state)
{
	struct world world;
	struct purse purses[RIDERS];
	struct told told;
	world_new(&world, state);
	world_warm_up(&world);
	fake.hold_submits = true;
	for (uint64_t i = 0; i < RIDERS; i++)
		purse_ask(&world, &purses[i], 100 + i, GLOBUS_RIDE);
	world_idle(&world, 3);
	assert_int_equal(fake.count.submits, 1);
	assert_true(fake.count.largest > 7000000);
	assert_false(purses[0].open);
	assert_true(purses[RIDERS - 1].open);
	world_ask(&world, "state", NULL, 0, &told); // does not wait for it for ever
	world_idle(&world, 5);
	assert_int_equal(fake.count.submits, 1);
	world_idle(&world, 5);
	assert_int_equal(fake.count.submits, 2);
	assert_true(purses[RIDERS - 1].open);
	fake.hold_submits = false;
	world_run(&world, 60);
	assert_int_equal(fake.count.submits, 3);
	assert_int_equal(fake.count.put_bytes, RIDERS * GLOBUS_RIDE);
	assert_good(&told);
	told_release(&told);
	for (size_t i = 0; i < RIDERS; i++) {
		assert_good(&purses[i].told);
		told_release(&purses[i].told);
	}
	world_close(&world);
}

static void what_cannot_be_reopened_is_told(void **state)
{
	struct world world;
	struct purse purse;
	world_new(&world, state);
	world_warm_up(&world);
	fake_next(FATE_VANISHED);
	purse_ask(&world, &purse, 5, 50000);
	world_idle(&world, 1);
	purse.gone = true;
	world_run(&world, 120);
	assert_told(&purse.told, SL_E_IO, "not there any more");
	assert_int_equal(fake.count.put_bytes, 0);
	told_release(&purse.told);
	world_close(&world);
}

static void pieces_that_the_agent_loses_are_not_sent_for_ever(void **state)
{
	struct world world;
	struct told told;
	struct source source = {.seed = 10};
	struct transport_object object = source_object(&source, 8000000);
	const struct transport_object *objects[] = {&object};
	world_new(&world, state);
	fake.lose_pieces = true;
	world_ask(&world, "build", objects, 1, &told);
	world_run(&world, 600);
	assert_told(&told, SL_E_FORMAT, "does not say that it is stored");
	assert_true(fake.count.put_bytes <= 4 * object.size);
	told_release(&told);
	world_close(&world);
}

// ---- 413 -----------------------------------------------------------------------------------

static void t83_what_is_too_large_is_halved_until_it_is_not(void **state)
{
	struct world world;
	struct told told;
	struct source source = {.seed = 11};
	struct transport_object object = source_object(&source, 9000000);
	const struct transport_object *objects[] = {&object};
	world_new(&world, state);
	world_warm_up(&world);
	fake.limit = 3000000;
	world_ask(&world, "build", objects, 1, &told);
	world_run(&world, 120);
	assert_good(&told);
	assert_int_equal(fake.count.put_bytes, object.size);
	told_release(&told);
	world_close(&world);
}

static void t83_what_cannot_be_made_smaller_is_refused(void **state)
{
	struct world world;
	struct told told[2];
	world_new(&world, state);
	world_warm_up(&world);
	fake.limit = 50;
	world_ask(&world, "state", NULL, 0, &told[0]);
	world_run(&world, 120);
	assert_told(&told[0], SL_E_LIMIT, "TASK_PAYLOAD_TOO_LARGE");
	fake.limit = 0;
	world_ask(&world, "state", NULL, 0, &told[1]);
	world_run(&world, 120);
	assert_good(&told[1]);
	told_release(&told[0]);
	told_release(&told[1]);
	world_close(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(an_errand_is_answered),
		scratch_test(a_refusal_comes_with_its_kind_and_what_would_help),
		scratch_test(small_requests_wait_for_company),
		scratch_test(many_requests_after_a_submit_wait_for_more_too),
		scratch_test(nobody_waits_for_company_that_does_not_come),
		scratch_test(a_thousand_small_requests_need_few_tasks),
		scratch_test(calls_of_one_payload_end_at_the_limit),
		scratch_test(t83_answers_that_are_long_come_a_few_at_a_time),
		scratch_test(small_objects_ride_with_their_request),
		scratch_test(one_byte_more_travels_before_its_request),
		scratch_test(objects_in_memory_and_of_no_bytes_travel_too),
		scratch_test(an_object_that_fifty_need_is_brought_once),
		scratch_test(t83_a_large_object_travels_in_pieces_of_which_few_are_in_memory),
		scratch_test(requests_do_not_wait_behind_freight),
		scratch_test(many_objects_of_one_errand_share_payloads),
		scratch_test(t76_what_a_sender_before_us_has_brought_is_not_brought_again),
		scratch_test(t80_an_object_that_has_been_lost_there_is_brought_again),
		scratch_test(an_object_that_cannot_be_read_fails_only_those_who_lend_it),
		scratch_test(objects_are_closed_once_they_stand_in_a_submit),
		scratch_test(t81_what_got_lost_is_reopened_and_sent_again),
		scratch_test(one_body_of_requests_is_heavy_at_a_time),
		scratch_test(what_cannot_be_reopened_is_told),
		scratch_test(pieces_that_the_agent_loses_are_not_sent_for_ever),
		scratch_test(t83_what_is_too_large_is_halved_until_it_is_not),
		scratch_test(t83_what_cannot_be_made_smaller_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
