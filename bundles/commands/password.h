// SPDX-License-Identifier: Apache-2.0
// Passwords of secret keys, from a file or the terminal, and the keys they open. Used by every
// command that makes or uses a key.
#ifndef COMMANDS_PASSWORD_H
#define COMMANDS_PASSWORD_H

#include "bundles/trust/trust.h"

// The first line of `file`, or, when `file` is NULL, what is typed at the terminal (no echo; asked
// again and compared if `twice`). SL_E_USAGE when there is no terminal to ask on. Owned: release
// with password_free(), which wipes it.
bool password_read(const char *file, const char *prompt, bool twice, char **password_out,
		   struct sl_error *err) SL_MUST_USE;
void password_free(char *password);

// Where `key new` puts a key and `compile` looks for one: sealift.key of the configuration folder.
bool key_default_path(char **path_out, struct sl_error *err) SL_MUST_USE;

// Loads a secret key, asking for its password if it has one. Warns on stderr when others can read
// the file. SL_E_IO names `sealift key new` when the key is missing.
bool password_load_key(const char *path, const char *password_file, struct secret_key **key_out,
		       struct sl_error *err) SL_MUST_USE;

#endif
