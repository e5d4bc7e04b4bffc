// SPDX-License-Identifier: Apache-2.0
// Demands for another login, in every form that services use, and what only looks like one.
#include "tests/uploader/auth/logins.h"

static bool take(const char *text, struct auth_demand *out)
{
	json_t *body = json_loads(text, JSON_DECODE_ANY, NULL);

	assert_non_null(body);
	bool found = auth_demand_read(body, out);
	json_decref(body);
	return found;
}

static void must_be(const struct sl_strings *list, const char *joined)
{
	sl_auto_buf struct sl_buf text;

	sl_buf_init(&text, SL_MIB);
	for (size_t i = 0; i < list->len; i++)
		sl_buf_addf(&text, "%s%s", i ? "|" : "", list->items[i]);
	assert_string_equal(text.data, joined);
}

static void must_be_none(const char *text)
{
	struct auth_demand demand = {0};

	if (take(text, &demand))
		fail_msg("taken for a demand: %s", text);
	assert_null(demand.scopes.items);
	assert_null(demand.identities.items);
	assert_null(demand.message);
}

#define PARAMETERS                                                                     \
	"\"authorization_parameters\":{\"session_message\":\"be careful\","            \
	"\"session_required_identities\":[\"a\",\"b\"],\"session_required_policies\":" \
	"[\"p\"],\"session_required_single_domain\":[\"x.org\",\"y.org\"],"            \
	"\"session_required_mfa\":true,\"required_scopes\":[\"s\"],\"prompt\":\"login\"}"

static void must_have_all(const char *text)
{
	struct auth_demand demand;

	if (!take(text, &demand))
		fail_msg("no demand: %s", text);
	must_be(&demand.scopes, "s");
	must_be(&demand.identities, "a|b");
	must_be(&demand.policies, "p");
	must_be(&demand.domains, "x.org|y.org");
	assert_true(demand.mfa);
	assert_string_equal(demand.prompt, "login");
	assert_string_equal(demand.message, "be careful");
	auth_demand_release(&demand);
}

static void the_form_of_today_is_read(void **state)
{
	(void)state;
	must_have_all("{\"code\":\"AuthorizationRequired\"," PARAMETERS "}");
	must_have_all("{\"errors\":[{\"code\":\"X\"},{\"code\":\"Y\"," PARAMETERS "}]}");
	must_have_all("{\"code\":3,\"errors\":[7,{\"code\":\"Y\"," PARAMETERS "}]}");
}

static void older_forms_are_read(void **state)
{
	struct auth_demand demand;

	(void)state;
	must_have_all("{" PARAMETERS "}");
	must_have_all("{\"code\":null," PARAMETERS "}");
	assert_true(take("{\"reason\":\"why\",\"authorization_parameters\":{"
			 "\"session_required_single_domain\":\"x.org,,y.org\","
			 "\"session_required_policies\":\"p,q\",\"session_message\":null}}",
			 &demand));
	must_be(&demand.domains, "x.org|y.org");
	must_be(&demand.policies, "p|q");
	assert_false(demand.mfa);
	assert_string_equal(demand.message, "why");
	auth_demand_release(&demand);
}

