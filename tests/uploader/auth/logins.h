// SPDX-License-Identifier: Apache-2.0
// Logins to be found: an empty home, a storage.db made by another program, answers of the token
// service. Every secret in them contains CANARY, which must never be seen again (T87).
#ifndef TESTS_UPLOADER_AUTH_LOGINS_H
#define TESTS_UPLOADER_AUTH_LOGINS_H

#include "tests/uploader/scratch.h"
#include "uploader/auth/private.h"

#include <stdio.h>
#include <string.h>

#define CANARY	   "CANARY"
#define SDK_CLIENT "4cf29807-cf21-49ec-9443-ff9a3fb9f81c"
#define PERSON	   "11111111-1111-4111-8111-111111111111"
#define CLIENT	   "cccccccc-cccc-4ccc-8ccc-cccccccccccc"

// Nobody is logged in, and every place that is looked at lies in `folder`.
static inline void logins_none(const char *folder)
{
	static const char *const names[] = {
		"GLOBUS_SDK_ENVIRONMENT",   "GLOBUS_SDK_SERVICE_URL_AUTH",
		"GLOBUS_COMPUTE_CLIENT_ID", "GLOBUS_COMPUTE_CLIENT_SECRET",
		"GLOBUS_COMPUTE_USER_DIR",  "GLOBUS_SDK_SERVICE_URL_COMPUTE",
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		unsetenv(names[i]);
	setenv("HOME", folder, 1);
	setenv("SEALIFT_HOME", folder, 1);
}

// sdk_storage.py; what it prints.
static inline char *sdk_storage(const char *verb, const char *path, const char *rest)
{
	char *line = sl_format("python3 '%s/tests/uploader/auth/sdk_storage.py' %s '%s' %s",
			       SEALIFT_SOURCE_DIR, verb, path, rest);
	char *text = sl_alloc(64 * 1024);
	FILE *output = popen(line, "r");

	assert_non_null(output);
	text[fread(text, 1, 64 * 1024 - 1, output)] = '\0';
	assert_int_equal(pclose(output), 0);
	free(line);
	return text;
}

// The folder's .globus_compute/storage.db. Owned.
static inline char *sdk_make(const char *folder, const char *schema)
{
	sl_auto_free char *sdk = sl_path_join(folder, ".globus_compute");
	char *path = sl_path_join(sdk, "storage.db");

	assert_int_equal(mkdir(sdk, 0700), 0);
	free(sdk_storage("make", path, schema));
	return path;
}

static inline void sdk_put(const char *path, const char *namespace, const char *row)
{
	sl_auto_free char *rest = sl_format("'%s' funcx_service '%s'", namespace, row);

	free(sdk_storage("put", path, rest));
}

// Row of an SDK 4 for a person; `refresh` may be "".
static inline char *sdk_row(const char *access, const char *refresh, int64_t until)
{
	return sl_format("{\"resource_server\":\"funcx_service\",\"identity_id\":\"" PERSON
			 "\",\"scope\":\"" AUTH_COMPUTE_SCOPE " " AUTH_COMPUTE_SCOPE
			 "\",\"access_token\":\"%s\",%s%s%s\"expires_at_seconds\":%lld,"
			 "\"token_type\":\"Bearer\"}",
			 access, *refresh ? "\"refresh_token\":\"" : "", refresh,
			 *refresh ? "\"," : "", (long long)until);
}

// The row that stands there now. Owned.
static inline json_t *sdk_get(const char *path, const char *namespace)
{
	sl_auto_free char *rest = sl_format("'%s' funcx_service", namespace);
	sl_auto_free char *text = sdk_storage("get", path, rest);
	json_t *row = json_loads(text, 0, NULL);

	assert_non_null(row);
	return row;
}

static inline const char *text_at(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	assert_non_null(text);
	return text;
}

// An error of this kind that says `part` and no secret, in one line.
static inline void must_fail(const struct sl_error *err, enum sl_kind kind, const char *part)
{
	if (err->kind != kind || !strstr(err->text, part))
		fail_msg("kind %d: %s", (int)err->kind, err->text);
	assert_null(strstr(err->text, CANARY));
	assert_null(strchr(err->text, '\n'));
}

static inline void must_be_silent(const struct sl_strings *warnings)
{
	for (size_t i = 0; i < warnings->len; i++)
		assert_null(strstr(warnings->items[i], CANARY));
}

#endif
