// SPDX-License-Identifier: Apache-2.0
// Any bytes as a spec. What comes out as a plan must be one that the plan's own reader takes; what
// does not must have a reason that can be shown.
#include "compiler/spec/spec.h"

#include <assert.h>
#include <stdint.h>

static void check_plan(const struct plan *plan)
{
	struct sl_error err = {0};
	sl_auto_json json_t *json = plan_to_json(plan);
	auto_plan struct plan *again = plan_from_json(json, &err);
	assert(again);
	sl_auto_json json_t *second = plan_to_json(again);
	assert(json_equal(json, second));
}

static void check_problem(const struct spec_problem *problem, const char *text, size_t len)
{
	sl_auto_buf struct sl_buf out = {0};
	sl_buf_init(&out, SL_MIB);
	spec_problem_print(problem, text, len, "spec", &out);
	assert(out.len > 0 && !out.overflow && out.data[out.len - 1] == '\n');
	assert(sl_text_is_utf8(out.data, out.len) && problem->width > 0);
	assert((problem->line == 0) == (problem->column == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct spec_report report;
	struct sl_error err = {0};
	const char *text = (const char *)data;
	auto_plan struct plan *plan = spec_parse(text, size, "spec", &report, &err);
	assert((plan != NULL) == (report.problems.len == 0 && err.kind == SL_E_NONE));
	assert(report.problems.len <= SL_LIMIT_PROBLEMS);
	if (plan)
		check_plan(plan);
	sl_list_each (&report.problems, problem)
		check_problem(problem, text, size);
	spec_report_release(&report);
	return 0;
}
