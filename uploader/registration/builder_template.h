// SPDX-License-Identifier: Apache-2.0
// What a builder endpoint needs beside `allowed_functions` (specs/agent.md, "Enforcement"): a
// template in which nothing that a submitter says is run, and the schema that closes the list of
// what may be said.
#ifndef SL_UPLOADER_BUILDER_TEMPLATE_H
#define SL_UPLOADER_BUILDER_TEMPLATE_H

extern const char builder_template[]; // user_config_template.yaml.j2
extern const char builder_schema[];   // user_config_schema.json

#endif
