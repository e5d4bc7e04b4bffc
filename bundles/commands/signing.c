// SPDX-License-Identifier: Apache-2.0
#include "bundles/commands/signing.h"

#include "bundles/commands/password.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define EPOCH_END 253402300800 // 10000-01-01T00:00:00Z

// Seconds since 1970 in decimal digits and nothing else, up to the year 9999.
static bool parse_epoch(const char *text, int64_t *time_out)
{
	size_t len = strspn(text, "0123456789");
	if (len == 0 || len > 12 || text[len] != '\0')
		return false;
	*time_out = strtoll(text, NULL, 10);
	return *time_out < EPOCH_END;
}

bool signing_time(const struct signing_options *options, int64_t *time_out, struct sl_error *err)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	if (options->time) {
		if (sl_time_parse(options->time, time_out))
			return true;
		sl_auto_free char *shown = sl_text_shown(options->time);
		return sl_fail(err, SL_E_USAGE,
			       "--signing-time needs a time like 2026-11-22T13:26:02Z, not '%s'",
			       shown);
	}
	if (epoch && epoch[0]) {
		if (parse_epoch(epoch, time_out))
			return true;
		sl_auto_free char *shown = sl_text_shown(epoch);
		return sl_fail(err, SL_E_USAGE,
			       "SOURCE_DATE_EPOCH is '%s', not a number of seconds since 1970 in "
			       "decimal digits, before the year 10000",
			       shown);
	}
	*time_out = (int64_t)time(NULL);
	return true;
}

bool signing_key(const struct signing_options *options, struct secret_key **key_out,
		 struct sl_error *err)
{
	sl_auto_free char *path = NULL;
	if (options->key)
		path = sl_strdup(options->key);
	else if (!key_default_path(&path, err))
		return false;
	return password_load_key(path, options->password_file, key_out, err);
}

struct statement signing_statement(enum role role, const struct sl_digest *bundle, const char *name,
				   const char *version, int64_t time)
{
	struct statement statement = {.role = role, .bundle = *bundle, .time = time};
	snprintf(statement.name, sizeof statement.name, "%s", name);
	snprintf(statement.version, sizeof statement.version, "%s", version);
	return statement;
}
