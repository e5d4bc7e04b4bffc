// SPDX-License-Identifier: Apache-2.0
// Where a URL may lead.
#include "tests/cmocka_all.h"
#include "uploader/http/place.h"

#include <string.h>

static bool goes(const char *url, struct place *place)
{
	struct sl_error err = {0};
	bool good = place_find(url, place, &err);

	assert_int_equal(err.kind, good ? SL_E_NONE : SL_E_INPUT);
	return good;
}

static void t49_https_goes_anywhere_and_plain_http_stays_here(void **state)
{
	static const char *const good[] = {
		"https://compute.api.globus.org/v2",
		"https://10.0.0.1:8443/",
		"http://127.0.0.1:5000/v3",
		"http://127.255.3.4/",
		"http://localhost:5000",
		"http://LOCALHOST/",
		"http://[::1]:80/",
	};
	static const char *const bad[] = {
		"http://compute.api.globus.org/",
		"http://10.0.0.1/",
		"http://0.0.0.0/",
		"http://128.0.0.1/",
		"http://127.0.0.1.example.org/",
		"http://localhost.example.org/",
		"http://localhost./",
		"http://notlocalhost/",
		"http://[::2]/",
		"http://[::ffff:127.0.0.1]/",
		"ftp://localhost/",
		"file:///etc/passwd",
		"gopher://127.0.0.1/",
		"",
		"/v2/endpoints",
		"https://",
		"https://user:secret@example.org/",
		"http://user@127.0.0.1/",
		"https://exa mple.org/",
		"https://example.org:99999/",
		"https://example.org/\r\nX: y",
	};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct place place = {0};
		if (!goes(good[i], &place))
			fail_msg("'%s' was refused", good[i]);
		assert_int_equal(place.loopback, good[i][4] == ':');
		place_release(&place);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct place place = {0};
		if (goes(bad[i], &place))
			fail_msg("'%s' was let through", bad[i]);
	}
}

static void t48_loopback_is_a_whole_address(void **state)
{
	(void)state;
	assert_true(place_is_loopback("127.0.0.1"));
	assert_true(place_is_loopback("127.1.2.3"));
	assert_false(place_is_loopback("127"));
	assert_false(place_is_loopback("127.0.0.1x"));
	assert_false(place_is_loopback("1127.0.0.1"));
	assert_false(place_is_loopback("::1"));
	assert_false(place_is_loopback(""));
}

static void hosts_are_called_by_name_and_unusual_port(void **state)
{
	static const char *const pairs[][2] = {
		{"https://Example.ORG/path?token=x", "example.org"},
		{"https://example.org:443/", "example.org"},
		{"https://example.org:8443/", "example.org:8443"},
		{"http://127.0.0.1:5000/v2", "127.0.0.1:5000"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		struct place place = {0};
		assert_true(goes(pairs[i][0], &place));
		assert_string_equal(place.host, pairs[i][1]);
		place_release(&place);
	}
}

static void t87_a_refused_url_is_not_repeated(void **state)
{
	struct place place = {0};
	struct sl_error err = {0};

	(void)state;
	assert_false(place_find("https://user:canary@example.org/canary", &place, &err));
	assert_null(strstr(err.text, "canary"));
	sl_error_clear(&err);
	assert_false(place_find("ht!tp://canary", &place, &err));
	assert_null(strstr(err.text, "canary"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t49_https_goes_anywhere_and_plain_http_stays_here),
		cmocka_unit_test(t48_loopback_is_a_whole_address),
		cmocka_unit_test(hosts_are_called_by_name_and_unusual_port),
		cmocka_unit_test(t87_a_refused_url_is_not_repeated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
