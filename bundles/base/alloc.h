// SPDX-License-Identifier: Apache-2.0
// Memory: allocation that cannot fail, scope clean-up, and a list that grows.
//
// Running out of memory is not an input error: every function here aborts the process with one
// line on stderr. Sizes that come from input meet a ceiling of bundles/limits.h before they get
// here.
#ifndef SL_BASE_ALLOC_H
#define SL_BASE_ALLOC_H

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define SL_MUST_USE	     __attribute__((warn_unused_result))
#define SL_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

// All return zeroed or copied memory owned by the caller, released with free(); never NULL.
void *sl_alloc(size_t size) __attribute__((malloc, returns_nonnull));
void *sl_alloc_array(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
void *sl_realloc_array(void *old, size_t count, size_t size) __attribute__((returns_nonnull));
char *sl_strdup(const char *text) __attribute__((malloc, returns_nonnull));
char *sl_strndup(const char *text, size_t len) __attribute__((malloc, returns_nonnull));
char *sl_format(const char *fmt, ...) SL_PRINTF(1, 2) __attribute__((malloc, returns_nonnull));

// Declares an owned pointer or descriptor that is released when its scope ends.
#define sl_auto_free __attribute__((cleanup(sl_cleanup_free)))
#define sl_auto_fd   __attribute__((cleanup(sl_cleanup_fd)))

static inline void sl_cleanup_free(void *slot)
{
	free(*(void **)slot);
}

// Read-only descriptors only: a descriptor that was written to is closed through sl_output.
static inline void sl_cleanup_fd(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

// Hands the pointer out and leaves NULL behind, so that the scope no longer owns it.
#define sl_take(slot)                                \
	__extension__({                              \
		__typeof__(slot) sl_taken_ = (slot); \
		(slot) = NULL;                       \
		sl_taken_;                           \
	})

static inline int sl_take_fd(int *fd)
{
	int taken = *fd;
	*fd = -1;
	return taken;
}

// A growing array of one type: `SL_LIST(struct item) items;`, zero-initialised.
#define SL_LIST(type)            \
	struct {                 \
		type *items;     \
		size_t len, cap; \
	}

// Appends one zeroed element and yields its address (valid until the next append).
#define sl_list_add(list)                                                                       \
	((list)->items =                                                                        \
		 sl_list_grow((list)->items, &(list)->cap, (list)->len, sizeof *(list)->items), \
	 &(list)->items[(list)->len++])

// `sl_list_each(&list, item)` walks with `item` pointing at each element.
#define sl_list_each(list, var)                               \
	for (__typeof__(&*(list)->items) var = (list)->items; \
	     var && var < (list)->items + (list)->len; var++)

// Frees the array itself, not what its elements own.
#define sl_list_release(list) \
	(free((list)->items), (list)->items = NULL, (list)->len = (list)->cap = 0)

// For a command that is going to use some MiB: the heap gets them at once, in huge pages where the
// kernel has them, instead of page by page (a fault costs 1 to 2 us on a virtual machine). Without
// effect where the libc or the kernel has no such thing.
void sl_heap_prepare(void);

// For a command that works for hours and needs some MiB for a moment, again and again: large blocks
// go back to the kernel as soon as they are free, instead of growing the heap that is kept. Without
// effect where the libc has no such thing.
void sl_heap_return_large(void);

void *sl_list_grow(void *items, size_t *cap, size_t len, size_t size);

// A list of owned strings.
struct sl_strings {
	char **items;
	size_t len, cap;
};

void sl_strings_add(struct sl_strings *list, const char *text); // copies
void sl_strings_sort(struct sl_strings *list);			// by bytes
void sl_strings_release(struct sl_strings *list);

#endif
