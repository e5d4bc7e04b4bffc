// SPDX-License-Identifier: Apache-2.0
// When a request is sent again: the policy alone, without clock and network.
#include "tests/cmocka_all.h"
#include "uploader/http/repeat.h"

static struct repeat policy(enum http_repeat kind)
{
	return (struct repeat){
		.kind = kind, .pause_ms = 500, .busy_ms = 10000, .patience_ms = 120000};
}

static int64_t after_status(struct repeat *repeat, long status, long retry_after)
{
	struct repeat_outcome outcome = {
		.status = status, .retry_after = retry_after, .sent = true};

	return repeat_pause(repeat, &outcome, 250);
}

static int64_t after_loss(struct repeat *repeat, bool sent)
{
	struct repeat_outcome outcome = {.retry_after = -1, .sent = sent};

	return repeat_pause(repeat, &outcome, 250);
}

static void a_question_is_asked_six_times_with_growing_pauses(void **state)
{
	static const long overloads[] = {500, 502, 503, 504, 503};
	struct repeat repeat = policy(HTTP_AGAIN);
	int64_t before = 0;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		int64_t pause = after_status(&repeat, overloads[i], -1);
		assert_true(pause > before);
		before = pause;
	}
	assert_int_equal(after_status(&repeat, 503, -1), -1);
}

static void answers_are_answers(void **state)
{
	static const long statuses[] = {200, 201, 302, 400, 401, 403, 404, 409, 413, 422, 501};

	(void)state;
	for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
		struct repeat repeat = policy(HTTP_AGAIN);
		assert_int_equal(after_status(&repeat, statuses[i], -1), -1);
	}
}

static void t81_what_must_not_happen_twice_is_sent_again_only_if_it_never_left(void **state)
{
	struct repeat careful = policy(HTTP_CAREFUL);

	(void)state;
	assert_int_equal(after_loss(&careful, true), -1);
	assert_int_equal(after_status(&careful, 500, -1), -1);
	assert_int_equal(after_status(&careful, 503, 1), -1);
	assert_true(after_loss(&careful, false) >= 0);
	assert_true(after_status(&careful, 429, -1) >= 10000);
}

static void once_is_once(void **state)
{
	struct repeat once = policy(HTTP_ONCE);

	(void)state;
	assert_int_equal(after_loss(&once, false), -1);
	assert_int_equal(after_status(&once, 429, 0), -1);
	assert_int_equal(after_status(&once, 503, 0), -1);
}

static void t83_a_429_is_waited_out_as_long_as_it_asks_for_and_patience_lasts(void **state)
{
	struct repeat repeat = policy(HTTP_AGAIN);

	(void)state;
	assert_int_equal(after_status(&repeat, 429, 30), 30000);
	assert_int_equal(after_status(&repeat, 429, 90), 90000);
	assert_int_equal(after_status(&repeat, 429, 1), -1); // two minutes are over
	repeat = policy(HTTP_AGAIN);
	assert_int_equal(after_status(&repeat, 429, 121), -1); // never sent too early instead
	repeat = policy(HTTP_AGAIN);
	assert_int_equal(after_status(&repeat, 503, 20), 20000);
	for (int i = 0; i < 8; i++) // not among the five
		assert_true(after_status(&repeat, 429, -1) >= 10000);
}

static void a_retry_after_of_nothing_is_no_leave_to_hurry(void **state)
{
	struct repeat repeat = policy(HTTP_AGAIN);
	int tries = 0;

	(void)state;
	while (after_status(&repeat, 429, 0) >= 0)
		tries++;
	assert_in_range(tries, 5, 40);
	assert_true(repeat.paused_ms <= repeat.patience_ms);
}

static void what_cannot_help_is_not_tried(void **state)
{
	struct repeat repeat = policy(HTTP_AGAIN);
	struct repeat_outcome outcome = {.retry_after = -1, .hopeless = true};

	(void)state;
	assert_int_equal(repeat_pause(&repeat, &outcome, 0), -1);
}

static void pauses_are_spread_and_bounded(void **state)
{
	(void)state;
	for (unsigned noise = 0; noise < 100000; noise += 997) {
		struct repeat repeat = policy(HTTP_AGAIN);
		struct repeat_outcome outcome = {.retry_after = -1};
		for (unsigned i = 0; i < REPEAT_TRIES; i++) {
			int64_t middle = 500 << i, pause = repeat_pause(&repeat, &outcome, noise);
			assert_in_range(pause, middle / 2, middle + middle / 2);
		}
	}
}

static void retry_after_is_seconds_or_a_date(void **state)
{
	const int64_t now = 784111777; // Sun, 06 Nov 1994 08:49:37 GMT

	(void)state;
	assert_int_equal(repeat_after("120", now), 120);
	assert_int_equal(repeat_after("0", now), 0);
	assert_int_equal(repeat_after("99999999999999999999", now), 999999999);
	assert_int_equal(repeat_after("Sun, 06 Nov 1994 08:50:37 GMT", now), 60);
	assert_int_equal(repeat_after("Sun, 06 Nov 1994 08:49:37 GMT", now), 0);
	assert_int_equal(repeat_after("Sat, 05 Nov 1994 08:49:37 GMT", now), 0);
	assert_int_equal(repeat_after("", now), -1);
	assert_int_equal(repeat_after("soon", now), -1);
	assert_int_equal(repeat_after("-5", now), -1);
	assert_int_equal(repeat_after("1.5", now), -1);
	assert_int_equal(repeat_after("12 minutes", now), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_question_is_asked_six_times_with_growing_pauses),
		cmocka_unit_test(answers_are_answers),
		cmocka_unit_test(
			t81_what_must_not_happen_twice_is_sent_again_only_if_it_never_left),
		cmocka_unit_test(once_is_once),
		cmocka_unit_test(t83_a_429_is_waited_out_as_long_as_it_asks_for_and_patience_lasts),
		cmocka_unit_test(a_retry_after_of_nothing_is_no_leave_to_hurry),
		cmocka_unit_test(what_cannot_help_is_not_tried),
		cmocka_unit_test(pauses_are_spread_and_bounded),
		cmocka_unit_test(retry_after_is_seconds_or_a_date),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
