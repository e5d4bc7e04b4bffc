// SPDX-License-Identifier: Apache-2.0
// What today's Globus Compute endpoints want to know before their workers run inside an image: a
// template that takes the image's path, a schema that says what may be passed, and the values. The
// first two are the bundle's own, as they were signed; the values come from the receipt.
//
// The engine splits the finished launch line at white space and takes quotes away: a path that
// would need quoting cannot be started at all, and is refused here rather than there.
#include "uploader/registration/endpoint_config.h"

#include <string.h>

static const char readme_head[] =
	"# %s %s\n"
	"\n"
	"The image was built from bundle\n"
	"`%s`\n"
	"and lies on the builder's host at\n"
	"`%s`.\n"
	"`receipt.json` says how it was built, by which versions, and what is in it.\n";

static const char readme_worker[] =
	"\n"
	"## For the operator of the endpoint, once\n"
	"\n"
	"A new endpoint whose workers run inside images:\n"
	"\n"
	"    globus-compute-endpoint configure NAME \\\n"
	"        --template-config user_config_template.yaml.j2 --schema-config "
	"user_config_schema.json\n"
	"    globus-compute-endpoint start NAME\n"
	"\n"
	"An endpoint that exists already: put the lines from `{% if image is defined %}` to the "
	"`{% endif %}`\n"
	"after it under `engine:` of its own `user_config_template.yaml.j2` (its engine must be\n"
	"GlobusComputeEngine), allow `image`, `container_type` and `options` in its\n"
	"`user_config_schema.json`, and restart it. It then serves every image, not only this one. "
	"The image\n"
	"must lie where the compute nodes see it, readable by the accounts that the workers run "
	"under.\n"
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

static const char readme_no_worker[] = "\n"
				       "It carries no Globus Compute worker (`worker: none` in its "
				       "spec), so an endpoint cannot run tasks in\n"
				       "it. Use it with Apptainer:\n"
				       "\n"
				       "    apptainer run %s\n";

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
				   "._+@:=,/-";

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
			"of letters, digits and . _ + @ : = , / - only; move the builder's "
			"store",
			shown);
		return NULL;
	}
	return path;
}

bool registration_image(const struct registration *registration, char **path_out,
			struct sl_error *err)
{
	sl_auto_json json_t *receipt =
		sl_json_load(registration->receipt, strlen(registration->receipt), "receipt", err);
	const char *image = receipt ? find_image(receipt, registration, err) : NULL;

	*path_out = image ? sl_strdup(image) : NULL;
	return image != NULL;
}

static char *render_values(const json_t *given, const char *image)
{
	sl_auto_json json_t *own = json_object();

	sl_json_set_string(own, "image", image);
	sl_auto_free char *text = json_dumps(given ? given : own, JSON_INDENT(2) | JSON_SORT_KEYS);
	return sl_format("%s\n", text);
}

static char *render_readme(const struct registration *registration, const char *image)
{
	char bundle[SL_DIGEST_HEX + 1];
	sl_auto_buf struct sl_buf text;

	sl_buf_init(&text, SL_MIB);
	sl_digest_hex(&registration->bundle, bundle);
	sl_buf_addf(&text, readme_head, registration->name, registration->version, bundle, image);
	if (registration->template)
		sl_buf_adds(&text, readme_worker);
	else
		sl_buf_addf(&text, readme_no_worker, image);
	if (registration->notes)
		sl_buf_addf(&text, "\n%s", registration->notes);
	return sl_buf_steal(&text, NULL);
}

bool endpoint_config_render(const struct registration *registration, struct registration_files *out,
			    struct sl_error *err)
{
	sl_auto_free char *image = NULL;

	*out = (struct registration_files){0};
	if (!registration_image(registration, &image, err))
		return false;
	add(out, "README.md", render_readme(registration, image));
	add(out, "receipt.json", sl_strdup(registration->receipt));
	add(out, "user_endpoint_config.json", render_values(registration->values, image));
	if (registration->template) {
		add(out, "user_config_template.yaml.j2", sl_strdup(registration->template));
		add(out, "user_config_schema.json", sl_strdup(registration->schema));
	}
	return true;
}
