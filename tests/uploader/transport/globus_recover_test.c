// SPDX-License-Identifier: Apache-2.0
// Answers that are lost, endpoints that fall silent, and processes that end at any moment: nothing
// large is sent twice, and nobody waits for ever.
#include "tests/uploader/transport/world.h"

#include "uploader/ledger/private.h"

static int64_t number_in(struct world *world, const char *sql)
{
	struct sl_error err = {0};
	int64_t number = -1;
	assert_true(db_number(world->ledger, sql, &number, &err));
	return number;
}

static void assert_ledger_settled(struct world *world)
{
	assert_int_equal(number_in(world, "SELECT count(*) FROM submit WHERE outcome IN ('tried',"
					  " 'accepted')"),
			 0);
	assert_int_equal(number_in(world, "SELECT count(*) FROM task WHERE answer IS NOT NULL"), 0);
}

// ---- the answer to a submit is lost --------------------------------------------------------

static void t81_lost_answers_are_found_in_the_task_group(void **state)
{
	struct world world;
	struct told told[3];
	struct source source = {.seed = 1};
	struct transport_object object = source_object(&source, 6000000);
	const struct transport_object *objects[] = {&object};
	world_new(&world, state);
	world_warm_up(&world);
	fake_next(FATE_TAKEN_SILENTLY);
	fake_next(FATE_TAKEN_SILENTLY);
	world_ask(&world, "build", objects, 1, &told[0]);
	world_ask(&world, "state", NULL, 0, &told[1]);
	world_ask(&world, "no", NULL, 0, &told[2]);
	world_run(&world, 120);
	assert_good(&told[0]);
	assert_good(&told[1]);
	assert_told(&told[2], SL_E_UNTRUSTED, "nobody trusted");
	assert_int_equal(fake.count.put_bytes, object.size); // not a byte twice
	assert_true(fake.count.groups > 0);
	world_idle(&world, 30);
	assert_ledger_settled(&world);
	for (size_t i = 0; i < 3; i++)
		told_release(&told[i]);
	world_close(&world);
}

static void t81_while_they_are_sought_nothing_is_sent(void **state)
{
	struct world world;
	struct told told[2];
	world_new(&world, state);
	world_warm_up(&world);
	fake.idle = true;
	fake_next(FATE_TAKEN_SILENTLY);
	world_ask(&world, "state", NULL, 0, &told[0]);
	world_idle(&world, 3);
	world_ask(&world, "state", NULL, 0, &told[1]);
	world_idle(&world, 60);
	assert_int_equal(fake.count.submits, 1);
	fake.idle = false;
	world_run(&world, 60);
	assert_good(&told[0]);
	assert_good(&told[1]);
	assert_int_equal(fake.count.submits, 2);
	told_release(&told[0]);
	told_release(&told[1]);
	world_close(&world);
}

static void what_never_arrived_is_sent_again(void **state)
{
	struct world world;
	struct told told;
	struct source source = {.seed = 2};
	struct transport_object object = source_object(&source, 3000000);
	const struct transport_object *objects[] = {&object};
	world_new(&world, state);
	world_warm_up(&world);
	fake_next(FATE_VANISHED);
	world_ask(&world, "build", objects, 1, &told);
	world_run(&world, 120);
	assert_good(&told);
	assert_int_equal(fake.count.put_bytes, object.size);
	assert_true(fake.count.groups >= 2); // it may have been late: one look is not enough
	told_release(&told);
	assert_ledger_settled(&world);
	world_close(&world);
}

static void what_never_arrives_is_given_up(void **state)
{
	struct world world;
	struct told told;
	world_new(&world, state);
	world_warm_up(&world);
	for (size_t i = 0; i < 10; i++)
		fake_next(FATE_VANISHED);
	world_ask(&world, "state", NULL, 0, &told);
	world_run(&world, 600);
	assert_told(&told, SL_E_NETWORK, "lost what was sent");
	assert_int_equal(fake.count.submits, GLOBUS_TRIES);
	told_release(&told);
	world_close(&world);
}

static void a_task_that_was_found_and_failed_is_told(void **state)
{
	struct world world;
	struct told told;
	world_new(&world, state);
	world_warm_up(&world);
	fake_next(FATE_TAKEN_SILENTLY);
	fake.exception = "Traceback\nModuleNotFoundError: No module named 'dill'\n";
	fake.exceptions = 1;
	world_ask(&world, "state", NULL, 0, &told);
	world_run(&world, 120);
	assert_told(&told, SL_E_IO, "No module named 'dill'");
	told_release(&told);
	world_idle(&world, 10);
	assert_ledger_settled(&world);
	world_close(&world);
}

