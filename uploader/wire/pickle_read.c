// SPDX-License-Identifier: Apache-2.0
// Python's pickle machine, without everything by which a pickle can do more than be data: no name
// is looked up, nothing is called, nothing is built. What is not in the table at the end is
// refused.
//
//  1. Every value that is pushed, copied from the memo or marked counts, and there is a ceiling; so
//     memory is bounded by it and by the pickle's own length.
//  2. Nothing is taken from below the newest mark.
//  3. Inside a frame no opcode reads past the frame, and frames do not nest.
//  4. The pickle ends with its STOP, which leaves one value.
#include "uploader/wire/pickle.h"

struct machine {
	const unsigned char *start, *at, *end;
	const unsigned char *frame_end; // NULL outside of a frame
	struct pickle *pickle;
	SL_LIST(uint32_t) stack;
	SL_LIST(size_t) marks;	// heights of the stack
	SL_LIST(uint32_t) memo; // value + 1; 0 is an empty place
	uint32_t remembered;	// places of the memo in use
	size_t counted;
	bool stopped;
	struct sl_error *err;
};

#define auto_machine __attribute__((cleanup(machine_release)))
static void machine_release(struct machine *m)
{
	sl_list_release(&m->stack);
	sl_list_release(&m->marks);
	sl_list_release(&m->memo);
}

static bool broken(struct machine *m, const char *what)
{
	return sl_fail(m->err, SL_E_FORMAT, "pickle, byte %zu: %s", (size_t)(m->at - m->start),
		       what);
}

static const unsigned char *take(struct machine *m, uint64_t len)
{
	const unsigned char *limit = m->frame_end ? m->frame_end : m->end, *taken = m->at;
	if (len > (uint64_t)(limit - m->at)) {
		broken(m, m->frame_end ? "a value reaches past its frame" : "it is cut off");
		return NULL;
	}
	m->at += len;
	return taken;
}

// A little-endian number of `width` bytes, up to eight.
static bool take_number(struct machine *m, unsigned width, uint64_t *out)
{
	const unsigned char *bytes = take(m, width);
	if (!bytes)
		return false;
	*out = 0;
	for (unsigned i = width; i > 0; i--)
		*out = *out << 8 | bytes[i - 1];
	return true;
}

static bool count(struct machine *m)
{
	if (++m->counted > WIRE_LIMIT_VALUES)
		return sl_fail(m->err, SL_E_LIMIT, "pickle: more than %d values",
			       WIRE_LIMIT_VALUES);
	return true;
}

static bool push(struct machine *m, uint32_t value)
{
	if (!count(m))
		return false;
	*sl_list_add(&m->stack) = value;
	return true;
}

// Pushes a new value; NULL after failure. Valid until the next one.
static struct pickle_value *push_new(struct machine *m, enum pickle_kind kind)
{
	if (!push(m, (uint32_t)m->pickle->values.len))
		return NULL;
	struct pickle_value *value = sl_list_add(&m->pickle->values);
	value->kind = kind;
	return value;
}

static size_t height(const struct machine *m)
{
	return m->stack.len - (m->marks.len ? m->marks.items[m->marks.len - 1] : 0);
}

static bool need(struct machine *m, size_t values)
{
	return height(m) >= values || broken(m, "an opcode takes more values than there are");
}

// Removes the newest mark; the values above it are the last `*count_out` of the stack.
static bool unmark(struct machine *m, size_t *count_out)
{
	if (m->marks.len == 0)
		return broken(m, "an opcode needs a mark and there is none");
	*count_out = height(m);
	m->marks.len--;
	return true;
}

// The value that stands `below` places under the top of the stack.
static struct pickle_value *under(struct machine *m, size_t below)
{
	return &m->pickle->values.items[m->stack.items[m->stack.len - 1 - below]];
}

// Moves the last `values` of the stack into a container.
static void move(struct machine *m, size_t values, struct pickle_value *into)
{
	m->stack.len -= values;
	for (size_t i = 0; i < values; i++)
		*sl_list_add(&into->parts) = m->stack.items[m->stack.len + i];
}

static bool op_proto(struct machine *m, unsigned arg)
{
	uint64_t version;
	(void)arg;
	if (m->at - m->start != 1)
		return broken(m, "a protocol number that does not stand at the beginning");
	if (!take_number(m, 1, &version))
		return false;
	return version <= 5 || broken(m, "a protocol newer than 5");
}

static bool op_frame(struct machine *m, unsigned arg)
{
	uint64_t len;
	(void)arg;
	if (m->frame_end)
		return broken(m, "a frame inside a frame");
	if (!take_number(m, 8, &len))
		return false;
	if (len > (uint64_t)(m->end - m->at))
		return broken(m, "a frame longer than the pickle");
	m->frame_end = m->at + len;
	return true;
}

