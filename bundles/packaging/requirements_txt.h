// SPDX-License-Identifier: Apache-2.0
// requirements.txt as pip reads it: continuations, comments, -r and -c, options, hashes.
#ifndef SL_PACKAGING_REQUIREMENTS_TXT_H
#define SL_PACKAGING_REQUIREMENTS_TXT_H

#include "bundles/base/base.h"

struct requirements_hash {
	const char *algorithm; // "sha256", "sha384", "sha512"; not owned
	char *hex;	       // as written: whoever uses it checks that it is one
};

// One requirement, editable or option line after -r and -c have been followed.
struct requirements_line {
	char *file;    // as reached: the path that was opened
	unsigned line; // first physical line
	bool constraint, editable;
	char *requirement; // text before the first option; NULL for an options-only line
	SL_LIST(struct requirements_hash) hashes;
	// options-only lines, in the shape of the vectors; NULL / empty when not given
	char *index_url;
	struct sl_strings extra_index_urls, find_links, trusted_hosts, features, only_binary,
		no_binary, only_final, all_releases, config_settings;
	bool no_index, prefer_binary, pre, require_hashes, no_require_hashes;
};

struct requirements_file {
	SL_LIST(struct requirements_line) lines;
};

// Gives the text of a file that -r or -c named; `path` is already joined to the including file's.
typedef bool requirements_opener(void *context, const char *path, struct sl_buf *text_out,
				 struct sl_error *err);
// Gives the value of ${NAME}, NULL when it is not set. A NULL function refuses every ${NAME}.
typedef const char *requirements_variable(void *context, const char *name);

// SL_E_INPUT "file:line: …". Texts are UTF-8 (or UTF-16 or UTF-32 with a byte order mark, or what a
// "coding:" comment names: utf-8, latin-1, ascii), without NUL characters.
bool requirements_parse(const char *root, requirements_opener *opener,
			requirements_variable *variable, void *context,
			struct requirements_file *out, struct sl_error *err) SL_MUST_USE;
void requirements_release(struct requirements_file *file);

#endif
