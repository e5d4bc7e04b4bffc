// SPDX-License-Identifier: Apache-2.0
// Pickles of all Pythons, and pickles that no Python writes.
#include "tests/uploader/wire/vectors.h"

static json_t *unpickle(const struct sl_buf *pickle, struct sl_error *err)
{
	return wire_unpickle((const unsigned char *)pickle->data, pickle->len, err);
}

static void assert_json_equal(const json_t *found, const json_t *wanted, const char *what)
{
	sl_auto_free char *a = json_dumps(found, JSON_ENCODE_ANY | JSON_SORT_KEYS | JSON_COMPACT);
	sl_auto_free char *b = json_dumps(wanted, JSON_ENCODE_ANY | JSON_SORT_KEYS | JSON_COMPACT);
	assert_non_null(a);
	assert_non_null(b);
	if (strcmp(a, b) != 0)
		fail_msg("%s: %s instead of %s", what, a, b);
}

static void values_of_every_python(void **state)
{
	sl_auto_json json_t *vectors = vectors_load("pickles.json");
	const json_t *rows = json_object_get(vectors, "values");
	size_t index;
	json_t *row;
	(void)state;
	assert_true(json_array_size(rows) >= 60);
	json_array_foreach (rows, index, row) {
		sl_auto_buf struct sl_buf pickle;
		struct sl_error err = {0};
		sl_buf_init(&pickle, 1 << 20);
		vectors_bytes(row, "pickle", &pickle);
		sl_auto_json json_t *found = unpickle(&pickle, &err);
		if (!found)
			fail_msg("%s: %s", vectors_string(row, "case"), err.text);
		assert_json_equal(found, json_object_get(row, "json"), vectors_string(row, "case"));
	}
}

static void what_is_no_data_is_refused(void **state)
{
	sl_auto_json json_t *vectors = vectors_load("pickles.json");
	const json_t *rows = json_object_get(vectors, "refused");
	size_t index;
	json_t *row;
	(void)state;
	assert_true(json_array_size(rows) >= 60);
	json_array_foreach (rows, index, row) {
		sl_auto_buf struct sl_buf pickle;
		struct sl_error err = {0};
		sl_buf_init(&pickle, 1 << 20);
		vectors_bytes(row, "pickle", &pickle);
		sl_auto_json json_t *found = unpickle(&pickle, &err);
		if (found)
			fail_msg("taken: %s", vectors_string(row, "case"));
		assert_string_equal(sl_kind_name(err.kind), vectors_string(row, "refused"));
	}
}

static void bytes_are(const char *bytes, size_t len, const char *wanted)
{
	struct sl_error err = {0};
	sl_auto_json json_t *found = wire_unpickle((const unsigned char *)bytes, len, &err);
	if (!found)
		fail_msg("%s: %s", wanted, err.text);
	sl_auto_free char *text = json_dumps(found, JSON_ENCODE_ANY | JSON_COMPACT);
	assert_string_equal(text, wanted);
}

static void bytes_refused(const char *bytes, size_t len, enum sl_kind kind, const char *words)
{
	struct sl_error err = {0};
	sl_auto_json json_t *found = wire_unpickle((const unsigned char *)bytes, len, &err);
	if (found)
		fail_msg("taken: %s", words);
	if (err.kind != kind || !strstr(err.text, words))
		fail_msg("'%s' (%s) does not say '%s'", err.text, sl_kind_name(err.kind), words);
}

// Literals may hold zero bytes; the one at their end does not count.
#define ARE(bytes, wanted)     bytes_are(bytes, sizeof(bytes) - 1, wanted)
#define REFUSED(bytes, words)  bytes_refused(bytes, sizeof(bytes) - 1, SL_E_FORMAT, words)
#define TOO_MUCH(bytes, words) bytes_refused(bytes, sizeof(bytes) - 1, SL_E_LIMIT, words)

