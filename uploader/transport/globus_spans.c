// SPDX-License-Identifier: Apache-2.0
// Stretches of an object: those that are there or under way, and the gaps between them.
#include "uploader/transport/globus.h"

#include <string.h>

static uint64_t end_of(const struct span *span)
{
	return span->offset + span->size;
}

static void put_in(struct spans *spans, size_t at, uint64_t offset, uint64_t end)
{
	if (end <= offset)
		return;
	(void)sl_list_add(spans);
	memmove(spans->items + at + 1, spans->items + at,
		(spans->len - 1 - at) * sizeof *spans->items);
	spans->items[at] = (struct span){offset, end - offset};
}

static void take_out(struct spans *spans, size_t at, size_t count)
{
	memmove(spans->items + at, spans->items + at + count,
		(spans->len - at - count) * sizeof *spans->items);
	spans->len -= count;
}

// The spans that overlap the stretch or (with `touch`) only touch it: [*first, *first + count).
static size_t meet(const struct spans *spans, uint64_t offset, uint64_t end, bool touch,
		   size_t *first_out)
{
	size_t first = 0, count = 0;

	while (first < spans->len && (end_of(&spans->items[first]) < offset ||
				      (!touch && end_of(&spans->items[first]) == offset)))
		first++;
	while (first + count < spans->len && (spans->items[first + count].offset < end ||
					      (touch && spans->items[first + count].offset == end)))
		count++;
	*first_out = first;
	return count;
}

void spans_add(struct spans *spans, uint64_t offset, uint64_t size)
{
	uint64_t end = offset + size;
	size_t first, count = meet(spans, offset, end, true, &first);

	if (size == 0)
		return;
	if (count > 0) {
		uint64_t last = end_of(&spans->items[first + count - 1]);
		offset = spans->items[first].offset < offset ? spans->items[first].offset : offset;
		end = last > end ? last : end;
		take_out(spans, first, count);
	}
	put_in(spans, first, offset, end);
}

void spans_remove(struct spans *spans, uint64_t offset, uint64_t size)
{
	uint64_t end = offset + size;
	size_t first, count = meet(spans, offset, end, false, &first);

	if (size == 0 || count == 0)
		return;
	uint64_t from = spans->items[first].offset;
	uint64_t to = end_of(&spans->items[first + count - 1]);
	take_out(spans, first, count);
	put_in(spans, first, end, to);
	put_in(spans, first, from, offset);
}

bool spans_gap(const struct spans *spans, uint64_t from, uint64_t total, struct span *out)
{
	uint64_t end = total;

	for (size_t i = 0; i < spans->len; i++) {
		if (end_of(&spans->items[i]) <= from)
			continue;
		if (spans->items[i].offset > from) {
			end = spans->items[i].offset;
			break;
		}
		from = end_of(&spans->items[i]);
	}
	if (from >= total)
		return false;
	*out = (struct span){from, (end < total ? end : total) - from};
	return true;
}
