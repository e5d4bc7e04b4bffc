// SPDX-License-Identifier: Apache-2.0
// PKCE and the address of a login; redeeming a code is tested with the program (login_test.py).
#include "tests/uploader/auth/logins.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#define AUTH "https://auth.example.org"
#define BEGINNING                                                                  \
	AUTH "/v2/oauth2/authorize?client_id=" CLIENT                              \
	     "&redirect_uri=https%3A%2F%2Fauth.example.org%2Fv2%2Fweb%2Fauth-code" \
	     "&scope=openid%20https%3A%2F%2Fauth.globus.org%2Fscopes%2F"           \
	     "facd7ccc-c5f4-42aa-916b-a0e270e2c2a9%2Fall"

static const struct auth_places places = {(char[]){"production"},
					  (char[]){"https://compute.example.org"}, (char[]){AUTH}};

static struct auth_flow *begin(const struct auth_demand *demand)
{
	struct auth_flow *flow = NULL;
	struct sl_error err = {0};

	if (!auth_flow_begin(&places, CLIENT, demand, &flow, &err))
		fail_msg("%s", err.text);
	return flow;
}

// RFC 7636, appendix B.
static void the_challenge_is_that_of_the_standard(void **state)
{
	sl_auto_free char *challenge =
		pkce_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");

	(void)state;
	assert_string_equal(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

static void the_address_is_that_of_the_protocol(void **state)
{
	static const char rest[] = "&state=_default&response_type=code&code_challenge=";
	static const char end[] = "&code_challenge_method=S256&access_type=offline";
	struct auth_flow *flow = begin(NULL);
	const char *url = auth_flow_url(flow);

	(void)state;
	assert_int_equal(strncmp(url, BEGINNING, strlen(BEGINNING)), 0);
	url += strlen(BEGINNING);
	assert_int_equal(strncmp(url, rest, strlen(rest)), 0);
	url += strlen(rest);
	assert_int_equal(strspn(url, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789-_"),
			 43);
	assert_string_equal(url + 43, end);
	auth_flow_free(flow);
}

static void what_is_demanded_is_escaped_into_it(void **state)
{
	struct auth_demand demand = {
		.mfa = true, .message = (char[]){"why & how?"}, .prompt = (char[]){"login"}};

	(void)state;
	sl_strings_add(&demand.scopes, "urn:a[b c]");
	sl_strings_add(&demand.identities, "a@b.org");
	sl_strings_add(&demand.identities, "c+d#e");
	sl_strings_add(&demand.domains, "b.org");
	sl_strings_add(&demand.policies, "p&client_id=evil");
	struct auth_flow *flow = begin(&demand);
	const char *url = auth_flow_url(flow);
	assert_non_null(strstr(url, "%2Fall%20urn%3Aa%5Bb%20c%5D&state="));
	static const char *const parts[] = {
		"&session_required_identities=a%40b.org%2Cc%2Bd%23e",
		"&session_required_single_domain=b.org",
		"&session_required_policies=p%26client_id%3Devil",
		"&session_required_mfa=True",
		"&session_message=why%20%26%20how%3F",
		"&prompt=login",
	};
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		assert_non_null(strstr(url, parts[i]));
	assert_null(strchr(url, ' '));
	auth_flow_free(flow);
	demand.message = demand.prompt = NULL;
	auth_demand_release(&demand);
}

static void no_two_logins_have_the_same_verifier(void **state)
{
	struct auth_flow *one = begin(NULL), *other = begin(NULL);

	(void)state;
	assert_string_not_equal(auth_flow_url(one), auth_flow_url(other));
	auth_flow_free(one);
	auth_flow_free(other);
}

static void t87_whoever_holds_a_verifier_leaves_no_core(void **state)
{
	struct auth_flow *flow = begin(NULL);
	struct rlimit limit;

	(void)state;
	assert_int_equal(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
	assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
	assert_true(limit.rlim_cur == 0 && limit.rlim_max == 0);
	auth_flow_free(flow);
}

static void without_a_client_or_a_service_there_is_no_login(void **state)
{
	const struct auth_places nowhere = {places.environment, places.compute, NULL};
	struct auth_flow *flow = NULL;
	struct sl_error err = {0};

	(void)state;
	assert_false(auth_flow_begin(&places, NULL, NULL, &flow, &err));
	must_fail(&err, SL_E_USAGE, AUTH "/v2/web/auth-code");
	assert_non_null(strstr(err.text, "--client-id"));
	sl_error_clear(&err);
	assert_false(auth_flow_begin(&places, "me", NULL, &flow, &err));
	must_fail(&err, SL_E_USAGE, "UUID");
	sl_error_clear(&err);
	assert_false(auth_flow_begin(&nowhere, CLIENT, NULL, &flow, &err));
	must_fail(&err, SL_E_INPUT, "--auth-url");
	assert_null(flow);
	auth_flow_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_challenge_is_that_of_the_standard),
		cmocka_unit_test(the_address_is_that_of_the_protocol),
		cmocka_unit_test(what_is_demanded_is_escaped_into_it),
		cmocka_unit_test(no_two_logins_have_the_same_verifier),
		cmocka_unit_test(t87_whoever_holds_a_verifier_leaves_no_core),
		cmocka_unit_test(without_a_client_or_a_service_there_is_no_login),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
