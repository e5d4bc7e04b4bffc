// SPDX-License-Identifier: Apache-2.0
// What today's Globus Compute endpoints want to know before their workers run inside an image: a
// template that takes the image's path, a schema that says what may be passed, and the values.
//
// The endpoint puts values into the template as JSON strings, so the template has no quotes of its
// own. The engine splits the finished launch line at white space and takes quotes away: a path that
// would need quoting cannot be started at all, and is refused here rather than there.
#include "uploader/registration/endpoint_config.h"

#include <string.h>

static const char template_text[] =
	"{#- A user endpoint template that runs workers inside an image when one is named:\n"
	"    Executor(ENDPOINT, user_endpoint_config={\"image\": \"/path/to/image.sif\"}).\n"
	"    Without \"image\" it is a plain endpoint. On a cluster, put its provider in place of\n"
	"    LocalProvider, and an address that the compute nodes can reach. -#}\n"
	"idle_heartbeats_soft: 120\n"
	"engine:\n"
	"  type: GlobusComputeEngine\n"
	"  address: 127.0.0.1\n"
	"  max_workers_per_node: {{ workers|default(1) }}\n"
	"  {%- if image is defined %}\n"
	"  container_type: apptainer\n"
	"  container_uri: {{ image }}\n"
	"  container_cmd_options: {{ options|default('\"\"') }}\n"
	"  {%- endif %}\n"
	"  provider:\n"
	"    type: LocalProvider\n"
	"    init_blocks: 1\n"
	"    min_blocks: 0\n"
	"    max_blocks: 1\n";

static const char schema_text[] =
	"{\n"
	"  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
	"  \"type\": \"object\",\n"
	"  \"properties\": {\n"
	"    \"image\": {\n"
	"      \"description\": \"absolute path of the image, as the endpoint sees it\",\n"
	"      \"type\": \"string\",\n"
	"      \"pattern\": \"^/[A-Za-z0-9._+@:=,%/-]+$\"\n"
	"    },\n"
	"    \"options\": {\n"
	"      \"description\": \"options of 'apptainer run', such as --bind or --unsquash\",\n"
	"      \"type\": \"string\",\n"
	"      \"pattern\": \"^[A-Za-z0-9._+@:=,%/ -]*$\"\n"
	"    },\n"
	"    \"workers\": {\n"
	"      \"description\": \"workers on each node\",\n"
	"      \"type\": \"integer\",\n"
	"      \"minimum\": 1\n"
	"    }\n"
	"  },\n"
	"  \"additionalProperties\": false\n"
	"}\n";

static const char readme_text[] =
	"# %s %s\n"
	"\n"
	"The image was built from bundle\n"
	"`%s`\n"
	"and lies on the endpoint's host at\n"
	"`%s`.\n"
	"`receipt.json` says how it was built, by which versions, and what is in it.\n"
	"\n"
	"## For the operator of the endpoint, once\n"
	"\n"
	"A new endpoint that can run workers inside images:\n"
	"\n"
	"    globus-compute-endpoint configure NAME \\\n"
	"        --template-config user_config_template.yaml.j2 --schema-config "
	"user_config_schema.json\n"
	"    globus-compute-endpoint start NAME\n"
	"\n"
	"An endpoint that exists already: put the five lines from `{%%- if image is defined %%}` "
	"to\n"
	"`{%%- endif %%}` under `engine:` of its own `user_config_template.yaml.j2` (its engine "
	"must be\n"
	"GlobusComputeEngine), allow `image` and `options` in its `user_config_schema.json`, and "
	"restart it.\n"
	"The image must be readable by the accounts that the workers run under. The same two files "
	"serve\n"
	"every image.\n"
	"\n"
	"To see what the endpoint will make of it, without starting anything:\n"
	"\n"
	"    globus-compute-endpoint render-user-config -t user_config_template.yaml.j2 \\\n"
	"        -s user_config_schema.json -o user_endpoint_config.json\n"
	"\n"
	"## For the researcher\n"
	"\n"
	"    import json\n"
	"    from globus_compute_sdk import Executor\n"
	"\n"
	"    with open(\"user_endpoint_config.json\") as file:\n"
	"        config = json.load(file)\n"
	"    with Executor(endpoint_id=\"…\", user_endpoint_config=config) as executor:\n"
	"        print(executor.submit(function, argument).result())\n"
	"\n"
	"`options` may be added to the configuration where the image needs them: `--bind FOLDER` "
	"when the\n"
	"endpoint's folder is not below the home directory, `--unsquash` where users may not use\n"
	"`/dev/fuse`.\n";

void registration_files_release(struct registration_files *files)
{
	sl_list_each (files, file)
		free(file->text);
	sl_list_release(files);
}

// Takes over `text`.
static void add(struct registration_files *files, const char *name, char *text)
{
	*sl_list_add(files) = (struct registration_file){name, text};
}

static bool path_can_be_started(const char *path)
{
	static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				   "._+@:=,%/-";

	return path[0] == '/' && path[1] && path[strspn(path, good)] == '\0';
}

// Borrowed from the receipt.
static const char *find_image(const json_t *receipt, const struct registration *registration,
			      struct sl_error *err)
{
	const char *path =
		json_string_value(json_object_get(json_object_get(receipt, "image"), "path"));
	const char *id = json_string_value(json_object_get(receipt, "bundle"));
	struct sl_digest bundle;

	if (!id || !sl_digest_parse(id, &bundle) ||
	    !sl_digest_equal(&bundle, &registration->bundle)) {
		sl_fail(err, SL_E_FORMAT, "the receipt is for another bundle");
		return NULL;
	}
	if (!path) {
		sl_fail(err, SL_E_FORMAT, "the receipt names no image");
		return NULL;
	}
	if (!path_can_be_started(path)) {
		sl_auto_free char *shown = sl_text_shown(path);
		sl_fail(err, SL_E_INPUT,
			"an endpoint cannot start containers from '%s': its path must be absolute "
			"and "
			"of letters, digits and . _ + @ : = , %% / - only; move the builder's "
			"store",
			shown);
		return NULL;
	}
	return path;
}

static char *render_values(const char *image)
{
	sl_auto_json json_t *values = json_object();

	sl_json_set_string(values, "image", image);
	sl_auto_free char *text = json_dumps(values, JSON_INDENT(2));
	return sl_format("%s\n", text);
}

static char *render_readme(const struct registration *registration, const char *image)
{
	char bundle[SL_DIGEST_HEX + 1];

	sl_digest_hex(&registration->bundle, bundle);
	return sl_format(readme_text, registration->name, registration->version, bundle, image);
}

bool endpoint_config_render(const struct registration *registration, struct registration_files *out,
			    struct sl_error *err)
{
	sl_auto_json json_t *receipt =
		sl_json_load(registration->receipt, strlen(registration->receipt), "receipt", err);

	*out = (struct registration_files){0};
	const char *image = receipt ? find_image(receipt, registration, err) : NULL;
	if (!image)
		return false;
	add(out, "README.md", render_readme(registration, image));
	add(out, "receipt.json", sl_strdup(registration->receipt));
	add(out, "user_config_schema.json", sl_strdup(schema_text));
	add(out, "user_config_template.yaml.j2", sl_strdup(template_text));
	add(out, "user_endpoint_config.json", render_values(image));
	return true;
}