static bool op_stop(struct machine *m, unsigned arg)
{
	(void)arg;
	if (m->marks.len || m->stack.len != 1)
		return broken(m, "it does not leave exactly one value");
	if (m->at != m->end)
		return broken(m, "something follows its end");
	m->pickle->root = m->stack.items[0];
	m->stopped = true;
	return true;
}

static bool op_mark(struct machine *m, unsigned arg)
{
	(void)arg;
	if (!count(m))
		return false;
	*sl_list_add(&m->marks) = m->stack.len;
	return true;
}

static bool op_constant(struct machine *m, unsigned kind)
{
	return push_new(m, (enum pickle_kind)kind) != NULL;
}

static bool push_integer(struct machine *m, int64_t integer)
{
	struct pickle_value *value = push_new(m, PICKLE_INTEGER);
	if (value)
		value->integer = integer;
	return value != NULL;
}

static bool op_unsigned(struct machine *m, unsigned width)
{
	uint64_t number;
	return take_number(m, width, &number) && push_integer(m, (int64_t)number);
}

static bool op_int32(struct machine *m, unsigned width)
{
	uint64_t number;
	return take_number(m, width, &number) && push_integer(m, (int32_t)(uint32_t)number);
}

static bool push_bytes(struct machine *m, enum pickle_kind kind, const unsigned char *data,
		       size_t len)
{
	struct pickle_value *value = push_new(m, kind);
	if (!value)
		return false;
	value->bytes.data = data;
	value->bytes.len = len;
	return true;
}

static bool op_long(struct machine *m, unsigned width)
{
	uint64_t len, number = 0;
	const unsigned char *bytes;
	if (!take_number(m, width, &len) || !(bytes = take(m, len)))
		return false;
	if (len > sizeof number)
		return push_bytes(m, PICKLE_BIG_INTEGER, bytes, (size_t)len);
	if (len && bytes[len - 1] & 0x80)
		number = UINT64_MAX;
	for (uint64_t i = len; i > 0; i--)
		number = number << 8 | bytes[i - 1];
	return push_integer(m, (int64_t)number);
}

// Eight bytes, the highest first.
static bool op_real(struct machine *m, unsigned width)
{
	const unsigned char *bytes = take(m, width);
	struct pickle_value *value = bytes ? push_new(m, PICKLE_REAL) : NULL;
	union {
		uint64_t bits;
		double real;
	} both = {0};
	if (!value)
		return false;
	for (unsigned i = 0; i < width; i++)
		both.bits = both.bits << 8 | bytes[i];
	value->real = both.real;
	return true;
}

static bool op_text(struct machine *m, unsigned width)
{
	uint64_t len;
	const unsigned char *bytes;
	if (!take_number(m, width, &len) || !(bytes = take(m, len)))
		return false;
	if (!sl_text_is_utf8((const char *)bytes, (size_t)len))
		return broken(m, "a text before it is not valid UTF-8");
	return push_bytes(m, PICKLE_TEXT, bytes, (size_t)len);
}

static bool op_bytes(struct machine *m, unsigned width)
{
	uint64_t len;
	const unsigned char *bytes;
	if (!take_number(m, width, &len) || !(bytes = take(m, len)))
		return false;
	return push_bytes(m, PICKLE_BYTES, bytes, (size_t)len);
}

static bool remember(struct machine *m, uint64_t place)
{
	if (!need(m, 1))
		return false;
	if (place >= WIRE_LIMIT_VALUES)
		return sl_fail(m->err, SL_E_LIMIT, "pickle: a memo of more than %d places",
			       WIRE_LIMIT_VALUES);
	while (m->memo.len <= place)
		*sl_list_add(&m->memo) = 0;
	if (m->memo.items[place])
		return broken(m, "a place of the memo is used twice");
	m->memo.items[place] = m->stack.items[m->stack.len - 1] + 1;
	m->remembered++;
	return true;
}

static bool op_memoize(struct machine *m, unsigned arg)
{
	(void)arg;
	return remember(m, m->remembered);
}

static bool op_put(struct machine *m, unsigned width)
{
	uint64_t place;
	return take_number(m, width, &place) && remember(m, place);
}

static bool op_get(struct machine *m, unsigned width)
{
	uint64_t place;
	if (!take_number(m, width, &place))
		return false;
	if (place >= m->memo.len || !m->memo.items[place])
		return broken(m, "a place of the memo is read that nothing was put into");
	return push(m, m->memo.items[place] - 1);
}

