// SPDX-License-Identifier: Apache-2.0
#include "uploader/commands/delivery.h"

#include "tests/cmocka_all.h"
#include "uploader/commands/drain.h"

#include <string.h>

// Objects of these sizes; only what is missing is packed.
static const uint64_t sizes[] = {10, 20, 500, 30, 0, 5};
static const bool missing[] = {true, true, true, false, true, true};
#define COUNT (sizeof sizes / sizeof *sizes)

static struct delivery make_delivery(void)
{
	struct delivery delivery = {0};
	for (size_t i = 0; i < COUNT; i++)
		sl_list_add(&delivery.objects)->size = sizes[i];
	return delivery;
}

// "0 1|2|4 5": the objects of each put.
static char *packed(uint64_t bytes, size_t objects)
{
	struct transport_ops ops = {.put_bytes = bytes, .put_objects = objects};
	auto_delivery struct delivery delivery = make_delivery();
	const struct transport_object *batch[COUNT];
	sl_auto_buf struct sl_buf text = {0};
	size_t len;
	sl_buf_init(&text, 1000);
	for (size_t at = 0; at < COUNT;) {
		size_t next = delivery_batch(&delivery, missing, &ops, at, batch, &len);
		assert_true(next > at);
		at = next;
		for (size_t i = 0; i < len; i++)
			sl_buf_addf(&text, "%s%td", i ? " " : "",
				    batch[i] - delivery.objects.items);
		sl_buf_addc(&text, '|');
	}
	return sl_buf_steal(&text, NULL);
}

static void check(uint64_t bytes, size_t objects, const char *wanted)
{
	sl_auto_free char *text = packed(bytes, objects);
	assert_string_equal(text, wanted);
}

static void a_put_takes_what_fits_and_a_larger_object_travels_alone(void **state)
{
	(void)state;
	check(1000, 100, "0 1 2 4 5|");
	check(100, 100, "0 1|2 4|5|");
	check(30, 100, "0 1|2 4|5|");
	check(1, 100, "0|1|2 4|5|");
	check(1000, 2, "0 1|2 4|5|");
	check(1000, 1, "0|1|2|4|5|");
}

static void counts_only_what_is_missing(void **state)
{
	auto_delivery struct delivery delivery = make_delivery();
	size_t count;
	(void)state;
	assert_int_equal(delivery_size(&delivery, missing, &count), 535);
	assert_int_equal(count, 5);
}

static void what_is_not_done_has_an_exit_code(void **state)
{
	struct submission row = {.state = LEDGER_DONE};
	(void)state;
	assert_int_equal(drain_exit_code(&row), 0);
	row.state = LEDGER_BUILDING;
	assert_int_equal(drain_exit_code(&row), 1);
	row.kind = SL_E_NETWORK;
	assert_int_equal(drain_exit_code(&row), 6);
	row.state = LEDGER_REFUSED;
	row.kind = SL_E_UNTRUSTED;
	assert_int_equal(drain_exit_code(&row), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_put_takes_what_fits_and_a_larger_object_travels_alone),
		cmocka_unit_test(counts_only_what_is_missing),
		cmocka_unit_test(what_is_not_done_has_an_exit_code),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
