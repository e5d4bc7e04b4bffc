// SPDX-License-Identifier: Apache-2.0
// sealift-upload whoami: which login would be used. Nothing is asked of a service.
#include "bundles/base/base.h"
#include "uploader/auth/auth.h"
#include "uploader/commands/commands.h"
#include "uploader/commands/print.h"
#include "uploader/commands/reach.h"

#include <stdio.h>

struct options {
	struct postman_options reach;
	bool json;
};

static const struct sl_option table[] = {
	REACH_OPTIONS(struct options, reach),
	{"json", 0, SL_OPT_FLAG, offsetof(struct options, json), NULL, "print JSON"},
	SL_OPTION_END,
};

static void print_field(const char *label, const char *text)
{
	if (text)
		printf("  %-12s%s\n", label, text);
}

static const char *text_at(const json_t *login, const char *key)
{
	return json_string_value(json_object_get(login, key));
}

static void print_text(const struct auth *auth, const json_t *login)
{
	const json_t *scopes = json_object_get(login, "scopes"), *scope;
	size_t i;

	puts(auth_kind_name(auth_kind(auth)));
	print_field("file", text_at(login, "file"));
	print_field("subject", text_at(login, "subject"));
	print_field("client", text_at(login, "client_id"));
	print_field("until", text_at(login, "until"));
	if (json_is_true(json_object_get(login, "renewable")))
		print_field("", "(renewed by itself)");
	json_array_foreach (scopes, i, scope) {
		sl_auto_free char *shown = sl_text_shown(json_string_value(scope));
		print_field(i == 0 ? "scopes" : "", shown);
	}
	print_field("compute", text_at(login, "compute"));
	print_field("auth", text_at(login, "auth"));
}

static void print_warnings(const struct auth *auth)
{
	const struct sl_strings *warnings = auth_warnings(auth);

	for (size_t i = 0; i < warnings->len; i++)
		sl_warn("%s", warnings->items[i]);
}

// "Nobody" is an answer, and so is a login that has ended.
static int answer(const struct options *options, const struct auth *auth)
{
	sl_auto_json json_t *login = auth_describe(auth);
	bool good = json_is_true(json_object_get(login, "good"));

	print_warnings(auth);
	if (options->json) {
		sl_json_set_uint(login, "sealift_whoami", 1);
		print_json(login);
	} else {
		print_text(auth, login);
	}
	if (auth_kind(auth) == AUTH_NOBODY)
		sl_note("nobody is logged in to Globus: 'sealift-upload login' does so");
	else if (!good)
		sl_note("this login has ended: log in again where it comes from");
	return sl_finish(good ? 0 : sl_exit_code(SL_E_ANSWER));
}

static int run(const void *values, int argc, char **operands)
{
	const struct options *options = values;
	const struct postman_options *reach = &options->reach;
	struct auth_places places = {0};
	struct auth *auth = NULL;
	struct sl_error err = {0};

	(void)argc;
	(void)operands;
	bool good = auth_places_find(reach->compute_url, reach->auth_url, &places, &err) &&
		    auth_open(&places, reach->token_file, NULL, &auth, &err);
	int code = good ? answer(options, auth) : print_failure(&err);
	auth_free(auth);
	auth_places_release(&places);
	return code;
}

const struct sl_command command_whoami = {
	.name = "whoami",
	.operands = "",
	.summary = "show which login would be used",
	.description =
		"Prints the first login of: --token-file, client credentials "
		"(GLOBUS_COMPUTE_CLIENT_ID and\n"
		"GLOBUS_COMPUTE_CLIENT_SECRET), 'sealift-upload login', the SDK's; whose it is, "
		"for what,\n"
		"and until when. No service is asked, and no token is shown.",
	.options = table,
	.size = sizeof(struct options),
	.min_operands = 0,
	.max_operands = 0,
	.run = run,
};
