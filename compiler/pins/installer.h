// SPDX-License-Identifier: Apache-2.0
// The installer that travels with the wheels: the newest pip or uv of the wheelhouse.
#ifndef PINS_INSTALLER_H
#define PINS_INSTALLER_H

#include "compiler/pins/wheelhouse.h"

// The wheel for the plan's choice (auto: uv where one fits, else pip), or NULL. Stable releases
// only, unless there are none.
const struct wheel_file *installer_choose(const struct wheelhouse *house,
					  enum pip_installer choice);

#endif
