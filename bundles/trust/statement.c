// SPDX-License-Identifier: Apache-2.0
// What a signature says: the trusted comment. specs/signatures.md is the law.
//
// One text for one statement: six words, one space between them, each in a strict grammar, so that
// a signature made for another role, bundle or program can never be read as this one (T35).
#include "bundles/trust/trust.h"

#include <string.h>

static const char *const role_names[] = {
	[ROLE_PREPARE] = "prepare",
	[ROLE_APPROVE] = "approve",
	[ROLE_REVOKE] = "revoke",
};

const char *role_name(enum role role)
{
	return role_names[role];
}

bool role_parse(const char *word, enum role *out)
{
	for (size_t i = 0; i < sizeof role_names / sizeof *role_names; i++) {
		if (strcmp(word, role_names[i]) == 0) {
			*out = (enum role)i;
			return true;
		}
	}
	return false;
}

// The characters of a PEP 440 version in normal form; that it is one, the manifest's reader checks.
static bool is_version(const char *text)
{
	size_t len = strlen(text);
	return len >= 1 && len < sizeof((struct statement *)0)->version &&
	       text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.+!")] == '\0';
}

bool statement_format(const struct statement *statement, struct sl_buf *out, struct sl_error *err)
{
	if (!sl_text_is_name(statement->name) || !is_version(statement->version))
		return sl_fail(err, SL_E_INPUT, "cannot sign: the name or version is not in form");
	char hex[SL_DIGEST_HEX + 1], time[21];
	int64_t again;
	sl_digest_hex(&statement->bundle, hex);
	sl_time_format(statement->time, time);
	if (!sl_time_parse(time, &again) || again != statement->time)
		return sl_fail(err, SL_E_INPUT,
			       "cannot sign: the signing time is not in the years 1970 to 9999");
	sl_buf_addf(out, "sealift:1 role=%s bundle=%s name=%s version=%s time=%s",
		    role_name(statement->role), hex, statement->name, statement->version, time);
	return sl_buf_ok(out, "statement", err);
}

// Copies the next word, which must begin with `prefix`, without it. Words end at one space or at
// the end of the text.
static bool next_word(const char **text, const char *prefix, char *out, size_t size)
{
	size_t skip = strlen(prefix);
	if (strncmp(*text, prefix, skip) != 0)
		return false;
	const char *from = *text + skip;
	size_t len = strcspn(from, " ");
	if (len >= size)
		return false;
	memcpy(out, from, len);
	out[len] = '\0';
	*text = from + len;
	return true;
}

bool statement_parse(const char *text, struct statement *out, struct sl_error *err)
{
	char role[16], bundle[SL_DIGEST_HEX + 1], time[21];
	struct statement got = {0};
	bool ok = next_word(&text, "sealift:1 role=", role, sizeof role) &&
		  next_word(&text, " bundle=", bundle, sizeof bundle) &&
		  next_word(&text, " name=", got.name, sizeof got.name) &&
		  next_word(&text, " version=", got.version, sizeof got.version) &&
		  next_word(&text, " time=", time, sizeof time) && *text == '\0';
	if (!ok)
		return sl_fail(err, SL_E_FORMAT,
			       "the trusted comment is not a statement of sealift 1");
	if (!role_parse(role, &got.role) || !sl_digest_parse(bundle, &got.bundle) ||
	    !sl_text_is_name(got.name) || !is_version(got.version) ||
	    !sl_time_parse(time, &got.time))
		return sl_fail(err, SL_E_FORMAT,
			       "a value of the statement in the trusted comment is out of form");
	*out = got;
	return true;
}
