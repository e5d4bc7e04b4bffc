// SPDX-License-Identifier: Apache-2.0
// The endpoint bootstrap: what an endpoint whose workers run in the image needs, as text with
// @NAME@-like places for values of the plan. Those values have grammars that need no quoting in
// YAML strings, JSON strings, Python strings, shell words and Markdown code.
#include "bundles/packaging/version.h"
#include "bundles/recipe/render.h"

#include <string.h>

// clang-format off
static const char *const config_lines[] = {
	"# Globus Compute endpoint @WORKER@ for the image @NAME@ @VERSION@.\n",
	"# How workers run stands in user_config_template.yaml.j2; here is only the endpoint itself.\n",
	"display_name: \"@NAME@ @VERSION@\"\n",
	NULL,
};

// Only from 4.0 on is an endpoint with a template one that starts others.
static const char *const config_3_lines[] = {
	"# Globus Compute endpoint @WORKER@ for the image @NAME@ @VERSION@.\n",
	"# How workers run stands in user_config_template.yaml.j2; here is only the endpoint itself.\n",
	"display_name: \"@NAME@ @VERSION@\"\n",
	"multi_user: true\n",
	NULL,
};

// The engine of 2.x has another name in 2.2 than in later ones, and is the one without any.
static const char *const config_2_lines[] = {
	"# Globus Compute endpoint @WORKER@ for the image @NAME@ @VERSION@.\n",
	"# Functions that were registered with the id of a container run in that container.\n",
	"display_name: \"@NAME@ @VERSION@\"\n",
	"detach_endpoint: false\n",
	"engine:\n",
	"  worker_mode: singularity_reuse\n",
	"  scheduler_mode: soft\n",
	"  container_type: singularity\n",
	"  max_workers_per_node: 1\n",
	"  address: 127.0.0.1\n",
	"  provider:\n",
	"    type: LocalProvider\n",
	"    init_blocks: 1\n",
	"    min_blocks: 0\n",
	"    max_blocks: 1\n",
	NULL,
};

static const char *const template_lines[] = {
	"# One template for plain tasks and for workers inside an image. A user says in\n",
	"# user_endpoint_config what is wanted, within user_config_schema.json:\n",
	"#   image              absolute path of a SIF on the machine of the workers\n",
	"#   container_type     apptainer (default) or singularity\n",
	"#   options            further arguments for `apptainer run`, such as \"--nv --bind /scratch\"\n",
	"#   workers            workers on each node (default 1)\n",
	"#   idle_heartbeats    heartbeats without a task before the workers end (default 10)\n",
	"#   partition          a Slurm partition: workers run in batch jobs; without it, on this machine\n",
	"#   account, walltime, nodes, scheduler_options, worker_init: of these jobs\n",
	"heartbeat_period: 30\n",
	"idle_heartbeats_soft: {{ idle_heartbeats|default(10) }}\n",
	"engine:\n",
	"  type: GlobusComputeEngine\n",
	"  max_workers_per_node: {{ workers|default(1) }}\n",
	"  {% if image is defined %}\n",
	"  container_type: {{ container_type|default('\"apptainer\"') }}\n",
	"  container_uri: {{ image }}\n",
	"  container_cmd_options: {{ options|default('\"\"') }}\n",
	"  {% endif %}\n",
	"  {% if partition is defined %}\n",
	"  provider:\n",
	"    type: SlurmProvider\n",
	"    partition: {{ partition }}\n",
	"    {% if account is defined %}\n",
	"    account: {{ account }}\n",
	"    {% endif %}\n",
	"    walltime: {{ walltime|default('\"01:00:00\"') }}\n",
	"    nodes_per_block: {{ nodes|default(1) }}\n",
	"    scheduler_options: {{ scheduler_options|default('\"\"') }}\n",
	"    worker_init: {{ worker_init|default('\"\"') }}\n",
	"    launcher:\n",
	"      type: SrunLauncher\n",
	"    init_blocks: 0\n",
	"    min_blocks: 0\n",
	"    max_blocks: 1\n",
	"  {% else %}\n",
	"  address: 127.0.0.1\n",
	"  job_status_kwargs:\n",
	"    strategy_period: 1\n",
	"  provider:\n",
	"    type: LocalProvider\n",
	"    init_blocks: 1\n",
	"    min_blocks: 0\n",
	"    max_blocks: 1\n",
	"  {% endif %}\n",
	NULL,
};

