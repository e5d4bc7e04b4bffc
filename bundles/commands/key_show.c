// SPDX-License-Identifier: Apache-2.0
// sealift key show: what a key file holds; of a secret key, only its public half.
#include "bundles/commands/commands.h"
#include "bundles/commands/password.h"
#include "bundles/commands/show.h"

#include <stdio.h>
#include <string.h>

struct key_show_options {
	const char *password_file;
	bool json;
};

static const struct sl_option options[] = {
	{"password-file", 0, SL_OPT_PATH_IN, offsetof(struct key_show_options, password_file),
	 "FILE", "take the password of a secret key from the first line of FILE"},
	{"json", 0, SL_OPT_FLAG, offsetof(struct key_show_options, json), NULL,
	 "report as JSON on stdout"},
	SL_OPTION_END,
};

struct shown_key {
	struct public_key public;
	bool secret, protected;
};

// By what it holds, not by its name: a file that is no public key is tried as a secret one.
static bool load(const char *path, const char *password_file, struct shown_key *out,
		 struct sl_error *err)
{
	struct sl_error not_public = {0}, not_secret = {0};
	if (public_key_load(path, &out->public, &not_public))
		return true;
	if (!secret_key_needs_password(path, &out->protected, &not_secret))
		return sl_fail(err, not_public.kind, "%s", not_public.text);
	auto_secret_key struct secret_key *key = NULL;
	if (!password_load_key(path, password_file, &key, err))
		return false;
	out->public = *secret_key_public(key);
	out->secret = true;
	return true;
}

static int report(const struct shown_key *key, bool as_json)
{
	const char *kind = !key->secret	    ? "public"
			   : key->protected ? "secret, with a password"
					    : "secret, without a password";
	if (as_json) {
		json_t *json = show_key_json(&key->public);
		sl_json_set_uint(json, "sealift_key", 1);
		sl_json_set_bool(json, "secret", key->secret);
		sl_json_set_bool(json, "password", key->protected);
		return show_json(json, 0);
	}
	printf("kind:        %s\n", kind);
	show_key(&key->public);
	return sl_finish(0);
}

static int run(const void *values, int argc, char **operands)
{
	(void)argc;
	const struct key_show_options *chosen = values;
	struct sl_error err = {0};
	struct shown_key key = {0};
	if (load(operands[0], chosen->password_file, &key, &err))
		return report(&key, chosen->json);
	sl_complain(&err);
	return sl_exit_code(err.kind);
}

const struct sl_command command_key_show = {
	.name = "key show",
	.operands = "FILE",
	.summary = "show the public key, fingerprint and id of a key file",
	.description =
		"FILE is a public or a secret key. Nothing secret is shown; a secret key with a "
		"password is\nunlocked to tell its public half.",
	.options = options,
	.size = sizeof(struct key_show_options),
	.min_operands = 1,
	.max_operands = 1,
	.reach = SL_REACH_NAMED | SL_REACH_TERMINAL,
	.path_operands = 1,
	.run = run,
};
