// SPDX-License-Identifier: Apache-2.0
// The bucket, by a clock of our own: nothing waits.
#include "tests/cmocka_all.h"
#include "uploader/http/http.h"

static void a_burst_goes_at_once_and_then_one_waits_for_the_first(void **state)
{
	struct http_bucket bucket;

	(void)state;
	http_bucket_init(&bucket, 3, 1000);
	for (int64_t now = 100; now < 130; now += 10) {
		assert_int_equal(http_bucket_wait(&bucket, now), 0);
		http_bucket_take(&bucket, now);
	}
	assert_int_equal(http_bucket_wait(&bucket, 130), 970);
	assert_int_equal(http_bucket_wait(&bucket, 1099), 1);
	assert_int_equal(http_bucket_wait(&bucket, 1100), 0);
	http_bucket_take(&bucket, 1100);
	assert_int_equal(http_bucket_wait(&bucket, 1100), 10);
}

static void zero_means_the_limit_of_the_service_and_too_much_the_ring(void **state)
{
	struct http_bucket bucket;

	(void)state;
	http_bucket_init(&bucket, 0, 0);
	assert_int_equal(bucket.burst, 20);
	assert_int_equal(bucket.period_ms, 10000);
	http_bucket_init(&bucket, 1000, 5);
	assert_int_equal(bucket.burst, 64);
}

// A client that always sends as soon as it may: no window of the period ever holds more.
static void t83_no_stretch_of_ten_seconds_has_more_than_twenty_requests(void **state)
{
	struct http_bucket bucket;
	int64_t sent[500], now = 5;

	(void)state;
	http_bucket_init(&bucket, 0, 0);
	for (size_t i = 0; i < 500; i++) {
		now += http_bucket_wait(&bucket, now);
		assert_int_equal(http_bucket_wait(&bucket, now), 0);
		http_bucket_take(&bucket, now);
		sent[i] = now;
		now += (int64_t)(i * 7919 % 900); // work between them, now and then none
	}
	for (size_t i = 20; i < 500; i++)
		assert_true(sent[i] - sent[i - 20] >= 10000);
}

static void the_ring_may_be_as_long_as_the_burst(void **state)
{
	struct http_bucket bucket;

	(void)state;
	http_bucket_init(&bucket, 64, 100);
	for (int64_t i = 0; i < 64; i++) {
		assert_int_equal(http_bucket_wait(&bucket, i), 0);
		http_bucket_take(&bucket, i);
	}
	assert_int_equal(http_bucket_wait(&bucket, 64), 36);
	http_bucket_take(&bucket, 100);
	assert_int_equal(http_bucket_wait(&bucket, 100), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_goes_at_once_and_then_one_waits_for_the_first),
		cmocka_unit_test(zero_means_the_limit_of_the_service_and_too_much_the_ring),
		cmocka_unit_test(t83_no_stretch_of_ten_seconds_has_more_than_twenty_requests),
		cmocka_unit_test(the_ring_may_be_as_long_as_the_burst),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
