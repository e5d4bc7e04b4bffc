// SPDX-License-Identifier: Apache-2.0
// sealift-upload login: a login of our own, stored in the configuration folder.
#include "bundles/base/base.h"
#include "uploader/auth/auth.h"
#include "uploader/commands/commands.h"
#include "uploader/commands/print.h"

#include <stdio.h>

struct options {
	const char *compute_url, *auth_url, *client_id;
	struct sl_words scopes, identities, policies, domains;
	bool mfa, json;
};

static const struct sl_option table[] = {
	{"client-id", 0, SL_OPT_STRING, offsetof(struct options, client_id), "UUID",
	 "the native client to log in as (default: SEALIFT_CLIENT_ID)"},
	{"scope", 0, SL_OPT_LIST, offsetof(struct options, scopes), "SCOPE",
	 "consent to this scope, too"},
	{"identity", 0, SL_OPT_LIST, offsetof(struct options, identities), "ID",
	 "log in as this identity"},
	{"domain", 0, SL_OPT_LIST, offsetof(struct options, domains), "NAME",
	 "log in with an identity of this domain"},
	{"policy", 0, SL_OPT_LIST, offsetof(struct options, policies), "UUID",
	 "log in such that this policy is met"},
	{"mfa", 0, SL_OPT_FLAG, offsetof(struct options, mfa), NULL, "log in with a second factor"},
	{"compute-url", 0, SL_OPT_STRING, offsetof(struct options, compute_url), "URL",
	 "the Globus Compute that the login is for (default: by GLOBUS_SDK_ENVIRONMENT)"},
	{"auth-url", 0, SL_OPT_STRING, offsetof(struct options, auth_url), "URL",
	 "where Globus Auth is"},
	{"json", 0, SL_OPT_FLAG, offsetof(struct options, json), NULL, "print JSON"},
	SL_OPTION_END,
};

static const char *client_of(const struct options *options)
{
	const char *usual = getenv("SEALIFT_CLIENT_ID");

	if (options->client_id)
		return options->client_id;
	return usual && usual[0] ? usual : NULL;
}

static void copy_words(const struct sl_words *words, struct sl_strings *out)
{
	for (size_t i = 0; i < words->len; i++)
		sl_strings_add(out, words->items[i]);
}

static bool begin(const struct options *options, const struct auth_places *places,
		  struct auth_flow **out, struct sl_error *err)
{
	struct auth_demand demand = {.mfa = options->mfa};

	copy_words(&options->scopes, &demand.scopes);
	copy_words(&options->identities, &demand.identities);
	copy_words(&options->policies, &demand.policies);
	copy_words(&options->domains, &demand.domains);
	bool good = auth_flow_begin(places, client_of(options), &demand, out, err);
	auth_demand_release(&demand);
	return good;
}

// Wiped by whoever takes it.
static bool ask_for_code(const struct auth_flow *flow, char **code_out, size_t *len_out,
			 struct sl_error *err)
{
	fprintf(stderr, "Open this address with a browser and log in there:\n\n%s\n\n",
		auth_flow_url(flow));
	fputs("Enter the code that is shown: ", stderr);
	fflush(stderr);
	ssize_t got = getline(code_out, len_out, stdin);
	if (!isatty(STDIN_FILENO))
		fputc('\n', stderr);
	if (got < 0 && ferror(stdin))
		return sl_fail_errno(err, "cannot read the code");
	return got >= 0 || sl_fail(err, SL_E_USAGE, "no code was given: the login is as it was");
}

static bool log_in(const struct options *options, const struct auth_places *places,
		   struct sl_error *err)
{
	struct auth_flow *flow = NULL;
	struct http *http = NULL;
	char *code = NULL;
	size_t size = 0;

	// Whatever can go wrong here does so before somebody has typed a code.
	bool good = http_new(&(struct http_options){0}, &http, err) &&
		    begin(options, places, &flow, err) && ask_for_code(flow, &code, &size, err) &&
		    auth_flow_finish(flow, http, code, err);
	if (code)
		explicit_bzero(code, size);
	free(code);
	auth_flow_free(flow);
	http_free(http);
	return good;
}

// What whoever asks now would get.
static bool report(const struct options *options, const struct auth_places *places,
		   struct sl_error *err)
{
	struct auth *auth = NULL;

	if (!auth_open(places, NULL, NULL, &auth, err))
		return false;
	sl_auto_json json_t *value = auth_describe(auth);
	const char *subject = json_string_value(json_object_get(value, "subject"));
	if (auth_kind(auth) != AUTH_OWN)
		sl_warn("the login is stored, but %s goes before it: see 'sealift-upload whoami'",
			auth_kind_name(auth_kind(auth)));
	sl_json_set_uint(value, "sealift_login", 1);
	if (options->json)
		print_json(value);
	else if (auth_kind(auth) == AUTH_OWN)
		printf("logged in%s%s\n", subject ? " as " : "", subject ? subject : "");
	auth_free(auth);
	return true;
}

static int run(const void *values, int argc, char **operands)
{
	const struct options *options = values;
	struct auth_places places = {0};
	struct sl_error err = {0};

	(void)argc;
	(void)operands;
	bool good = auth_places_find(options->compute_url, options->auth_url, &places, &err) &&
		    log_in(options, &places, &err) && report(options, &places, &err);
	auth_places_release(&places);
	return good ? sl_finish(0) : print_failure(&err);
}

const struct sl_command command_login = {
	.name = "login",
	.operands = "",
	.summary = "log in to Globus",
	.description =
		"Shows an address to open with a browser, on any machine, and reads the code that "
		"the\n"
		"page shows after the login from the terminal or standard input. The login is "
		"stored in\n"
		"login.json of the configuration folder and renewed by itself.\n\n"
		"It needs the id of a native client that you or your site registered with Globus. "
		"Without\n"
		"one, a login of 'globus-compute-endpoint login' is used where there is one.",
	.options = table,
	.size = sizeof(struct options),
	.min_operands = 0,
	.max_operands = 0,
	.run = run,
};