static void every_opcode_by_hand(void **state)
{
	(void)state;
	ARE("N.", "null"); // without a protocol: what protocol 1 is
	ARE("\x80\x00N.", "null");
	ARE("\x80\x05\x88.", "true");
	ARE("\x80\x02\x89.", "false");
	ARE("\x80\x02K\xff.", "255");
	ARE("\x80\x02M\x00\x01.", "256");
	ARE("\x80\x02J\xff\xff\xff\xff.", "-1");
	ARE("\x80\x02\x8a\x00.", "0");
	ARE("\x80\x02\x8a\x01\x80.", "-128");
	ARE("\x80\x02\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80.", "-9223372036854775808");
	ARE("\x80\x02\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x80\x00.",
	    "{\"int\":\"0x8000000000000000\"}");
	ARE("\x80\x02\x8a\x09\xff\xff\xff\xff\xff\xff\xff\x7f\xff.",
	    "{\"int\":\"-0x8000000000000001\"}");
	ARE("\x80\x02\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x80.",
	    "{\"int\":\"-0x800000000000000000\"}");
	ARE("\x80\x02\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x00.", "{\"int\":\"0x0\"}");
	ARE("\x80\x02G\x3f\xf8\x00\x00\x00\x00\x00\x00.", "1.5");
	ARE("\x80\x02G\xff\xf0\x00\x00\x00\x00\x00\x00.", "{\"float\":\"-inf\"}");
	ARE("\x80\x02G\x7f\xf8\x00\x00\x00\x00\x00\x00.", "{\"float\":\"nan\"}");
	ARE("\x80\x02X\x02\x00\x00\x00hi.", "\"hi\"");
	ARE("\x80\x04\x8c\x02hi.", "\"hi\"");
	ARE("\x80\x04\x8d\x02\x00\x00\x00\x00\x00\x00\x00hi.", "\"hi\"");
	ARE("\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00\x8c\x01x\x94.", "\"x\"");
	ARE("\x80\x03"
	    "C\x01x.",
	    "{\"bytes\":\"eA==\"}");
	ARE("\x80\x03"
	    "B\x01\x00\x00\x00x.",
	    "{\"bytes\":\"eA==\"}");
	ARE("\x80\x04\x8e\x01\x00\x00\x00\x00\x00\x00\x00x.", "{\"bytes\":\"eA==\"}");
	ARE("\x80\x02K\x01q\x00K\x02r\x01\x00\x00\x00h\x00j\x01\x00\x00\x00\x87\x86.",
	    "[1,[2,1,2]]");
	ARE("\x80\x02).", "[]");
	ARE("\x80\x02(t.", "[]");
	ARE("\x80\x02K\x01\x85.", "[1]");
	ARE("\x80\x02(K\x01K\x02K\x03K\x04t.", "[1,2,3,4]");
	ARE("\x80\x02]K\x01"
	    "a"
	    "K\x02"
	    "a.",
	    "[1,2]");
	ARE("\x80\x02](K\x01K\x02"
	    "e.",
	    "[1,2]");
	ARE("\x80\x02](e.", "[]");
	ARE("\x80\x02}X\x01\x00\x00\x00kNs.", "{\"k\":null}");
	ARE("\x80\x02}(X\x01\x00\x00\x00kNX\x01\x00\x00\x00kK\x05u.", "{\"k\":5}");
	ARE("\x80\x02}K\x01Ns.", "{\"dict\":[[1,null]]}");
	// A list that is filled after another value took it.
	ARE("\x80\x02]q\x00\x85h\x00K\x07"
	    "a\x86.",
	    "[[[7]],[7]]");
}

