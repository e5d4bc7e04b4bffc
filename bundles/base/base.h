// SPDX-License-Identifier: Apache-2.0
// The base layer as one include. It knows nothing of bundles.
#ifndef SL_BASE_H
#define SL_BASE_H

#include "bundles/base/alloc.h"
#include "bundles/base/buf.h"
#include "bundles/base/digest.h"
#include "bundles/base/error.h"
#include "bundles/base/fs.h"
#include "bundles/base/interrupt.h"
#include "bundles/base/json.h"
#include "bundles/base/log.h"
#include "bundles/base/options.h"
#include "bundles/base/output.h"
#include "bundles/base/parallel.h"
#include "bundles/base/progress.h"
#include "bundles/base/sandbox.h"
#include "bundles/base/text.h"
#include "bundles/limits.h"

#endif
