// SPDX-License-Identifier: Apache-2.0
// What is unusual about a builder or a runner while an answer is awaited: an endpoint that is
// offline, a service that is silent. It is no failure yet, and may pass.
#include "uploader/commands/work.h"

#include <string.h>

#define NOTHING_TO_DO                                                                 \
	"nothing is lost: this run goes on by itself once that is over, and a later " \
	"'sealift-upload run' does so, too"

static bool write_down(struct work *work, const char *note, struct sl_error *err)
{
	struct sl_error why = {0};

	if (!note)
		return ledger_note(work->ledger, work->row.number, NULL, NULL, err);
	sl_fail(&why, SL_E_NETWORK, "%s", note);
	return ledger_note(work->ledger, work->row.number, &why, NOTHING_TO_DO, err);
}

bool work_notice(struct work *work, const char **news_out, struct sl_error *err)
{
	const char *note = work->out && !work->back ? work->at->note : NULL;

	*news_out = NULL;
	if (note ? work->noticed && strcmp(note, work->noticed) == 0 : !work->noticed)
		return true;
	free(work->noticed);
	work->noticed = note ? sl_strdup(note) : NULL;
	*news_out = note ? work->noticed : "";
	return write_down(work, note, err);
}