static void what_runs_code_is_never_run(void **state)
{
	(void)state;
	REFUSED("cos\nsystem\n(X\x04\x00\x00\x00trueqtR.", "opcode 0x63 is not plain data");
	REFUSED("\x80\x04\x8c\x02os\x8c\x06system\x93.", "opcode 0x93 is not plain data");
	REFUSED("\x80\x02NNR.", "opcode 0x52");
	REFUSED("\x80\x02NN\x81.", "opcode 0x81");
	REFUSED("\x80\x02NN\x92.", "opcode 0x92");
	REFUSED("\x80\x02NNb.", "opcode 0x62");
	REFUSED("\x80\x02(ios\nsystem\n.", "opcode 0x69");
	REFUSED("\x80\x02(No.", "opcode 0x6f");
	REFUSED("\x80\x02NP1\n.", "opcode 0x50");
	REFUSED("\x80\x02NQ.", "opcode 0x51");
	REFUSED("\x80\x02\x82\x01.", "opcode 0x82");
	REFUSED("\x80\x05\x97.", "opcode 0x97");
	REFUSED("\x80\x02N0N.", "opcode 0x30");
	REFUSED("\x80\x02N2\x86.", "opcode 0x32");
	REFUSED("I1\n.", "opcode 0x49");
	REFUSED("Va\n.", "opcode 0x56");
}

// Only the 34 opcodes that are documented are known at all.
static void there_are_no_other_opcodes(void **state)
{
	static const char known[] = "\x80\x95.N\x88\x89KMJ\x8aG\x8cX\x8d"
				    "CB\x8e\x94qrhj()\x85\x86\x87t]ae}su";
	(void)state;
	assert_int_equal(sizeof known - 1, 34);
	for (int opcode = 0; opcode < 256; opcode++) {
		const char bytes[] = {(char)opcode};
		struct sl_error err = {0};
		sl_auto_json json_t *found = wire_unpickle((const unsigned char *)bytes, 1, &err);
		bool refused = strstr(err.text, "is not plain data") != NULL;
		assert_null(found);
		if (refused != !memchr(known, opcode, sizeof known - 1))
			fail_msg("opcode 0x%02x: %s", (unsigned)opcode, err.text);
	}
}

static void broken_pickles_are_refused(void **state)
{
	(void)state;
	REFUSED("", "cut off");
	REFUSED("\x80", "cut off");
	REFUSED("\x80\x02", "cut off");
	REFUSED("\x80\x02N", "cut off");
	REFUSED("\x80\x06N.", "protocol newer than 5");
	REFUSED("\x80\x02\x80\x02N.", "not stand at the beginning");
	REFUSED("N\x80\x02.", "not stand at the beginning");
	REFUSED("\x80\x02.", "exactly one value");
	REFUSED("\x80\x02NN.", "exactly one value");
	REFUSED("\x80\x02N(.", "exactly one value");
	REFUSED("\x80\x02(N.", "exactly one value");
	REFUSED("\x80\x02N.N", "follows its end");
	REFUSED("\x80\x02N.\n", "follows its end");
	REFUSED("\x80\x02X\x03\x00\x00\x00hi.", "cut off");
	REFUSED("\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xffhi.", "cut off");
	REFUSED("\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7fhi.", "cut off");
	REFUSED("\x80\x02\x8a\xff\x01.", "cut off");
	REFUSED("\x80\x02\x85.", "more values than there are");
	REFUSED("\x80\x02N\x86.", "more values than there are");
	REFUSED("\x80\x02N(\x85t.", "more values than there are"); // not from below a mark
	REFUSED("\x80\x02t.", "needs a mark");
	REFUSED("\x80\x02"
		"e.",
		"needs a mark");
	REFUSED("\x80\x02(Ne.", "more values than there are");
	REFUSED("\x80\x02](N(Neu.", "cannot take them");
	REFUSED("\x80\x02NNa.", "cannot take them");
	REFUSED("\x80\x02)Na.", "cannot take them");
	REFUSED("\x80\x02]NNs.", "cannot take them");
	REFUSED("\x80\x02}(Nu.", "cannot take them");
	REFUSED("\x80\x02}Na.", "cannot take them");
	REFUSED("\x80\x02h\x00.", "nothing was put into");
	REFUSED("\x80\x02Nq\x01h\x00\x86.", "nothing was put into");
	REFUSED("\x80\x02Nj\xff\xff\xff\xff.", "nothing was put into");
	REFUSED("\x80\x02q\x00N.", "more values than there are");
	REFUSED("\x80\x02N(q\x00t\x86.", "more values than there are");
	REFUSED("\x80\x02Nq\x00q\x00.", "used twice");
	REFUSED("\x80\x02Nq\x01\x94\x94.", "used twice");
}

