// SPDX-License-Identifier: Apache-2.0
// Any text as the file name of a wheel and of a source archive.
#include "bundles/packaging/wheel.h"

#include <assert.h>
#include <string.h>

static const struct tag_target target = {.implementation = "cpython",
					 .major = 3,
					 .minor = 11,
					 .libc = TAG_GLIBC,
					 .libc_major = 2,
					 .libc_minor = 28,
					 .machine = "x86_64"};

static void check_fit(const struct wheel_name *wheel, const char *leaf)
{
	static struct tag_set *tags; // made once: it is not what is tested
	struct sl_error err = {0};
	if (!tags)
		assert(tags_generate(&target, &tags, &err));
	long rank = wheel_rank(wheel, tags);
	assert(rank >= -1 && rank < (long)tags_count(tags));
	assert(wheel_prefer(wheel, rank, leaf, wheel, rank, leaf) == 0);
	sl_auto_free char *reason = wheel_misfit(wheel, &target);
	assert(rank >= 0 || (reason && *reason));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	sl_auto_free char *leaf = sl_strndup((const char *)data, size);
	struct sl_error err = {0};
	auto_wheel_name struct wheel_name wheel;
	bool good = wheel_name_parse(leaf, &wheel, &err);
	assert(good == (err.kind == SL_E_NONE) && good == (wheel.name != NULL));
	if (good) {
		assert(!strchr(leaf, '/') && wheel.version);
		assert(wheel.pythons.len && wheel.abis.len && wheel.platforms.len);
		check_fit(&wheel, leaf);
	}
	sl_error_clear(&err);
	sl_auto_free char *name = NULL;
	auto_version struct version *version = NULL;
	good = sdist_name_parse(leaf, &name, &version, &err);
	assert(good == (name != NULL) && good == (version != NULL));
	return 0;
}
