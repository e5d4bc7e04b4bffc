// SPDX-License-Identifier: Apache-2.0
// Any bytes as METADATA, with all that a resolver does with it afterwards.
#include "bundles/packaging/metadata.h"

#include <assert.h>
#include <string.h>

static void check_requirement(const char *text)
{
	static const struct marker_environment environment = {
		.python_version = "3.11", .os_name = "posix", .sys_platform = "linux"};
	static const struct sl_strings no_extras;
	struct sl_error err = {0};
	auto_requirement struct requirement requirement;
	if (!requirement_parse(text, true, &requirement, &err)) {
		assert(err.text[0]);
		return;
	}
	bool active;
	bool good = requirement_is_active(&requirement, &environment, &no_extras, &active, &err);
	assert(good == (err.kind == SL_E_NONE));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_error err = {0};
	struct metadata metadata;
	bool good = metadata_parse((const char *)data, size, "wheel", &metadata, &err);
	assert(good == (err.kind == SL_E_NONE) && good == (metadata.name != NULL));
	assert(!good || metadata.version);
	for (size_t i = 0; i < metadata.requires_dist.len; i++) {
		assert(!strpbrk(metadata.requires_dist.items[i], "\r\n"));
		check_requirement(metadata.requires_dist.items[i]);
	}
	if (metadata.requires_python) {
		auto_specifier struct specifier_set *set = NULL;
		bool repaired;
		good = specifier_parse_lenient(metadata.requires_python, &set, &repaired, &err);
		assert(good == (set != NULL));
	}
	metadata_release(&metadata);
	return 0;
}
