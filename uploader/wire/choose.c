// SPDX-License-Identifier: Apache-2.0
// Which payloads a worker understands: guessed from its endpoint's version, corrected by its
// answer.
#include "bundles/packaging/version.h"
#include "uploader/wire/wire.h"

static int compare_with(const struct version *version, const char *text)
{
	auto_version struct version *other = version_try(text, strlen(text));
	return version_compare(version, other);
}

enum wire_set wire_choose(const char *endpoint_version)
{
	if (!endpoint_version)
		return WIRE_UNIVERSAL;
	auto_version struct version *version =
		version_try(endpoint_version, strlen(endpoint_version));
	if (!version || compare_with(version, "3.6.0") < 0)
		return WIRE_UNIVERSAL;
	// 3.16.0 and its previews take `st` for base64 first.
	bool own_st = compare_with(version, "3.16.0.dev0") >= 0 &&
		      compare_with(version, "3.16.1.dev0") < 0;
	return own_st ? WIRE_UNIVERSAL : WIRE_MODERN;
}

enum wire_set wire_other(enum wire_set set)
{
	return set == WIRE_MODERN ? WIRE_UNIVERSAL : WIRE_MODERN;
}

const char *wire_serde_identifier(enum wire_set set)
{
	return set == WIRE_MODERN ? "st" : "04";
}

// "Invalid header: st\n in data payload", where the line feed may have become `\n` by way of
// repr().
static bool names_unknown_header(const char *text)
{
	static const char head[] = "Invalid header: ", tail[] = "in data payload";
	while ((text = strstr(text, head))) {
		text += strlen(head);
		size_t id = strspn(text, "0123456789abcdefghijklmnopqrstuvwxyz");
		const char *after = text + id + strspn(text + id, "\\n\n\r ");
		if (id >= 2 && id <= 3 && strncmp(after, tail, strlen(tail)) == 0)
			return true;
	}
	return false;
}

bool wire_was_refused(const char *exception)
{
	if (!exception)
		return false;
	return names_unknown_header(exception) ||
	       (strstr(exception, "disabled by current configuration") &&
		strstr(exception, "Allowed serializers:"));
}
