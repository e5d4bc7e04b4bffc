// SPDX-License-Identifier: Apache-2.0
#include "bundles/base/alloc.h"

#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void out_of_memory(void)
{
	static const char line[] = "out of memory\n";
	ssize_t ignored = write(STDERR_FILENO, line, sizeof line - 1);
	(void)ignored;
	abort();
}

void *sl_alloc(size_t size)
{
	void *memory = calloc(1, size ? size : 1);
	if (!memory)
		out_of_memory();
	return memory;
}

void *sl_alloc_array(size_t count, size_t size)
{
	void *memory = calloc(count ? count : 1, size ? size : 1);
	if (!memory)
		out_of_memory();
	return memory;
}

void *sl_realloc_array(void *old, size_t count, size_t size)
{
	void *memory = reallocarray(old, count ? count : 1, size ? size : 1);
	if (!memory)
		out_of_memory();
	return memory;
}

#define HUGE_PAGE  ((uintptr_t)2 << 20)
#define HEAP_ROOM  (2 * HUGE_PAGE)
#define SMALL_PAGE ((uintptr_t)4096)

#define LARGE_BLOCK (128 << 10)

// Named, the threshold stays: otherwise glibc raises it with each large block that is freed.
void sl_heap_return_large(void)
{
#ifdef __GLIBC__
	mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
	mallopt(M_TRIM_THRESHOLD, 8 * LARGE_BLOCK);
#endif
}

// The heap goes on one small page before a boundary of huge pages (glibc copes with foreign sbrk()
// calls): what malloc writes there at once must not make the first huge page a small one. It keeps
// what it is given, because that is less than the threshold for giving back.
void sl_heap_prepare(void)
{
#ifdef __GLIBC__
	uintptr_t end = (uintptr_t)sbrk(0);
	uintptr_t huge = (end + SMALL_PAGE + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, 2 * (int)HEAP_ROOM);
	mallopt(M_TRIM_THRESHOLD, 4 * (int)HEAP_ROOM);
	if (sbrk((intptr_t)(huge - SMALL_PAGE - end)) != (void *)end)
		return;
	void *room = malloc(HEAP_ROOM + SMALL_PAGE);
	if ((uintptr_t)room >= huge - SMALL_PAGE && (uintptr_t)room < huge)
		(void)madvise((void *)huge, HEAP_ROOM, MADV_HUGEPAGE);
	free(room);
#endif
}

char *sl_strndup(const char *text, size_t len)
{
	char *copy = malloc(len + 1);
	if (!copy)
		out_of_memory();
	if (len)
		memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

char *sl_strdup(const char *text)
{
	return sl_strndup(text, strlen(text));
}

char *sl_format(const char *fmt, ...)
{
	char *text = NULL;
	va_list args;
	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		out_of_memory();
	va_end(args);
	return text;
}

void *sl_list_grow(void *items, size_t *cap, size_t len, size_t size)
{
	if (len == *cap) {
		if (*cap > SIZE_MAX / 2)
			out_of_memory();
		*cap = *cap ? *cap * 2 : 8;
		items = sl_realloc_array(items, *cap, size);
	}
	memset((char *)items + len * size, 0, size);
	return items;
}

void sl_strings_add(struct sl_strings *list, const char *text)
{
	*sl_list_add(list) = sl_strdup(text);
}

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void sl_strings_sort(struct sl_strings *list)
{
	if (list->len > 1)
		qsort(list->items, list->len, sizeof *list->items, compare_strings);
}

void sl_strings_release(struct sl_strings *list)
{
	for (size_t i = 0; i < list->len; i++)
		free(list->items[i]);
	sl_list_release(list);
}
