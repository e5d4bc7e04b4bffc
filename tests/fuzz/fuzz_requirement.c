// SPDX-License-Identifier: Apache-2.0
// Any text as a requirement, as a user's and as METADATA's. What the strict reader takes, the
// lenient one takes as the same; what comes out has a normal form that is its own.
#include "bundles/packaging/requirement.h"

#include <assert.h>
#include <string.h>

static void check_names(const struct requirement *requirement)
{
	assert(name_is_valid(requirement->name, strlen(requirement->name)) ||
	       requirement->name[strlen(requirement->name) - 1] == '_');
	sl_auto_free char *again =
		name_normalise(requirement->normalised, strlen(requirement->normalised));
	assert(strcmp(again, requirement->normalised) == 0);
	for (size_t i = 1; i < requirement->extras.len; i++)
		assert(strcmp(requirement->extras.items[i - 1], requirement->extras.items[i]) < 0);
}

static void check_specifier(const struct specifier_set *set)
{
	struct sl_error err = {0};
	sl_auto_free char *text = specifier_format(set);
	auto_specifier struct specifier_set *again = NULL;
	assert(specifier_parse(text, &again, &err));
	sl_auto_free char *second = specifier_format(again);
	assert(strcmp(text, second) == 0);
	assert(specifier_count(again) == specifier_count(set));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	sl_auto_free char *text = sl_strndup((const char *)data, size);
	struct requirement strict, lenient;
	struct sl_error strict_err = {0}, lenient_err = {0};
	bool is_strict = requirement_parse(text, false, &strict, &strict_err);
	bool is_lenient = requirement_parse(text, true, &lenient, &lenient_err);
	assert(is_strict == (strict_err.kind == SL_E_NONE) && (is_strict || !strict.name));
	assert(!is_strict || is_lenient);
	if (is_lenient) {
		check_names(&lenient);
		check_specifier(lenient.specifier);
	}
	if (is_strict) {
		sl_auto_free char *a = specifier_format(strict.specifier);
		sl_auto_free char *b = specifier_format(lenient.specifier);
		assert(strcmp(a, b) == 0 && strcmp(strict.name, lenient.name) == 0);
		assert(!strict.url == !lenient.url && !strict.marker == !lenient.marker);
	}
	requirement_release(&strict);
	requirement_release(&lenient);
	return 0;
}
