// SPDX-License-Identifier: Apache-2.0
// A site file that is accepted is written and read again as the same site; the same bytes as an
// agent's answer and as a service's are heard without harm.
#include "uploader/site/site.h"

#include <string.h>

static void check_hearing(const uint8_t *data, size_t size)
{
	auto_site struct site site = {0};
	struct sl_error err = {0}, other = {0}, parse = {0};
	sl_auto_buf struct sl_buf text = {0};
	struct sl_strings gaps = {0};
	sl_auto_json json_t *json = sl_json_load((const char *)data, size, "fuzz", &parse);
	if (!json)
		return;
	site.builder.id = sl_strdup("local");
	site.runner.id = sl_strdup("local");
	if (!site_hear_agent(&site.builder, json, &err))
		site.builder.host_known = false;
	if (!site_hear_agent(&site.runner, json, &other))
		site.runner.host_known = false;
	if (!site_hear_service(&site.runner, json, json_object_get(json, "values"), &other))
		site.runner.endpoint_known = false;
	site_gaps(&site, &gaps);
	sl_strings_release(&gaps);
	sl_buf_init(&text, 2 * SITE_LIMIT_FILE);
	if (!site_format(&site, &text, &err) && err.kind == SL_E_INTERNAL)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_site struct site site, again = {0};
	struct sl_error err = {0};
	sl_auto_buf struct sl_buf first = {0}, second = {0};
	check_hearing(data, size);
	sl_buf_init(&first, 2 * SITE_LIMIT_FILE);
	sl_buf_init(&second, 2 * SITE_LIMIT_FILE);
	if (!site_parse((const char *)data, size, "fuzz", &site, &err))
		return 0;
	if (!site_format(&site, &first, &err))
		return 0; // escapes made it larger than the limit
	if (!site_parse(first.data, first.len, "again", &again, &err) ||
	    !site_format(&again, &second, &err) || strcmp(first.data, second.data) != 0)
		abort();
	return 0;
}
