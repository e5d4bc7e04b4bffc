// SPDX-License-Identifier: Apache-2.0
// endpoint/config.yaml says what an endpoint of the worker's release needs.
#include "support.h"

#include "bundles/recipe/render.h"

#include <stdlib.h>

static char *config_for(const char *worker)
{
	auto_plan struct plan *plan = load_plan("pandas-uv");
	auto_lock struct lock *lock = load_lock("pandas-uv");
	sl_auto_buf struct sl_buf text;

	sl_buf_init(&text, SL_MIB);
	free(plan->worker_version);
	plan->worker_version = sl_strdup(worker);
	render_lines(plan, lock, render_config(plan), &text);
	return sl_buf_steal(&text, NULL);
}

static void follows_the_release(void **state)
{
	(void)state;
	static const struct {
		const char *worker;
		bool multi_user, engine;
	} cases[] = {
		{"4.19.0", false, false}, {"4.0.0", false, false}, {"4.0.0a1", false, false},
		{"3.16.1", true, false},  {"3.0.0", true, false},  {"3.0.0rc1", true, false},
		{"2.31.0", false, true},  {"2.2.0", false, true},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		sl_auto_free char *text = config_for(cases[i].worker);
		assert_non_null(strstr(text, "\ndisplay_name: \"my-pandas-image 1.0.0\"\n"));
		assert_non_null(strstr(text, cases[i].worker));
		if (!!strstr(text, "\nmulti_user: true\n") != cases[i].multi_user ||
		    !!strstr(text, "\nengine:\n  worker_mode: singularity_reuse\n") !=
			    cases[i].engine)
			fail_msg("%s: %s", cases[i].worker, text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_the_release),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
