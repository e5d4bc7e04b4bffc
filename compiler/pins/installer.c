// SPDX-License-Identifier: Apache-2.0
#include "compiler/pins/installer.h"

static const struct wheel_file *newest(const struct wheelhouse *house, const char *name)
{
	size_t len;
	const struct wheel_file *wheel = wheelhouse_find(house, name, &len);
	const struct wheel_file *prerelease = NULL;
	for (size_t i = 0; i < len; i++) {
		if (wheel[i].rank < 0)
			continue;
		if (!version_is_prerelease(wheel[i].name.version))
			return &wheel[i]; // the list is sorted best first
		if (!prerelease)
			prerelease = &wheel[i];
	}
	return prerelease;
}

const struct wheel_file *installer_choose(const struct wheelhouse *house, enum pip_installer choice)
{
	const struct wheel_file *uv = choice == PIP_INSTALLER_PIP ? NULL : newest(house, "uv");
	if (uv || choice == PIP_INSTALLER_UV)
		return uv;
	return newest(house, "pip");
}
