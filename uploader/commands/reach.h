// SPDX-License-Identifier: Apache-2.0
// The options that say where the services are and who we are towards them: the same for every
// command that may speak to Globus.
#ifndef SL_UPLOADER_COMMANDS_REACH_H
#define SL_UPLOADER_COMMANDS_REACH_H

#include "bundles/base/options.h"
#include "uploader/transport/post.h"

#include <stddef.h>

// For a table of options of `type`, whose member `member` is a struct postman_options.
#define REACH_OPTIONS(type, member)                                                        \
	{"compute-url", 0,                                                                 \
	 SL_OPT_STRING, offsetof(type, member.compute_url),                                \
	 "URL",		"where Globus Compute is (default: by GLOBUS_SDK_ENVIRONMENT)"},   \
		{"auth-url",	0,                                                         \
		 SL_OPT_STRING, offsetof(type, member.auth_url),                           \
		 "URL",		"where Globus Auth is"},                                   \
	{                                                                                  \
		"token-file", 0, SL_OPT_STRING, offsetof(type, member.token_file), "FILE", \
			"take the access token from FILE (0600) instead of a login"        \
	}

#endif