static void consent_is_read(void **state)
{
	static const char *const texts[] = {
		"{\"code\":\"ConsentRequired\",\"required_scopes\":[\"s\"]}",
		"{\"code\":\"ConsentRequired\",\"required_scope\":\"s\"}",
		"{\"errors\":[{\"code\":\"ConsentRequired\",\"required_scopes\":[\"s\"]}]}",
		("{\"error\":\"dependent_consent_required\",\"errors\":[{\"unapproved_scopes\":"
		 "[\"s\"]}]}"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct auth_demand demand;
		assert_true(take(texts[i], &demand));
		must_be(&demand.scopes, "s");
		must_be(&demand.identities, "");
		assert_false(demand.mfa);
		auth_demand_release(&demand);
	}
}

static void the_first_that_matches_wins(void **state)
{
	struct auth_demand demand;

	(void)state;
	assert_true(take("{\"code\":\"ConsentRequired\",\"required_scopes\":[\"s\"],\"errors\":[{"
			 "\"code\":\"ConsentRequired\",\"required_scopes\":[\"t\"]}]}",
			 &demand));
	must_be(&demand.scopes, "s");
	auth_demand_release(&demand);
}

static void what_only_looks_like_one_is_none(void **state)
{
	static const char *const texts[] = {
		"[]",
		"\"ConsentRequired\"",
		"{}",
		"{\"errors\":{}}",
		"{\"code\":\"PERMISSION_DENIED\",\"reason\":\"no\"}",
		"{\"code\":\"ConsentRequired\"}",
		"{\"code\":\"ConsentRequired\",\"required_scopes\":[]}",
		"{\"code\":\"ConsentRequired\",\"required_scopes\":[1]}",
		"{\"error\":\"dependent_consent_required\"}",
		"{\"code\":3," PARAMETERS "}",
		"{\"authorization_parameters\":[]}",
		"{\"authorization_parameters\":{\"session_required_mfa\":\"yes\"}}",
		"{\"authorization_parameters\":{\"required_scopes\":[\"s\",null]}}",
		"{\"authorization_parameters\":{\"session_message\":7}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		must_be_none(texts[i]);
}

static void a_list_without_end_is_none(void **state)
{
	sl_auto_buf struct sl_buf list, joined;

	(void)state;
	sl_buf_init(&list, SL_MIB);
	sl_buf_init(&joined, SL_MIB);
	sl_buf_adds(&list, "{\"authorization_parameters\":{\"required_scopes\":[\"s\"");
	sl_buf_adds(&joined, "{\"authorization_parameters\":{\"session_required_policies\":\"s");
	for (size_t i = 0; i < 64; i++) {
		sl_buf_adds(&list, ",\"s\"");
		sl_buf_adds(&joined, ",s");
	}
	sl_buf_adds(&list, "]}}");
	sl_buf_adds(&joined, "\"}}");
	must_be_none(list.data);
	must_be_none(joined.data);
}

static void the_description_ends_with_the_login_that_helps(void **state)
{
	struct auth_demand demand;

	(void)state;
	assert_true(take("{" PARAMETERS "}", &demand));
	sl_auto_free char *text = auth_demand_describe(&demand);
	auth_demand_release(&demand);
	static const char *const parts[] = {
		"consent to s",	   "one of a, b",  "identity of x.org, y.org", "policies p",
		"a second factor", "(be careful)", ": sealift-upload login",
	};
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		assert_non_null(strstr(text, parts[i]));
	static const char *const options[] = {"--scope=s",	"--identity=a", "--identity=b",
					      "--domain=x.org", "--policy=p",	"--mfa"};
	const char *login = strstr(text, "sealift-upload login");
	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		assert_non_null(strstr(login, options[i]));
}

static void what_a_shell_would_take_for_a_command_is_no_option(void **state)
{
	struct auth_demand demand;

	(void)state;
	assert_true(take("{\"authorization_parameters\":{\"session_required_identities\":"
			 "[\"a'; rm -rf ~'\"]}}",
			 &demand));
	sl_auto_free char *text = auth_demand_describe(&demand);
	auth_demand_release(&demand);
	assert_null(strstr(strstr(text, "sealift-upload login"), "rm"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_form_of_today_is_read),
		cmocka_unit_test(older_forms_are_read),
		cmocka_unit_test(consent_is_read),
		cmocka_unit_test(the_first_that_matches_wins),
		cmocka_unit_test(what_only_looks_like_one_is_none),
		cmocka_unit_test(a_list_without_end_is_none),
		cmocka_unit_test(the_description_ends_with_the_login_that_helps),
		cmocka_unit_test(what_a_shell_would_take_for_a_command_is_no_option),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
