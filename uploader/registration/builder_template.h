// SPDX-License-Identifier: Apache-2.0
// What a builder endpoint needs beside `allowed_functions` (specs/agent.md, "Enforcement"): a
// template in which nothing that a submitter says is run, and the schema that closes the list of
// what may be said.
#ifndef SL_UPLOADER_BUILDER_TEMPLATE_H
#define SL_UPLOADER_BUILDER_TEMPLATE_H

#include "bundles/base/base.h"

extern const char builder_template[]; // user_config_template.yaml.j2
extern const char builder_schema[];   // user_config_schema.json

// Whether an endpoint's files are these: white space at the end of the template and the spelling of
// the schema's JSON do not count. NULL = the endpoint has none. Of any other files only who has
// made them can say that nothing of a submitter's is run; no text is searched for what might.
bool builder_files_are_ours(const char *template, const json_t *schema);

#endif
