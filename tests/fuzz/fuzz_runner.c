// SPDX-License-Identifier: Apache-2.0
// Whatever a service shows of an endpoint is compared without harm, and something is said of it.
#include "uploader/registration/runner_template.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_runner_findings struct runner_findings findings = {0};
	struct sl_error err = {0};
	sl_auto_buf struct sl_buf text = {0};
	sl_auto_json json_t *metadata = sl_json_load((const char *)data, size, "fuzz", &err);
	if (!metadata)
		return 0;
	struct runner_question question = {
		.metadata = metadata, .worker = "4.19.0", .image = "/srv/images/a.sif"};
	runner_compare(&question, &findings);
	sl_buf_init(&text, 64 * SL_MIB);
	runner_findings_markdown(&findings, &text);
	runner_findings_line(&findings, &text);
	sl_auto_json json_t *json = runner_findings_json(&findings);
	if (findings.len == 0 || json_array_size(json) != findings.len ||
	    json_object_size(findings.values) == 0 || strchr(text.data, '\033'))
		abort();
	return 0;
}
