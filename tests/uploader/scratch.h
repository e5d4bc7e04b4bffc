// SPDX-License-Identifier: Apache-2.0
// A new empty folder for one test.
#ifndef TESTS_UPLOADER_SCRATCH_H
#define TESTS_UPLOADER_SCRATCH_H

#include "bundles/base/base.h"
#include "tests/cmocka_all.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static inline int scratch_remove_one(const char *path, const struct stat *stat, int kind,
				     struct FTW *where)
{
	(void)stat;
	(void)kind;
	(void)where;
	return remove(path);
}

static inline int scratch_make(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char *folder = sl_format("%s/sealift-test.XXXXXX", tmp ? tmp : "/tmp");
	*state = mkdtemp(folder);
	return *state ? 0 : -1;
}

static inline int scratch_remove(void **state)
{
	int status = nftw(*state, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(*state);
	return status;
}

#define scratch_test(function) \
	cmocka_unit_test_setup_teardown(function, scratch_make, scratch_remove)

#endif