static void frames_are_held_to(void **state)
{
	(void)state;
	REFUSED("\x80\x04\x95\x06\x00\x00\x00\x00\x00\x00\x00\x8c\x01x\x94.",
		"longer than the pickle");
	REFUSED("\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\xff.", "longer than the pickle");
	REFUSED("\x80\x04\x95\x02\x00\x00\x00\x00\x00\x00\x00\x8c\x01x\x94.", "past its frame");
	REFUSED("\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x95\x02\x00\x00\x00\x00\x00\x00\x00N"
		".",
		"frame inside");
	ARE("\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00\x95\x02\x00\x00\x00\x00\x00\x00\x00N.",
	    "null");
}

static void text_is_text(void **state)
{
	(void)state;
	ARE("\x80\x04\x8c\x03\xe2\x82\xac.", "\"\xe2\x82\xac\"");
	ARE("\x80\x04\x8c\x01\x00.", "\"\\u0000\"");
	REFUSED("\x80\x04\x8c\x01\xff.", "not valid UTF-8");
	REFUSED("\x80\x04\x8c\x03\xed\xa0\x80.", "not valid UTF-8"); // U+D800
	REFUSED("\x80\x04\x8c\x02\xc0\x80.", "not valid UTF-8");
	REFUSED("\x80\x04\x8c\x02\xe2\x82.", "not valid UTF-8");
	REFUSED("\x80\x04\x8c\x04\xf4\x90\x80\x80.", "not valid UTF-8");
}

// t62: a value in itself, in one step or in several, through lists, tuples and both kinds of keys.
static void t62_circles_are_refused(void **state)
{
	(void)state;
	REFUSED("\x80\x02]q\x00h\x00"
		"a.",
		"contains itself");
	REFUSED("\x80\x02}q\x00X\x01\x00\x00\x00kh\x00s.", "contains itself");
	REFUSED("\x80\x02}q\x00K\x01h\x00s.", "contains itself");
	REFUSED("\x80\x02}q\x00h\x00Ns.", "contains itself");
	REFUSED("\x80\x02]q\x00]h\x00\x85"
		"aa.",
		"contains itself");
}

static void nested(size_t depth, const char *inside, size_t len, bool good)
{
	sl_auto_buf struct sl_buf pickle;
	struct sl_error err = {0};
	sl_buf_init(&pickle, 1 << 20);
	sl_buf_add(&pickle, inside, len);
	for (size_t i = 0; i < depth; i++)
		sl_buf_addc(&pickle, '\x85');
	sl_buf_addc(&pickle, '.');
	sl_auto_json json_t *found = unpickle(&pickle, &err);
	assert_int_equal(found != NULL, good);
	if (!good) {
		assert_int_equal(err.kind, SL_E_LIMIT);
		return;
	}
	// What is taken can be read again as JSON.
	sl_auto_free char *text = json_dumps(found, JSON_COMPACT);
	sl_auto_json json_t *again = sl_json_load(text, strlen(text), "again", &err);
	assert_non_null(again);
}

static void t62_depth_has_a_limit(void **state)
{
	(void)state;
	nested(SL_LIMIT_DEPTH, "N", 1, true);
	nested(SL_LIMIT_DEPTH + 1, "N", 1, false);
	nested(SL_LIMIT_DEPTH - 1, "C\1x", 3, true);
	nested(SL_LIMIT_DEPTH, "C\1x", 3, false);
	nested(SL_LIMIT_DEPTH - 1, "G\x7f\xf0\0\0\0\0\0\0", 9, true);
	nested(SL_LIMIT_DEPTH, "G\x7f\xf0\0\0\0\0\0\0", 9, false);
	nested(SL_LIMIT_DEPTH, "G\x3f\xf0\0\0\0\0\0\0", 9, true);
	nested(SL_LIMIT_DEPTH - 3, "}K\1Ns", 5, true);
	nested(SL_LIMIT_DEPTH - 2, "}K\1Ns", 5, false);
	nested(100000, "N", 1, false);
}

