// SPDX-License-Identifier: Apache-2.0
// sealift-upload logout: the end of our own login.
#include "bundles/base/base.h"
#include "uploader/auth/auth.h"
#include "uploader/commands/commands.h"
#include "uploader/commands/print.h"

#include <stdio.h>

struct options {
	bool offline, json;
};

static const struct sl_option table[] = {
	{"offline", 0, SL_OPT_FLAG, offsetof(struct options, offline), NULL,
	 "remove the login without revoking it at Globus"},
	{"json", 0, SL_OPT_FLAG, offsetof(struct options, json), NULL, "print JSON"},
	SL_OPTION_END,
};

static bool log_out(bool offline, bool *was_there, struct sl_error *err)
{
	struct http *http = NULL;

	if (!offline && !http_new(&(struct http_options){0}, &http, err))
		return false;
	bool good = auth_logout(http, was_there, err);
	http_free(http);
	return good;
}

static int run(const void *values, int argc, char **operands)
{
	const struct options *options = values;
	struct sl_error err = {0};
	bool was_there;

	(void)argc;
	(void)operands;
	if (!log_out(options->offline, &was_there, &err))
		return print_failure(&err);
	if (options->json) {
		sl_auto_json json_t *value = json_object();
		sl_json_set_uint(value, "sealift_logout", 1);
		sl_json_set_bool(value, "logged_out", was_there);
		sl_json_set_bool(value, "revoked", was_there && !options->offline);
		print_json(value);
	} else {
		puts(was_there ? "logged out" : "there was no login of sealift-upload");
	}
	return sl_finish(0);
}

const struct sl_command command_logout = {
	.name = "logout",
	.operands = "",
	.summary = "revoke and remove the login",
	.description =
		"Ends the login that 'sealift-upload login' made: its tokens are revoked at "
		"Globus and\n"
		"login.json is removed. Logins of others (the SDK, client credentials) stay as "
		"they are.",
	.options = table,
	.size = sizeof(struct options),
	.min_operands = 0,
	.max_operands = 0,
	.run = run,
};
