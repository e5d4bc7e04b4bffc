// SPDX-License-Identifier: Apache-2.0
// An agent's answer to "probe", as a test wants it.
#ifndef TESTS_UPLOADER_SITE_HOST_H
#define TESTS_UPLOADER_SITE_HOST_H

#include "bundles/base/base.h"

static const char probe_answer[] =
	"{\"ok\":true,\"host\":\"node1\",\"machine\":\"x86_64\",\"kernel\":\"6.1.0\",\"glibc\":\"2."
	"36\","
	"\"python\":\"3.11.2\",\"umask\":\"0022\",\"user_id\":1000,\"apptainer\":\"/usr/bin/"
	"apptainer\","
	"\"apptainer_version\":\"apptainer version 1.4.5\",\"apptainer_error\":\"\","
	"\"user_namespaces\":true,\"user_namespaces_hint\":\"\",\"subids\":true,"
	"\"setuid_starter\":false,\"programs\":{},\"zstd\":{\"writes\":true,\"readers\":["
	"\"kernel\","
	"\"unsquashfs\"]},\"packages\":{\"globus-compute-endpoint\":\"4.19.0\",\"parsl\":"
	"\"2026.10.26\"},\"modules\":{\"system\":true,\"loaded\":[\"apptainer/"
	"1.4.5\"]},\"proxies\":"
	"[\"https_proxy\"],\"store\":{\"path\":\"/srv/sealift\",\"free\":1,\"kind\":\"nfs\"},"
	"\"tmp\":{},\"policy\":{\"path\":\"/etc/sealift/policy.json\",\"keys\":1,\"enforcement\":"
	"\"enforced\"},\"obstacles\":[]}";

// Owned. `change`, an object, replaces members of the answer; NULL = none.
static inline json_t *probe_answer_with(const char *change)
{
	json_t *answer = json_loads(probe_answer, 0, NULL);
	json_t *changes = change ? json_loads(change, 0, NULL) : NULL;
	if (!answer || (change && !changes))
		abort();
	json_object_update(answer, changes);
	json_decref(changes);
	return answer;
}

#endif
