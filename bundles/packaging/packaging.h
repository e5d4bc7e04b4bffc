// SPDX-License-Identifier: Apache-2.0
// The Python packaging grammar: versions, specifiers, markers, requirements, names, tags, wheels
// and requirements files, read exactly as the reference implementation does. Pure text in, values
// out.
#ifndef SL_PACKAGING_H
#define SL_PACKAGING_H

#include "bundles/packaging/marker.h"
#include "bundles/packaging/metadata.h"
#include "bundles/packaging/name.h"
#include "bundles/packaging/requirement.h"
#include "bundles/packaging/requirements_txt.h"
#include "bundles/packaging/specifier.h"
#include "bundles/packaging/tags.h"
#include "bundles/packaging/version.h"
#include "bundles/packaging/wheel.h"

#endif
