// SPDX-License-Identifier: Apache-2.0
// Reading what an agent answered.
#ifndef SL_UPLOADER_TRANSPORT_ANSWER_H
#define SL_UPLOADER_TRANSPORT_ANSWER_H

#include "uploader/transport/transport.h"

// Parses one answer. NULL when it is none (SL_E_FORMAT).
json_t *answer_parse(const char *text, size_t len, struct sl_error *err) SL_MUST_USE;
// False with the agent's own kind and message unless the answer says "ok".
bool answer_check(const json_t *answer, struct sl_error *err) SL_MUST_USE;

#endif
