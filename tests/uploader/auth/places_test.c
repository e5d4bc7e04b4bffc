// SPDX-License-Identifier: Apache-2.0
// Where the services are.
#include "tests/uploader/auth/logins.h"

static const struct {
	const char *environment, *compute, *auth;
} known[] = {
	{"", "https://compute.api.globus.org", "https://auth.globus.org"},
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

static int nothing_set(void **state)
{
	(void)state;
	logins_none("/nonexistent");
	return 0;
}

static void must_be(const char *compute_url, const char *auth_url, const char *compute,
		    const char *auth)
{
	struct auth_places places;
	struct sl_error err = {0};

	if (!auth_places_find(compute_url, auth_url, &places, &err))
		fail_msg("%s", err.text);
	assert_string_equal(places.compute, compute);
	if (auth)
		assert_string_equal(places.auth, auth);
	else
		assert_null(places.auth);
	auth_places_release(&places);
}

static void must_be_refused(const char *compute_url, const char *auth_url, const char *part)
{
	struct auth_places places;
	struct sl_error err = {0};

	assert_false(auth_places_find(compute_url, auth_url, &places, &err));
	must_fail(&err, SL_E_INPUT, part);
	assert_null(places.compute);
}

static void every_environment_has_its_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		setenv("GLOBUS_SDK_ENVIRONMENT", known[i].environment, 1);
		must_be(NULL, NULL, known[i].compute, known[i].auth);
	}
}

static void the_environment_is_remembered_by_name(void **state)
{
	struct auth_places places;
	struct sl_error err = {0};

	(void)state;
	setenv("GLOBUS_SDK_ENVIRONMENT", "preview", 1);
	assert_true(auth_places_find(NULL, NULL, &places, &err));
	assert_string_equal(places.environment, "preview");
	auth_places_release(&places);
}

static void t49_an_unknown_environment_is_not_production(void **state)
{
	(void)state;
	setenv("GLOBUS_SDK_ENVIRONMENT", "Production", 1);
	for (size_t i = 1; i < sizeof known / sizeof *known; i++)
		must_be_refused(NULL, NULL, known[i].environment);
	must_be_refused("https://c.example", NULL, "--auth-url");
	must_be_refused(NULL, "https://a.example", "--compute-url");
	must_be("https://c.example", "https://a.example", "https://c.example", "https://a.example");
	setenv("GLOBUS_SDK_ENVIRONMENT", "user/production", 1);
	must_be_refused("https://c.example", "https://a.example", "is not a name");
}

static void the_nearer_setting_wins(void **state)
{
	(void)state;
	setenv("GLOBUS_SDK_SERVICE_URL_AUTH", "https://from.variable/", 1);
	setenv("GLOBUS_SDK_SERVICE_URL_COMPUTE", "https://nobody.reads.this", 1);
	must_be(NULL, NULL, known[0].compute, "https://from.variable");
	must_be(NULL, "https://from.option", known[0].compute, "https://from.option");
	must_be("https://c.example", NULL, "https://c.example", "https://from.variable");
	setenv("GLOBUS_SDK_ENVIRONMENT", "local", 1);
	must_be(NULL, NULL, "http://localhost:5000", "https://from.variable");
}

static void slashes_at_the_end_are_dropped(void **state)
{
	(void)state;
	must_be("https://c.example/api//", "http://127.0.0.1:1/", "https://c.example/api",
		"http://127.0.0.1:1");
}

static void t87_what_is_no_address_is_refused_and_not_repeated(void **state)
{
	static const char *const bad[] = {
		"",
		"h",
		"https://",
		"http:///",
		"ftp://host",
		"host.example",
		"https://user:CANARY@host",
		"https://host/?token=CANARY",
		"https://host/#CANARY",
		"https://host /",
		"https://host\n",
		"https://h\xc3\xb6st",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		must_be_refused(bad[i], NULL, "--compute-url");
		must_be_refused(NULL, bad[i], "--auth-url");
		setenv("GLOBUS_SDK_SERVICE_URL_AUTH", bad[i], 1);
		if (bad[i][0])
			must_be_refused(NULL, NULL, "GLOBUS_SDK_SERVICE_URL_AUTH");
		unsetenv("GLOBUS_SDK_SERVICE_URL_AUTH");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(every_environment_has_its_row, nothing_set),
		cmocka_unit_test_setup(the_environment_is_remembered_by_name, nothing_set),
		cmocka_unit_test_setup(t49_an_unknown_environment_is_not_production, nothing_set),
		cmocka_unit_test_setup(the_nearer_setting_wins, nothing_set),
		cmocka_unit_test_setup(slashes_at_the_end_are_dropped, nothing_set),
		cmocka_unit_test_setup(t87_what_is_no_address_is_refused_and_not_repeated,
				       nothing_set),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
