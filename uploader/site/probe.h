// SPDX-License-Identifier: Apache-2.0
// Asking builder and runner what a site file has to say.
#ifndef SL_UPLOADER_SITE_PROBE_H
#define SL_UPLOADER_SITE_PROBE_H

#include "uploader/site/site.h"
#include "uploader/transport/post.h"

struct probe_place {
	const char *id;	    // "local" or a UUID; NULL: it is not asked
	const char *config; // its configuration file, or NULL
};

// What became of asking one of them.
struct probe_heard {
	struct sl_error agent, service; // SL_E_NONE: it answered, or was not asked
	char *agent_remedy, *service_remedy;
	struct sl_strings obstacles; // reasons for which nothing would be built there now
	bool ours; // its endpoint's template and schema are those of builder_template.h
};

// Whether the builder sees the folder that its configuration names as "path".
enum probe_drop { PROBE_DROP_NONE, PROBE_DROP_NOT_CHECKED, PROBE_DROP_SEEN, PROBE_DROP_NOT_SEEN };
const char *probe_drop_name(enum probe_drop drop); // "seen", …; NULL: no folder is named

struct probe {
	struct site site;
	struct probe_heard builder, runner;
	enum probe_drop drop;
	struct sl_error store; // why the store was not checked; SL_E_NONE: it was
	struct sl_strings gaps;
};
void probe_release(struct probe *probe);
#define auto_probe __attribute__((cleanup(probe_release)))

// Asks both at once: each agent for its host, the service for each endpoint, and, where both agents
// answer, whether an object that one task leaves with the builder is there for a task on the
// runner. A part of which nothing at all was heard fails it, with that kind; what else is missing
// is in `out->gaps`. After a failure the postman can only be freed.
bool probe_ask(struct postman *postman, const struct probe_place *builder,
	       const struct probe_place *runner, struct probe *out,
	       struct sl_error *err) SL_MUST_USE;

#endif
