// SPDX-License-Identifier: Apache-2.0
// What who submits can run through an endpoint's template (specs/agent.md, "Enforcement").
#ifndef SL_UPLOADER_TEMPLATE_RUNS_H
#define SL_UPLOADER_TEMPLATE_RUNS_H

#include "bundles/base/base.h"

// The names that `template` takes from submitters and hands to a shell, a scheduler or a container,
// as far as text tells; each once, added to `out`. None seen is no proof that there is none.
void template_runs(const char *template, struct sl_strings *out);

// Whether the service, not the submitter, says what is behind a name.
bool template_name_is_given(const char *name);

#endif