static const char *const schema_lines[] = {
	"{\n",
	"  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n",
	"  \"title\": \"user_endpoint_config of @NAME@ @VERSION@\",\n",
	"  \"type\": \"object\",\n",
	"  \"additionalProperties\": false,\n",
	"  \"properties\": {\n",
	"    \"image\": {\n",
	"      \"type\": \"string\",\n",
	"      \"description\": \"absolute path of a SIF on the machine of the workers\",\n",
	"      \"pattern\": \"^/[A-Za-z0-9._/+=@,:~-]+$\",\n",
	"      \"not\": { \"pattern\": \"\\\\s\" },\n",
	"      \"maxLength\": 4096\n",
	"    },\n",
	"    \"container_type\": { \"enum\": [\"apptainer\", \"singularity\"] },\n",
	"    \"options\": {\n",
	"      \"type\": \"string\",\n",
	"      \"pattern\": \"^[A-Za-z0-9 ._/:,=@+-]*$\",\n",
	"      \"not\": { \"pattern\": \"\\\\n\" },\n",
	"      \"maxLength\": 4096\n",
	"    },\n",
	"    \"workers\": { \"type\": \"integer\", \"minimum\": 1, \"maximum\": 1024 },\n",
	"    \"idle_heartbeats\": { \"type\": \"integer\", \"minimum\": 0, \"maximum\": 100000 },\n",
	"    \"partition\": { \"type\": \"string\", \"pattern\": \"^[A-Za-z0-9._,-]+$\", \"maxLength\": 255 },\n",
	"    \"account\": { \"type\": \"string\", \"pattern\": \"^[A-Za-z0-9._-]+$\", \"maxLength\": 255 },\n",
	"    \"walltime\": { \"type\": \"string\", \"pattern\": \"^([0-9]+-)?[0-9]{1,3}:[0-9]{2}:[0-9]{2}$\" },\n",
	"    \"nodes\": { \"type\": \"integer\", \"minimum\": 1, \"maximum\": 100000 },\n",
	"    \"scheduler_options\": { \"type\": \"string\", \"maxLength\": 4096 },\n",
	"    \"worker_init\": { \"type\": \"string\", \"maxLength\": 16384 }\n",
	"  },\n",
	"  \"dependentRequired\": {\n",
	"    \"container_type\": [\"image\"],\n",
	"    \"options\": [\"image\"],\n",
	"    \"account\": [\"partition\"],\n",
	"    \"walltime\": [\"partition\"],\n",
	"    \"nodes\": [\"partition\"],\n",
	"    \"scheduler_options\": [\"partition\"],\n",
	"    \"worker_init\": [\"partition\"]\n",
	"  }\n",
	"}\n",
	NULL,
};

static const char *const legacy_lines[] = {
	"\"\"\"Configuration of an old endpoint (globus-compute-endpoint 2.x) for the image @NAME@ @VERSION@.\n",
	"\n",
	"Endpoints since 3.0 do not read this file: for them there are config.yaml and\n",
	"user_config_template.yaml.j2. With an old one, functions that were registered with a\n",
	"container_id run in the image that was registered under it; see `singularity_reuse`.\n",
	"\"\"\"\n",
	"\n",
	"from globus_compute_endpoint.endpoint.utils.config import Config\n",
	"from globus_compute_endpoint.executors import HighThroughputExecutor\n",
	"from parsl.providers import LocalProvider\n",
	"\n",
	"config = Config(\n",
	"    display_name=\"@NAME@ @VERSION@\",\n",
	"    executors=[\n",
	"        HighThroughputExecutor(\n",
	"            address=\"127.0.0.1\",\n",
	"            max_workers_per_node=1,\n",
	"            worker_mode=\"singularity_reuse\",\n",
	"            scheduler_mode=\"soft\",\n",
	"            container_type=\"singularity\",\n",
	"            container_cmd_options=\"\",\n",
	"            provider=LocalProvider(init_blocks=1, min_blocks=0, max_blocks=1),\n",
	"        )\n",
	"    ],\n",
	")\n",
	NULL,
};

