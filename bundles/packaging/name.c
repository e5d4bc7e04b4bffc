// SPDX-License-Identifier: Apache-2.0
#include "bundles/packaging/name.h"

#include "bundles/packaging/scan.h"

static bool is_joint(char c)
{
	return c == '.' || c == '-' || c == '_';
}

bool name_is_valid(const char *text, size_t len)
{
	if (len == 0 || !scan_is_alnum(text[0]) || !scan_is_alnum(text[len - 1]))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!scan_is_alnum(text[i]) && !is_joint(text[i]))
			return false;
	}
	return true;
}

bool name_is_normal(const char *text, size_t len)
{
	if (!name_is_valid(text, len))
		return false;
	for (size_t i = 0; i < len; i++) {
		bool again = i > 0 && text[i] == '-' && text[i - 1] == '-';
		if (text[i] == '.' || text[i] == '_' || scan_lower(text[i]) != text[i] || again)
			return false;
	}
	return true;
}

char *name_normalise(const char *text, size_t len)
{
	char *normal = sl_alloc(len + 1);
	size_t out = 0;
	for (size_t i = 0; i < len; i++) {
		if (!is_joint(text[i]))
			normal[out++] = scan_lower(text[i]);
		else if (i == 0 || !is_joint(text[i - 1]))
			normal[out++] = '-';
	}
	return normal;
}