static void the_first_submit_of_all_carries_nothing_large(void **state)
{
	struct world world;
	struct told told;
	struct source source = {.seed = 3};
	struct transport_object object = source_object(&source, 3000000);
	const struct transport_object *objects[] = {&object};
	world_new(&world, state);
	fake_next(FATE_TAKEN_SILENTLY); // its group is not known to us: there is nothing to look in
	world_ask(&world, "build", objects, 1, &told);
	world_run(&world, 120);
	assert_good(&told);
	assert_int_equal(fake.count.put_bytes, object.size);
	told_release(&told);
	assert_ledger_settled(&world);
	world_close(&world);
}

// ---- a process ends ------------------------------------------------------------------------

static void t82_a_killed_process_leaves_nothing_that_is_brought_twice(void **state)
{
	struct source source = {.seed = 4};
	struct transport_object object = source_object(&source, 12000000);
	const struct transport_object *objects[] = {&object};
	// At every moment of a delivery: before and after each step.
	for (unsigned steps = 1; steps < 60; steps += 2) {
		struct world world;
		struct told told, have;
		sl_auto_free char *folder = sl_format("%s/%u", (const char *)*state, steps);
		void *own = folder;
		world_new(&world, &own);
		world_ask(&world, "build", objects, 1, &told);
		for (unsigned i = 0; i < steps && world_pending(&world) > 0; i++)
			world_step(&world, 100);
		told_release(&told);
		world_kill(&world);
		world_have(&world, &object, &have);
		world_run(&world, 120);
		assert_good(&have);
		size_t missing = json_array_size(json_object_get(have.answer, "missing"));
		told_release(&have);
		world_ask(&world, "build", objects, missing, &told);
		world_run(&world, 120);
		assert_good(&told);
		if (fake.count.put_bytes != object.size)
			fail_msg("killed after %u steps: %zu bytes sent", steps,
				 fake.count.put_bytes);
		told_release(&told);
		world_idle(&world, 20);
		assert_ledger_settled(&world);
		world_close(&world);
	}
}

static void t81_nothing_is_sent_while_tasks_of_a_killed_process_may_run(void **state)
{
	struct world world;
	struct told told;
	world_new(&world, state);
	world_warm_up(&world);
	fake.idle = true;
	world_ask(&world, "build", NULL, 0, &told);
	world_idle(&world, 2);
	assert_int_equal(fake.count.submits, 1);
	world_kill(&world);
	world_ask(&world, "build", NULL, 0, &told);
	world_idle(&world, 60);
	assert_int_equal(fake.count.submits, 1);
	fake.idle = false;
	world_run(&world, 60);
	assert_good(&told);
	assert_int_equal(fake.count.builds, 2);
	told_release(&told);
	assert_ledger_settled(&world);
	world_close(&world);
}

static void t79_but_not_for_ever(void **state)
{
	struct world world;
	struct told told;
	world_new(&world, state);
	world_warm_up(&world);
	fake.idle = true;
	world_ask(&world, "build", NULL, 0, &told);
	world_idle(&world, 2);
	world_kill(&world);
	world_ask(&world, "build", NULL, 0, &told);
	world_idle(&world, 590);
	assert_int_equal(fake.count.submits, 1);
	world_idle(&world, 20);
	assert_int_equal(fake.count.submits, 2);
	fake.idle = false;
	world_run(&world, 60);
	assert_good(&told);
	told_release(&told);
	world_idle(&world, 30);
	assert_ledger_settled(&world);
	world_close(&world);
}

static void an_offline_endpoint_is_not_sent_the_same_again(void **state)
{
	struct world world;
	struct told told;
	world_new(&world, state);
	world_warm_up(&world);
	fake.offline = true;
	world_ask(&world, "build", NULL, 0, &told);
	world_idle(&world, 2);
	assert_int_equal(fake.count.submits, 1);
	world_kill(&world);
	world_ask(&world, "build", NULL, 0, &told);
	world_run(&world, 700);
	assert_told(&told, SL_E_NETWORK,
		    "1 task of an earlier run waits there for it to come back");
	assert_int_equal(fake.count.submits, 1);
	told_release(&told);
	fake.offline = false;
	world_idle(&world, 100); // they run, and are done with
	assert_ledger_settled(&world);
	world_ask(&world, "build", NULL, 0, &told);
	world_run(&world, 60);
	assert_good(&told);
	told_release(&told);
	world_close(&world);
}

static void what_a_living_process_sent_is_left_to_it(void **state)
{
	struct world world;
	struct told told, other_told;
	world_new(&world, state);
	world_warm_up(&world);
	fake.idle = true;
	world_ask(&world, "state", NULL, 0, &told);
	world_idle(&world, 2);
	struct world other = {.folder = world.folder, .config = world.config};
	world_open(&other);
	world_ask(&other, "state", NULL, 0, &other_told);
	fake.idle = false;
	for (size_t i = 0; i < 200; i++) {
		world_step(&other, 50);
		world_step(&world, 50);
	}
	assert_good(&told);
	assert_good(&other_told);
	told_release(&told);
	told_release(&other_told);
	world_close(&other);
	world_close(&world);
}

