// SPDX-License-Identifier: Apache-2.0
// What an agent on another machine says: its answers, and the receipt that a registration is made
// of.
#include "uploader/registration/endpoint_config.h"
#include "uploader/transport/answer.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void as_answer(const char *text, size_t len)
{
	struct sl_error err = {0};
	sl_auto_json json_t *answer = answer_parse(text, len, &err);

	if (!answer) {
		if (err.kind == SL_E_NONE)
			abort();
		return;
	}
	const char *hint = transport_hint(answer);
	if (answer_check(answer, &err) != (err.kind == SL_E_NONE) || (hint && !hint[0]))
		abort();
}

static void as_receipt(const char *text)
{
	auto_registration_files struct registration_files files = {0};
	struct sl_error err = {0};
	struct registration registration = {
		.name = "name", .version = "1.0", .receipt = text, .template = "t", .schema = "{}"};

	memset(&registration.bundle, 0xab, sizeof registration.bundle);
	if (endpoint_config_render(&registration, &files, &err) != (err.kind == SL_E_NONE))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	sl_auto_free char *text = sl_strndup((const char *)data, size);

	as_answer((const char *)data, size);
	as_receipt(text);
	return 0;
}
