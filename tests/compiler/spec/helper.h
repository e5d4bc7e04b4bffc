// SPDX-License-Identifier: Apache-2.0
// One spec read for one test.
#ifndef SL_TESTS_SPEC_HELPER_H
#define SL_TESTS_SPEC_HELPER_H

#include "compiler/spec/spec.h"
#include "tests/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#define GOOD                                                                     \
	"sealift: 1\nname: tide\nversion: 1.0.0\nbase: {localimage: base.sif}\n" \
	"target: {python: \"3.11.2\"}\nworker: none\n"

struct parsed {
	struct spec_report report;
	struct plan *plan;
	struct sl_error err;
};

static inline void parsed_release(struct parsed *parsed)
{
	spec_report_release(&parsed->report);
	plan_free(parsed->plan);
}
#define auto_parsed __attribute__((cleanup(parsed_release)))

static inline struct parsed parse_bytes(const char *text, size_t len)
{
	struct parsed parsed = {0};
	parsed.plan = spec_parse(text, len, "spec", &parsed.report, &parsed.err);
	return parsed;
}

static inline struct parsed parse(const char *text)
{
	return parse_bytes(text, strlen(text));
}

// The only problem of `text` is at line:column and begins with `message`.
static inline void assert_problem(const char *text, unsigned line, unsigned column,
				  const char *message)
{
	auto_parsed struct parsed parsed = parse(text);
	assert_null(parsed.plan);
	assert_int_equal(parsed.report.problems.len, 1);
	const struct spec_problem *problem = &parsed.report.problems.items[0];
	if (strncmp(problem->message, message, strlen(message)) != 0)
		assert_string_equal(problem->message, message);
	assert_int_equal(problem->line, line);
	assert_int_equal(problem->column, column);
}

#endif
