// SPDX-License-Identifier: Apache-2.0
// How the files of the zip reader fail: "<file>: …" and "<file>: 'member': …".
#ifndef SL_PACKAGING_ZIP_ERROR_H
#define SL_PACKAGING_ZIP_ERROR_H

#include "bundles/packaging/zip.h"

static inline bool zip_bad(const struct zip *zip, const char *what, struct sl_error *err)
{
	return sl_fail(err, SL_E_FORMAT, "%s: not a sound zip archive: %s", zip->shown, what);
}

static inline bool zip_bad_entry(const struct zip *zip, const struct zip_entry *entry,
				 const char *what, struct sl_error *err)
{
	sl_auto_free char *name = sl_strndup(entry->name, entry->name_len);
	sl_auto_free char *shown = sl_text_shown(name);
	return sl_fail(err, SL_E_FORMAT, "%s: not a sound zip archive: '%s': %s", zip->shown, shown,
		       what);
}

static inline bool zip_too_large(const struct zip *zip, const char *what, uint64_t limit,
				 struct sl_error *err)
{
	char text[16];
	sl_size_format(limit, text);
	return sl_fail(err, SL_E_LIMIT, "%s: %s: larger than %s", zip->shown, what, text);
}

#endif
