// SPDX-License-Identifier: Apache-2.0
// A child process that we talk to by lines, through three pipes that are never allowed to fill up.
#ifndef SL_UPLOADER_TRANSPORT_CHILD_H
#define SL_UPLOADER_TRANSPORT_CHILD_H

#include "bundles/base/base.h"

struct child {
	pid_t pid;	     // 0 once it has been reaped
	int in, out, err;    // our ends; -1 when closed
	struct sl_buf heard; // from its stdout, not yet taken
	char said[512];	     // the last of its stderr
	size_t said_len;
	int status; // of waitpid, once reaped
};

// Starts `argv` (found by PATH) with our environment, but for what is about logins (GLOBUS_…,
// FUNCX_…, SEALIFT_CLIENT_…). SL_E_IO when it cannot be started.
bool child_start(struct child *child, char *const argv[], struct sl_error *err) SL_MUST_USE;

// Writes all of it while reading what the child says meanwhile. SL_E_NETWORK when nothing moved for
// `seconds`, or with a sentence about its end when the child is gone. If the child has closed
// its input but left a line, that is no failure here: the line says why.
bool child_send(struct child *child, const void *data, size_t len, unsigned seconds,
		struct sl_error *err) SL_MUST_USE;

// Waits for a line and hands it out without its newline (owned). SL_E_LIMIT past `ceiling` bytes.
bool child_line(struct child *child, unsigned seconds, char **line_out, size_t *len_out,
		struct sl_error *err) SL_MUST_USE;

// Closes the pipes, gives it a moment to end by itself, then ends it; reaps it. A zeroed or
// never started child is fine.
void child_stop(struct child *child);

#endif