// t17: each list holds the one before twice, or a long text many times.
static void t17_what_comes_out_has_a_limit(void **state)
{
	sl_auto_buf struct sl_buf pickle;
	struct sl_error err = {0};
	const size_t len = 1 << 20;
	const char head[] = {'X', 0, 0, 16, 0};
	sl_auto_free char *text = sl_alloc(len);
	(void)state;
	memset(text, 'x', len);
	sl_buf_init(&pickle, 1 << 21);
	sl_buf_adds(&pickle, "(");
	sl_buf_add(&pickle, head, sizeof head);
	sl_buf_add(&pickle, text, len);
	sl_buf_add(&pickle, "q\0", 2);
	for (int i = 0; i < 30; i++)
		sl_buf_add(&pickle, "h\0", 2);
	sl_buf_adds(&pickle, "t.");
	sl_auto_json json_t *most = unpickle(&pickle, &err);
	assert_int_equal(json_array_size(most), 31);
	pickle.len -= 2;
	sl_buf_add(&pickle, "h\0h\0t.", 6);
	sl_auto_json json_t *more = unpickle(&pickle, &err);
	assert_null(more);
	assert_int_equal(err.kind, SL_E_LIMIT);
	assert_non_null(strstr(err.text, "33554432 bytes when written out"));
}

static void repeated(const char *piece, size_t len, size_t count, const char *words)
{
	sl_auto_buf struct sl_buf pickle;
	struct sl_error err = {0};
	sl_buf_init(&pickle, WIRE_LIMIT_RESULT + 1);
	sl_buf_adds(&pickle, "(");
	for (size_t i = 0; i < count; i++)
		sl_buf_add(&pickle, piece, len);
	sl_buf_adds(&pickle, "t.");
	sl_auto_json json_t *found = unpickle(&pickle, &err);
	if (!words) {
		assert_int_equal(json_array_size(found), count);
		return;
	}
	assert_null(found);
	assert_int_equal(err.kind, SL_E_LIMIT);
	if (!strstr(err.text, words))
		fail_msg("%s", err.text);
}

static void t19_values_and_places_have_limits(void **state)
{
	(void)state;
	repeated("N", 1, WIRE_LIMIT_VALUES - 2, NULL); // the mark and the tuple count too
	repeated("N", 1, WIRE_LIMIT_VALUES - 1, "more than 262144 values");
	repeated("(", 1, WIRE_LIMIT_RESULT - 10, "more than 262144 values");
	repeated("]", 1, WIRE_LIMIT_RESULT - 10, "more than 262144 values");
	repeated("]", 1, WIRE_LIMIT_RESULT, "larger than 10485760 bytes");
	TOO_MUCH("\x80\x02Nr\x00\x00\x04\x00.", "memo of more than 262144 places");
	TOO_MUCH("\x80\x02Nr\xff\xff\xff\xff.", "memo of more than 262144 places");
	ARE("\x80\x02Nr\xff\xff\x03\x00.", "null");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_of_every_python),
		cmocka_unit_test(what_is_no_data_is_refused),
		cmocka_unit_test(every_opcode_by_hand),
		cmocka_unit_test(what_runs_code_is_never_run),
		cmocka_unit_test(there_are_no_other_opcodes),
		cmocka_unit_test(broken_pickles_are_refused),
		cmocka_unit_test(frames_are_held_to),
		cmocka_unit_test(text_is_text),
		cmocka_unit_test(t62_circles_are_refused),
		cmocka_unit_test(t62_depth_has_a_limit),
		cmocka_unit_test(t17_what_comes_out_has_a_limit),
		cmocka_unit_test(t19_values_and_places_have_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
