// SPDX-License-Identifier: Apache-2.0
// Read by Jinja and then by YAML; strings of a submitter would come as quoted YAML, but there are
// none.
// `_GC` holds the endpoint's own values since 4.x; before, they had names of their own.
#include "uploader/registration/builder_template.h"

#include <string.h>

const char builder_template[] =
	"# For an endpoint that runs nothing but the agent of sealift (allowed_functions). "
	"Whatever\n"
	"# submitters may set here must not reach a shell, a scheduler or the command line of a\n"
	"# container, or they can run something else as this account and build as they like: no\n"
	"# worker_init, scheduler_options, image or container options of theirs.\n"
	"{% set who = _GC.mapped_identity if _GC is defined else mapped_identity %}\n"
	"heartbeat_period: 30\n"
	"idle_heartbeats_soft: 10\n"
	"engine:\n"
	"  type: GlobusComputeEngine\n"
	"  address: 127.0.0.1\n"
	"  max_workers_per_node: {{ threads|default(2) }}\n"
	"  # Reading arguments in any other form would run what they hold, before the agent sees "
	"them.\n"
	"  allowed_serializers:\n"
	"    - globus_compute_sdk.serialize.PureSourceTextInspect\n"
	"    - globus_compute_sdk.serialize.JSONData\n"
	"  job_status_kwargs:\n"
	"    strategy_period: 1\n"
	"  provider:\n"
	"    type: LocalProvider\n"
	"    init_blocks: 1\n"
	"    min_blocks: 0\n"
	"    max_blocks: 1\n"
	"    # \"quota_each\" of site.json goes by this: the identity that was mapped to the "
	"account.\n"
	"    worker_init: export SEALIFT_SUBMITTER={{ who.globus.id }}\n";

const char builder_schema[] =
	"{\n"
	"  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
	"  \"title\": \"user_endpoint_config of a builder that runs nothing but the agent of "
	"sealift\",\n"
	"  \"type\": \"object\",\n"
	"  \"additionalProperties\": false,\n"
	"  \"properties\": {\n"
	"    \"threads\": { \"type\": \"integer\", \"minimum\": 1, \"maximum\": 64 }\n"
	"  }\n"
	"}\n";

static size_t trimmed_len(const char *text)
{
	size_t len = strlen(text);

	while (len > 0 && strchr(" \t\r\n", text[len - 1]))
		len--;
	return len;
}

bool builder_files_are_ours(const char *template, const json_t *schema)
{
	if (!template || !schema)
		return false;
	size_t len = trimmed_len(template);
	if (len != trimmed_len(builder_template) || memcmp(template, builder_template, len) != 0)
		return false;
	sl_auto_json json_t *own = json_loads(builder_schema, 0, NULL);
	return json_equal(own, schema);
}
