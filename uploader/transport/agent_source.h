// SPDX-License-Identifier: Apache-2.0
// uploader/agent/sealift_agent.py, byte for byte, put into the program by the build.
#ifndef SL_UPLOADER_TRANSPORT_AGENT_SOURCE_H
#define SL_UPLOADER_TRANSPORT_AGENT_SOURCE_H

#include <stddef.h>

extern const unsigned char agent_source[];
extern const size_t agent_source_len;

#endif
