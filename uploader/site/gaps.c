// SPDX-License-Identifier: Apache-2.0
// What a preparer cannot know from a site, or cannot have there.
#include "uploader/site/site.h"

#include "uploader/compute/release.h"

#include <string.h>

// Takes over `sentence`.
static void add(struct sl_strings *out, char *sentence)
{
	sl_strings_add(out, sentence);
	free(sentence);
}

static void check_builder(const struct site_part *part, struct sl_strings *out)
{
	const struct site_host *host = &part->host;

	// What would keep it from building at all, the agent itself says (obstacles).
	if (part->host_known && !host->zstd_writes)
		add(out, sl_strdup("the builder's mksquashfs does not write zstd: images are "
				   "compressed with gzip, which takes minutes"));
}

static void check_endpoint(const struct site_endpoint *endpoint, struct sl_strings *out)
{
	if (!endpoint->version[0])
		add(out, sl_strdup("the service does not tell the runner's version: ask its "
				   "operator, since worker.version must be just that"));
	if (endpoint->template == SITE_TEMPLATE_NONE)
		add(out, sl_strdup("the runner has no template, so it takes no image: its "
				   "operator gives it the one of a bundle's registration"));
	if (endpoint->template != SITE_TEMPLATE_UNKNOWN)
		return;
	if (release_takes_containers(endpoint->version))
		add(out, sl_strdup("a runner before 3.0.0 takes an image only by the container "
				   "service: add bundles with --container-service"));
	else
		add(out, sl_strdup("the service does not show whether the runner has a template"));
}

static void check_worker(const struct site_part *part, struct sl_strings *out)
{
	const struct site_host *host = &part->host;
	const char *version = part->endpoint.version;

	if (!host->worker[0]) {
		add(out, sl_strdup("the runner's tasks see no globus-compute-endpoint, so its "
				   "Parsl is not known"));
	} else if (version[0] && strcmp(host->worker, version) != 0) {
		sl_auto_free char *worker = sl_text_shown(host->worker);
		sl_auto_free char *shown = sl_text_shown(version);
		add(out, sl_format("the runner's endpoint is %s, but its workers are %s: "
				   "worker.version must fit the endpoint",
				   shown, worker));
	}
}

static void check_runner(const struct site_part *part, struct sl_strings *out)
{
	const struct site_host *host = &part->host;

	if (part->endpoint_known)
		check_endpoint(&part->endpoint, out);
	if (!part->host_known)
		return;
	if (part->endpoint_known)
		check_worker(part, out);
	if (!host->apptainer[0])
		add(out, sl_strdup("the runner's tasks find no Apptainer: if it comes from a "
				   "module, worker_init loads it"));
	else if (!host->user_namespaces && !host->setuid_starter)
		add(out, sl_strdup("the runner has neither user namespaces nor Apptainer's setuid "
				   "starter: no image can be started there"));
	if (!site_reads_zstd(host))
		add(out, sl_strdup("nothing on the runner is known to read zstd: its images must "
				   "be compressed with gzip"));
}

static void check_both(const struct site *site, struct sl_strings *out)
{
	const struct site_host *builder = &site->builder.host, *runner = &site->runner.host;

	if (site->store == SITE_STORE_NOT_SHARED)
		add(out, sl_strdup("builder and runner do not have the same store: the image must "
				   "be copied to where the runner sees it"));
	if (!site->builder.host_known || !site->runner.host_known)
		return;
	if (strcmp(builder->machine, runner->machine) != 0) {
		sl_auto_free char *one = sl_text_shown(builder->machine);
		sl_auto_free char *other = sl_text_shown(runner->machine);
		add(out, sl_format("the builder is %s, the runner is %s: an image of one does not "
				   "run on the other",
				   one, other));
	}
}

void site_gaps(const struct site *site, struct sl_strings *out)
{
	if (site->builder.id)
		check_builder(&site->builder, out);
	if (site->runner.id)
		check_runner(&site->runner, out);
	if (site->builder.id && site->runner.id)
		check_both(site, out);
}
