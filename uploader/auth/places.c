// SPDX-License-Identifier: Apache-2.0
// Where the services are.
#include "uploader/auth/private.h"

static const struct row {
	const char *environment, *compute, *auth; // auth: NULL where nobody knows one
} rows[] = {
	{"production", "https://compute.api.globus.org", "https://auth.globus.org"},
	{"preview", "https://compute.api.preview.globus.org", "https://auth.preview.globus.org"},
	{"sandbox", "https://compute.api.sandbox.globuscs.info",
	 "https://auth.sandbox.globuscs.info"},
	{"test", "https://compute.api.test.globuscs.info", "https://auth.test.globuscs.info"},
	{"integration", "https://compute.api.integration.globuscs.info",
	 "https://auth.integration.globuscs.info"},
	{"staging", "https://compute.api.staging.globuscs.info",
	 "https://auth.staging.globuscs.info"},
	{"dev", "https://api.dev.funcx.org", NULL},
	{"local", "http://localhost:5000", NULL},
};

static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value && value[0] ? value : NULL;
}

static const struct row *find_row(const char *environment)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(rows[i].environment, environment) == 0)
			return &rows[i];
	return NULL;
}

// It is a part of names in the SDK's database.
static bool is_name(const char *text)
{
	return strlen(text) <= 64 &&
	       text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				 "._-")] == '\0';
}

// Says which setting is wrong and not what stands there: it may hold a password.
static bool clean(const char *url, const char *setting, char **out, struct sl_error *err)
{
	size_t len = strlen(url);
	bool plain = strncmp(url, "http://", 7) == 0;
	const char *host = url + (plain ? 7 : 8);

	while (len > 0 && url[len - 1] == '/')
		len--;
	if ((!plain && strncmp(url, "https://", 8) != 0) || url + len <= host || *host == '/' ||
	    strpbrk(url, "?#@ \\\"") || !sl_text_is_ascii_printable(url))
		return sl_fail(err, SL_E_INPUT,
			       "%s is not the address of a service: https://HOST[:PORT], without "
			       "user name and query",
			       setting);
	*out = sl_strndup(url, len);
	return true;
}

static bool fill(const char *compute_url, const char *auth_url, struct auth_places *out,
		 struct sl_error *err)
{
	const struct row *row = find_row(out->environment);
	const char *own_auth = auth_url ? auth_url : variable("GLOBUS_SDK_SERVICE_URL_AUTH");
	const char *compute = compute_url ? compute_url : row ? row->compute : NULL;
	const char *auth = own_auth ? own_auth : row ? row->auth : NULL;

	if (!compute || (!row && !auth))
		return sl_fail(err, SL_E_INPUT,
			       "GLOBUS_SDK_ENVIRONMENT names no known environment: production, "
			       "preview, sandbox, test, integration, staging, dev or local; for "
			       "another one, give --compute-url and --auth-url");
	return clean(compute, "--compute-url", &out->compute, err) &&
	       (!auth || clean(auth, auth_url ? "--auth-url" : "GLOBUS_SDK_SERVICE_URL_AUTH",
			       &out->auth, err));
}

bool auth_places_find(const char *compute_url, const char *auth_url, struct auth_places *out,
		      struct sl_error *err)
{
	const char *environment = variable("GLOBUS_SDK_ENVIRONMENT");

	*out = (struct auth_places){0};
	if (!environment)
		environment = "production";
	if (!is_name(environment))
		return sl_fail(err, SL_E_INPUT, "GLOBUS_SDK_ENVIRONMENT is not a name");
	out->environment = sl_strdup(environment);
	if (fill(compute_url, auth_url, out, err))
		return true;
	auth_places_release(out);
	return false;
}

void auth_places_release(struct auth_places *places)
{
	free(places->environment);
	free(places->compute);
	free(places->auth);
	*places = (struct auth_places){0};
}

bool auth_is_uuid(const char *text)
{
	static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if (strlen(text) != sizeof shape - 1)
		return false;
	for (size_t i = 0; i < sizeof shape - 1; i++)
		if (shape[i] == '-' ? text[i] != '-' : !strchr("0123456789abcdefABCDEF", text[i]))
			return false;
	return true;
}
