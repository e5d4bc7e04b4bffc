// SPDX-License-Identifier: Apache-2.0
// The site file, NAME.site.json: what a preparer without a network has to know of builder and
// runner (specs/site.md is the law, specs/site.schema.json its schema).
//
// It holds nothing secret: of proxies only that there are some, of a login nothing at all.
#ifndef SL_UPLOADER_SITE_H
#define SL_UPLOADER_SITE_H

#include "bundles/base/base.h"

#define SITE_LIMIT_FILE (256 * SL_KIB)
#define SITE_LIMIT_TEXT 4096
#define SITE_LIMIT_LIST 256

// A host, as its agent describes it. Texts are never NULL; "" is "not known", or "not there".
struct site_host {
	char *name, *machine, *kernel, *glibc, *python;
	char *worker, *sdk, *parsl; // of the Python that runs tasks
	char *apptainer, *apptainer_version;
	char *store, *store_kind; // folder, file system
	char *policy;		  // the policy's file
	bool enforced;
	bool user_namespaces, subids, setuid_starter;
	bool zstd_writes;
	struct sl_strings zstd_readers;
	bool module_system;
	struct sl_strings modules, proxies; // names
};

enum site_template { SITE_TEMPLATE_UNKNOWN, SITE_TEMPLATE_NONE, SITE_TEMPLATE_THERE };

// Of an endpoint of Globus Compute, as the service describes it.
struct site_endpoint {
	char *name, *version, *python; // "" as above
	enum site_template template;
	json_t *values; // the default user_endpoint_config; NULL = none
};

struct site_part {
	char *id;			 // "local" or a UUID; NULL: the part is not there
	bool host_known, endpoint_known; // at least one of them
	struct site_host host;
	struct site_endpoint endpoint;
};

enum site_store { SITE_STORE_NOT_CHECKED, SITE_STORE_SHARED, SITE_STORE_NOT_SHARED };
const char *site_store_name(enum site_store store); // "not-checked", "shared", "not-shared"

struct site {
	int64_t probed; // seconds since 1970
	struct site_part builder, runner;
	enum site_store store; // whether they have the same one
};
void site_release(struct site *site);
#define auto_site __attribute__((cleanup(site_release)))

// Owned. As it is written: indented, keys sorted, ASCII.
json_t *site_to_json(const struct site *site);
bool site_format(const struct site *site, struct sl_buf *out, struct sl_error *err) SL_MUST_USE;

// Reads one, in canonical or any other spelling of JSON. SL_E_INPUT names the value that is wrong;
// SL_E_LIMIT. Release `out` in either case.
bool site_parse(const char *text, size_t len, const char *name, struct site *out,
		struct sl_error *err) SL_MUST_USE;
bool site_load(const char *path, struct site *out, struct sl_error *err) SL_MUST_USE;
// Whole or not at all; an older file is replaced.
bool site_save(const struct site *site, const char *path, struct sl_error *err) SL_MUST_USE;

// ---- from what others said -----------------------------------------------------------------

// The answer of an agent to "probe". What a newer agent says beyond is passed over, what an older
// one does not say stays unknown. SL_E_FORMAT when it is no such answer.
bool site_hear_agent(struct site_part *part, const json_t *answer,
		     struct sl_error *err) SL_MUST_USE;
// The answer of compute_endpoint(), and what the configuration file passes to it (NULL = nothing).
bool site_hear_service(struct site_part *part, const json_t *metadata, const json_t *values,
		       struct sl_error *err) SL_MUST_USE;

// What a preparer cannot know by this file, or cannot have there: sentences, added to `out`.
void site_gaps(const struct site *site, struct sl_strings *out);

bool site_reads_zstd(const struct site_host *host);

#endif
