// SPDX-License-Identifier: Apache-2.0
#include "uploader/compute/release.h"

#include "bundles/packaging/version.h"

#include <string.h>

bool release_takes_containers(const char *endpoint_version)
{
	if (!endpoint_version)
		return false;
	auto_version struct version *version =
		version_try(endpoint_version, strlen(endpoint_version));
	auto_version struct version *removed = version_try("3.0.0.dev0", 10);

	return version && version_compare(version, removed) < 0;
}
