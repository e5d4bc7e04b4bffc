// SPDX-License-Identifier: Apache-2.0
// Another program that signs: for keys that never leave a token. specs/signatures.md, "Signers".
//
// The sandbox forbids to start programs, so a helper process is started before it is installed. It
// waits for one thing to sign, runs the program on it, and hands back what that wrote; when nobody
// asks, it ends with the process that started it.
#ifndef COMMANDS_SIGNER_H
#define COMMANDS_SIGNER_H

#include "bundles/base/error.h"

struct signer {
	int to, from; // the helper's ends; -1 = not started
};

// `command` is a path, or a name looked for in PATH. Nothing is run yet. To be called before the
// sandbox is installed and before any thread starts.
bool signer_start(const char *command, struct signer *out, struct sl_error *err) SL_MUST_USE;

// Runs `COMMAND COMMENT`, with the message on its standard input, and returns what it writes to its
// standard output: at most SL_LIMIT_SIGNATURE bytes, owned. Once for each signer. SL_E_IO when the
// program cannot be started or fails.
bool signer_sign(const struct signer *signer, const char *comment, const void *message, size_t len,
		 char **text_out, size_t *len_out, struct sl_error *err) SL_MUST_USE;

#endif
