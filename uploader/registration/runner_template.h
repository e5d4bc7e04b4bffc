// SPDX-License-Identifier: Apache-2.0
// What stands between a built image and the runner's endpoint: its version, its template and its
// schema against what the bundle needs (specs/registration.md, "The runner's own template").
//
// The template is the operator's Jinja and YAML, read here as text: what is said to be missing is
// missing, or stands there in a way that this reader does not see; nothing is ever rendered.
#ifndef SL_UPLOADER_RUNNER_TEMPLATE_H
#define SL_UPLOADER_RUNNER_TEMPLATE_H

#include "bundles/base/base.h"

#define RUNNER_LIMIT_TEMPLATE (1 * SL_MIB)

struct runner_question {
	const json_t *metadata; // the answer of compute_endpoint()
	const char *template,	// the bundle's own, of endpoint/
		*schema;
	const char *worker; // the version of globus-compute-endpoint in the image
	const char *image;  // its path on the runner
};

enum runner_rule {
	RUNNER_VERSION,	 // the worker's against the endpoint's
	RUNNER_TEMPLATE, // that there is one
	RUNNER_ENGINE,	 // that its engine runs containers
	RUNNER_IMAGE,	 // that it takes the image's path
	RUNNER_VALUES,	 // that it needs nothing else
	RUNNER_SCHEMA,	 // that its schema accepts the values
};
const char *runner_rule_name(enum runner_rule rule); // "version", …

enum runner_verdict { RUNNER_FITS, RUNNER_LACKS, RUNNER_NOT_CHECKED };
const char *runner_verdict_name(enum runner_verdict verdict); // "fits", "lacks", "not-checked"

struct runner_finding {
	enum runner_rule rule;
	enum runner_verdict verdict;
	char *sentence; // lower case, no full stop
	char *lines;	// to be added to the runner's template; NULL = none
};

struct runner_findings {
	struct runner_finding *items;
	size_t len, cap;
	json_t *values; // the user_endpoint_config that this runner wants, in its own names
};
void runner_findings_release(struct runner_findings *findings);
#define auto_runner_findings __attribute__((cleanup(runner_findings_release)))

// Fills `out` with at least one finding (release it).
void runner_compare(const struct runner_question *question, struct runner_findings *out);

// The worst of them: lacks, else not checked, else fits.
enum runner_verdict runner_overall(const struct runner_findings *findings);

// Appends them in Markdown, for README.md; as one line for a table; and as an array of objects of
// rule, verdict, sentence and lines (owned).
void runner_findings_markdown(const struct runner_findings *findings, struct sl_buf *out);
void runner_findings_line(const struct runner_findings *findings, struct sl_buf *out);
json_t *runner_findings_json(const struct runner_findings *findings);

// Whether a worker can serve an endpoint: NULL, or a clause that says why not (owned). Texts that
// are no versions fit nothing.
char *runner_worker_mismatch(const char *endpoint, const char *worker);

#endif
