// SPDX-License-Identifier: Apache-2.0
// What releases of globus-compute-endpoint can do that decides how an image reaches their workers.
#ifndef SL_UPLOADER_COMPUTE_RELEASE_H
#define SL_UPLOADER_COMPUTE_RELEASE_H

#include <stdbool.h>

// Whether an endpoint of this version ran workers in the container that a function was registered
// with (`container_uuid`, the legacy container service): all before 3.0.0, where the engine that
// did so was removed (changelog of globus-compute-endpoint). False for NULL, and for what is no
// version.
bool release_takes_containers(const char *endpoint_version);

#endif