static bool make_tuple(struct machine *m, size_t values)
{
	struct pickle_value tuple = {.kind = PICKLE_TUPLE}, *value;
	move(m, values, &tuple);
	value = push_new(m, PICKLE_TUPLE);
	if (value)
		*value = tuple;
	else
		sl_list_release(&tuple.parts);
	return value != NULL;
}

static bool op_tuple(struct machine *m, unsigned values)
{
	return need(m, values) && make_tuple(m, values);
}

static bool op_marked_tuple(struct machine *m, unsigned arg)
{
	size_t values = 0;
	(void)arg;
	return unmark(m, &values) && make_tuple(m, values);
}

static bool add_to(struct machine *m, enum pickle_kind kind, size_t values)
{
	if (!need(m, values + 1))
		return false;
	struct pickle_value *container = under(m, values);
	if (container->kind != kind || (kind == PICKLE_DICT && values % 2))
		return broken(m, "values are added to what cannot take them");
	move(m, values, container);
	return true;
}

static bool op_append(struct machine *m, unsigned arg)
{
	(void)arg;
	return add_to(m, PICKLE_LIST, 1);
}

static bool op_set(struct machine *m, unsigned arg)
{
	(void)arg;
	return add_to(m, PICKLE_DICT, 2);
}

static bool op_add_marked(struct machine *m, unsigned kind)
{
	size_t values = 0;
	return unmark(m, &values) && add_to(m, (enum pickle_kind)kind, values);
}

static const struct {
	bool (*run)(struct machine *m, unsigned arg);
	unsigned arg; // mostly the width of the number that follows
} opcodes[256] = {
	[0x80] = {op_proto, 0},
	[0x95] = {op_frame, 0},
	['.'] = {op_stop, 0},
	['N'] = {op_constant, PICKLE_NONE},
	[0x88] = {op_constant, PICKLE_TRUE},
	[0x89] = {op_constant, PICKLE_FALSE},
	['K'] = {op_unsigned, 1},
	['M'] = {op_unsigned, 2},
	['J'] = {op_int32, 4},
	[0x8a] = {op_long, 1},
	['G'] = {op_real, 8},
	[0x8c] = {op_text, 1},
	['X'] = {op_text, 4},
	[0x8d] = {op_text, 8},
	['C'] = {op_bytes, 1},
	['B'] = {op_bytes, 4},
	[0x8e] = {op_bytes, 8},
	[0x94] = {op_memoize, 0},
	['q'] = {op_put, 1},
	['r'] = {op_put, 4},
	['h'] = {op_get, 1},
	['j'] = {op_get, 4},
	['('] = {op_mark, 0},
	[')'] = {op_tuple, 0},
	[0x85] = {op_tuple, 1},
	[0x86] = {op_tuple, 2},
	[0x87] = {op_tuple, 3},
	['t'] = {op_marked_tuple, 0},
	[']'] = {op_constant, PICKLE_LIST},
	['a'] = {op_append, 0},
	['e'] = {op_add_marked, PICKLE_LIST},
	['}'] = {op_constant, PICKLE_DICT},
	['s'] = {op_set, 0},
	['u'] = {op_add_marked, PICKLE_DICT},
};

static bool step(struct machine *m)
{
	if (m->at == m->frame_end)
		m->frame_end = NULL;
	const unsigned char *opcode = take(m, 1);
	if (!opcode)
		return false;
	if (!opcodes[*opcode].run)
		return sl_fail(m->err, SL_E_FORMAT,
			       "pickle, byte %zu: opcode 0x%02x is not plain data: only none, "
			       "booleans, numbers, text, bytes, lists, tuples and dictionaries are "
			       "read, and nothing is ever imported or called",
			       (size_t)(opcode - m->start), *opcode);
	return opcodes[*opcode].run(m, opcodes[*opcode].arg);
}

bool pickle_read(const unsigned char *data, size_t len, struct pickle *out, struct sl_error *err)
{
	auto_machine struct machine m = {
		.start = data, .at = data, .end = data + len, .pickle = out, .err = err};
	*out = (struct pickle){0};
	if (len > WIRE_LIMIT_RESULT)
		return sl_fail(err, SL_E_LIMIT, "pickle: larger than %llu bytes",
			       WIRE_LIMIT_RESULT);
	while (!m.stopped)
		if (!step(&m))
			return false;
	return true;
}

void pickle_release(struct pickle *pickle)
{
	sl_list_each (&pickle->values, value)
		if (value->kind >= PICKLE_LIST)
			sl_list_release(&value->parts);
	sl_list_release(&pickle->values);
}
