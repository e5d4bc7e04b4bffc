// SPDX-License-Identifier: Apache-2.0
// The texts of the registration driver "endpoint-config".
#ifndef SL_UPLOADER_REGISTRATION_ENDPOINT_CONFIG_H
#define SL_UPLOADER_REGISTRATION_ENDPOINT_CONFIG_H

#include "uploader/registration/registration.h"

struct registration_file {
	const char *name;
	char *text; // owned
};

struct registration_files {
	struct registration_file *items;
	size_t len, cap;
};

// Fills `out` (release it in either case). SL_E_FORMAT when the receipt names no image, or one for
// another bundle; SL_E_INPUT when an endpoint could not start a container from the image's path.
bool endpoint_config_render(const struct registration *registration, struct registration_files *out,
			    struct sl_error *err) SL_MUST_USE;
void registration_files_release(struct registration_files *files);
#define auto_registration_files __attribute__((cleanup(registration_files_release)))

#endif
