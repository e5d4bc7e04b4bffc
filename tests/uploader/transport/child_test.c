// SPDX-License-Identifier: Apache-2.0
// What a child is given of us.
#include "uploader/transport/child.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on
#include <stdlib.h>
#include <string.h>

// The value of a variable in a child, "-" without one. Owned.
static char *variable_of_child(const char *name)
{
	sl_auto_free char *script = sl_format("echo \"${%s--}\"", name);
	char *argv[] = {(char *)"sh", (char *)"-c", script, NULL};
	struct child child;
	struct sl_error err = {0};
	char *line = NULL;
	size_t len;

	assert_true(child_start(&child, argv, &err));
	assert_true(child_line(&child, 60, &line, &len, &err));
	child_stop(&child);
	return line;
}

static void t87_a_child_hears_nothing_of_a_login(void **state)
{
	static const char *const names[] = {"GLOBUS_COMPUTE_CLIENT_SECRET",
					    "GLOBUS_COMPUTE_CLIENT_ID", "FUNCX_SDK_CLIENT_SECRET",
					    "SEALIFT_CLIENT_ID", "GLOBUS_ANYTHING_TOKEN"};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		setenv(names[i], "canary-0815", 1);
		sl_auto_free char *value = variable_of_child(names[i]);
		assert_string_equal(value, "-");
		assert_string_equal(getenv(names[i]), "canary-0815");
	}
}

static void what_has_nothing_to_do_with_logins_is_passed_on(void **state)
{
	(void)state;
	setenv("MODULEPATH", "/opt/modules", 1);
	setenv("https_proxy", "http://proxy.example:3128", 1);
	sl_auto_free char *path = variable_of_child("MODULEPATH");
	sl_auto_free char *proxy = variable_of_child("https_proxy");
	assert_string_equal(path, "/opt/modules");
	assert_string_equal(proxy, "http://proxy.example:3128");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t87_a_child_hears_nothing_of_a_login),
		cmocka_unit_test(what_has_nothing_to_do_with_logins_is_passed_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