static const char *const by_hand_lines[] = {
	"# Building @NAME@ @VERSION@ by hand\n",
	"\n",
	"All that a build needs is in the bundle: `image.def` is complete, and no line of it\n",
	"comes from anywhere but `plan.json` and `lock.json`.\n",
	"\n",
	"## With sealift\n",
	"\n",
	"```sh\n",
	"sealift verify @NAME@-@VERSION@.sealift\n",
	"sealift extract @NAME@-@VERSION@.sealift -C build\n",
	"cd build\n",
	"apptainer build --force --fakeroot @NAME@-@VERSION@.sif.new image.def\n",
	"mv @NAME@-@VERSION@.sif.new @NAME@-@VERSION@.sif\n",
	"```\n",
	"\n",
	"`image.def` names its inputs by paths relative to this folder, so the build has to be\n",
	"started in it. Build to another name first: a build that is interrupted leaves a broken\n",
	"file. With `\"--mksquashfs-args=-comp zstd -Xcompression-level 3\"` it takes a fraction of\n",
	"the time, where Apptainer or squashfuse of the workers reads zstd. If it stops with a\n",
	"message about `faked` or `GLIBC_`, add `--ignore-fakeroot-command`.\n",
	"\n",
	"## Without sealift\n",
	"\n",
	"A bundle is a tar file, and its signature is one of minisign:\n",
	"\n",
	"```sh\n",
	"mkdir build && cd build\n",
	"tar -xf ../@NAME@-@VERSION@.sealift\n",
	"minisign -V -p KEY.pub -m manifest.json -x signatures/prepare.minisig\n",
	"jq -r '.content.sha256 + \"  content.tar.zst\"' manifest.json | sha256sum -c\n",
	"zstd -dc content.tar.zst | tar -x\n",
	"jq -r '(.files[] | .sha256 + \"  \" + .name),\n",
	"       (.blobs[] | .sha256 + \"  blobs/sha256/\" + .sha256)' manifest.json | sha256sum -c --quiet\n",
	"```\n",
	"\n",
	"After these lines the folder is the same as the one that `sealift extract` writes.\n",
	"\n",
	"## Using the image\n",
	"\n",
	"```sh\n",
	"apptainer run @NAME@-@VERSION@.sif python3 -c 'import sys; print(sys.version)'\n",
	"apptainer test @NAME@-@VERSION@.sif\n",
	"apptainer inspect @NAME@-@VERSION@.sif    # labels: org.sealift.bundle is sha256 of manifest.json\n",
	"```\n",
	NULL,
};
// clang-format on

static bool before(const struct version *version, const char *release)
{
	auto_version struct version *other = version_try(release, strlen(release));

	return version_compare(version, other) < 0;
}

const char *const *render_config(const struct plan *plan)
{
	const char *worker = plan->worker_version;
	auto_version struct version *version = version_try(worker, strlen(worker));

	if (version && before(version, "3.0.0.dev0"))
		return config_2_lines;
	return version && before(version, "4.0.0.dev0") ? config_3_lines : config_lines;
}

const struct render_file *render_endpoint_files(size_t *len_out)
{
	static const struct render_file files[] = {
		{"endpoint/BUILD-BY-HAND.md", false, by_hand_lines},
		{"endpoint/example_config.py", true, legacy_lines},
		{"endpoint/user_config_schema.json", true, schema_lines},
		{"endpoint/user_config_template.yaml.j2", true, template_lines},
	};
	*len_out = sizeof files / sizeof *files;
	return files;
}

static const char *value_of(const struct plan *plan, const struct render_facts *facts,
			    const char *name, size_t len)
{
	const struct {
		const char *name, *value;
	} values[] = {
		{"NAME", plan->name},
		{"VERSION", plan->version},
		{"MINOR", facts->minor},
		{"WORKER", plan->worker_version},
	};
	for (size_t i = 0; i < sizeof values / sizeof *values; i++)
		if (strlen(values[i].name) == len && memcmp(values[i].name, name, len) == 0)
			return values[i].value;
	return NULL;
}

static void render_line(const struct plan *plan, const struct render_facts *facts, const char *line,
			struct sl_buf *out)
{
	while (*line) {
		size_t plain = strcspn(line, "@");
		sl_buf_add(out, line, plain);
		line += plain;
		if (!*line)
			return;
		size_t len = strcspn(line + 1, "@");
		const char *value = line[1 + len] ? value_of(plan, facts, line + 1, len) : NULL;
		if (value)
			sl_buf_adds(out, value);
		else
			sl_buf_addc(out, '@');
		line += value ? len + 2 : 1;
	}
}

void render_lines(const struct plan *plan, const struct lock *lock, const char *const *lines,
		  struct sl_buf *out)
{
	struct render_facts facts = render_facts(plan, lock);
	for (; *lines; lines++)
		render_line(plan, &facts, *lines, out);
}