static void the_ledger_has_an_answer_before_anybody_hears_it(void **state)
{
	struct world world;
	struct told told;
	world_new(&world, state);
	world_ask(&world, "probe", NULL, 0, &told);
	while (number_in(&world, "SELECT count(*) FROM task WHERE answer IS NOT NULL") == 0)
		world_step(&world, 100);
	assert_int_equal(told.times, 0);
	assert_int_equal(number_in(&world, "SELECT count(*) FROM task WHERE outcome = 'answered'"),
			 1);
	world_run(&world, 10);
	assert_good(&told);
	assert_ledger_settled(&world);
	told_release(&told);
	world_close(&world);
}

// ---- silence -------------------------------------------------------------------------------

static void t79_an_endpoint_that_falls_silent_is_given_up(void **state)
{
	struct world world;
	struct told told;
	world_new(&world, state);
	world_warm_up(&world);
	fake.idle = true;
	world_ask(&world, "state", NULL, 0, &told);
	world_idle(&world, 590);
	assert_int_equal(told.times, 0);
	world_run(&world, 20);
	assert_told(&told, SL_E_NETWORK, "no sign of life for 600 seconds");
	assert_non_null(strstr(told.remedy, "goes on from here"));
	told_release(&told);
	assert_int_equal(number_in(&world, "SELECT count(*) FROM submit WHERE outcome ="
					   " 'accepted'"),
			 1); // it stays recorded
	fake.idle = false;
	world_idle(&world, 30);
	assert_ledger_settled(&world);
	world_close(&world);
}

static void offline_is_a_note_and_no_failure(void **state)
{
	struct world world;
	struct told told;
	world_new(&world, state);
	fake.offline = true;
	world_ask(&world, "probe", NULL, 0, &told);
	world_idle(&world, 10);
	assert_int_equal(told.times, 0);
	assert_non_null(strstr(world.post->note, "offline"));
	fake.offline = false;
	world_run(&world, 60);
	assert_good(&told);
	told_release(&told);
	world_close(&world);
}

static void questions_grow_rarer_while_nothing_moves(void **state)
{
	struct world world;
	struct told told;
	world_new(&world, state);
	world_warm_up(&world);
	fake.idle = true;
	world_ask(&world, "state", NULL, 0, &told);
	world_idle(&world, 2);
	size_t early = fake.count.polls;
	assert_true(early <= 2);
	world_idle(&world, 100);
	assert_true(fake.count.polls - early >= 9 && fake.count.polls - early <= 18);
	fake.idle = false;
	world_run(&world, 30);
	told_release(&told);
	world_close(&world);
}

static void t82_an_answer_that_somebody_else_fetched_is_asked_again_by_the_caller(void **state)
{
	struct world world;
	struct told told;
	world_new(&world, state);
	world_warm_up(&world);
	fake.forget = true;
	world_ask(&world, "state", NULL, 0, &told);
	world_run(&world, 120);
	assert_told(&told, SL_E_NETWORK, "no longer knows the task");
	fake.forget = false;
	told_release(&told);
	world_ask(&world, "state", NULL, 0, &told);
	world_run(&world, 60);
	assert_good(&told);
	told_release(&told);
	assert_ledger_settled(&world);
	world_close(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(t81_lost_answers_are_found_in_the_task_group),
		scratch_test(t81_while_they_are_sought_nothing_is_sent),
		scratch_test(what_never_arrived_is_sent_again),
		scratch_test(what_never_arrives_is_given_up),
		scratch_test(a_task_that_was_found_and_failed_is_told),
		scratch_test(the_first_submit_of_all_carries_nothing_large),
		scratch_test(t82_a_killed_process_leaves_nothing_that_is_brought_twice),
		scratch_test(t81_nothing_is_sent_while_tasks_of_a_killed_process_may_run),
		scratch_test(t79_but_not_for_ever),
		scratch_test(an_offline_endpoint_is_not_sent_the_same_again),
		scratch_test(what_a_living_process_sent_is_left_to_it),
		scratch_test(the_ledger_has_an_answer_before_anybody_hears_it),
		scratch_test(t79_an_endpoint_that_falls_silent_is_given_up),
		scratch_test(offline_is_a_note_and_no_failure),
		scratch_test(questions_grow_rarer_while_nothing_moves),
		scratch_test(t82_an_answer_that_somebody_else_fetched_is_asked_again_by_the_caller),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
