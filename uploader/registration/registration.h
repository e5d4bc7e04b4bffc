// SPDX-License-Identifier: Apache-2.0
// Making a built image usable: what the operator of the runner and the researcher need.
#ifndef SL_UPLOADER_REGISTRATION_H
#define SL_UPLOADER_REGISTRATION_H

#include "bundles/base/base.h"

struct registration {
	const char *name, *version; // of the bundle
	struct sl_digest bundle;
	const char *receipt; // canonical JSON text; its "image" names the file on the endpoint
	const char *template,
		*schema;      // of the bundle's endpoint/; both NULL: the image has no worker
	const char *folder;   // the registration appears in <folder>/NAME-VERSION
	const json_t *values; // user_endpoint_config.json; NULL: the image, as the template has it
	const char *notes;    // Markdown at the end of README.md, or NULL
};

// The path of the image that the receipt names. Owned. SL_E_FORMAT when the receipt names no image,
// or is for another bundle; SL_E_INPUT when an endpoint could not start a container from it.
bool registration_image(const struct registration *registration, char **path_out,
			struct sl_error *err) SL_MUST_USE;

// The driver "endpoint-config": writes user_config_template.yaml.j2 and user_config_schema.json as
// the bundle has them, user_endpoint_config.json, receipt.json and README.md into one new folder,
// which appears whole or not at all. The same registration again changes nothing; one of the same
// bundle with another receipt is replaced as a whole; a folder of that name that is anything else
// is left alone (SL_E_INPUT). `*path_out` is the folder (owned). A signal that would end the
// process ends it between two of these states. SL_E_FORMAT when the receipt names no image.
bool registration_write(const struct registration *registration, char **path_out,
			struct sl_error *err) SL_MUST_USE;

// The parent that is used without --out: <data>/registrations. Owned.
bool registration_default_folder(char **path_out, struct sl_error *err) SL_MUST_USE;

#endif
