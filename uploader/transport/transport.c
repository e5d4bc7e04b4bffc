// SPDX-License-Identifier: Apache-2.0
// What every driver has in common: the questions that only need `call`.
#include "uploader/transport/transport.h"

#include <string.h>

#define HAVE_AT_ONCE 4096

static const struct transport_ops *const drivers[] = {&transport_local, NULL};

const struct transport_ops *transport_find(const char *builder)
{
	for (size_t i = 0; drivers[i]; i++)
		if (strcmp(drivers[i]->name, builder) == 0)
			return drivers[i];
	return NULL;
}

void transport_close(struct transport *transport)
{
	if (transport)
		transport->ops->close(transport);
}

bool transport_probe(struct transport *transport, json_t **answer_out, struct sl_error *err)
{
	sl_auto_json json_t *request = json_object();

	sl_json_set_string(request, "op", "probe");
	return transport->ops->call(transport, request, answer_out, err);
}

json_t *transport_entry(const struct transport_object *object)
{
	json_t *entry = json_object();

	sl_json_set_digest(entry, "sha256", &object->sha256);
	sl_json_set_uint(entry, "size", object->size);
	return entry;
}

json_t *transport_list(const struct transport_object *const *objects, size_t len)
{
	json_t *list = json_array();

	for (size_t i = 0; i < len; i++)
		sl_json_append(list, transport_entry(objects[i]));
	return list;
}

json_t *transport_have_request(const struct transport_object *objects, size_t len)
{
	json_t *request = json_object();
	json_t *list = json_array();

	for (size_t i = 0; i < len; i++)
		sl_json_append(list, transport_entry(&objects[i]));
	sl_json_set_string(request, "op", "have");
	sl_json_set(request, "objects", list);
	return request;
}

static int compare_digests(const void *a, const void *b)
{
	return sl_digest_compare(a, b);
}

// Which of `objects` are named in the list. A name that we did not ask for is ignored: it decides
// nothing.
bool transport_read_missing(const json_t *answer, const struct transport_object *objects,
			    size_t len, bool *missing_out, struct sl_error *err)
{
	const json_t *list = json_object_get(answer, "missing");
	size_t count = json_array_size(list), i;
	json_t *item;

	if (!json_is_array(list) || count > len)
		return sl_fail(
			err, SL_E_FORMAT,
			"the agent's answer to \"have\" has no sensible list of what is missing");
	sl_auto_free struct sl_digest *digests = sl_alloc_array(count + 1, sizeof *digests);
	json_array_foreach (list, i, item) {
		const char *hex = json_string_value(item);
		if (!hex || !sl_digest_parse(hex, &digests[i]))
			return sl_fail(err, SL_E_FORMAT,
				       "the agent's answer to \"have\": missing[%zu] is no digest",
				       i);
	}
	qsort(digests, count, sizeof *digests, compare_digests);
	for (i = 0; i < len; i++)
		missing_out[i] = bsearch(&objects[i].sha256, digests, count, sizeof *digests,
					 compare_digests) != NULL;
	return true;
}

bool transport_have(struct transport *transport, const struct transport_object *objects, size_t len,
		    bool *missing_out, struct sl_error *err)
{
	for (size_t at = 0; at < len; at += HAVE_AT_ONCE) {
		size_t count = len - at < HAVE_AT_ONCE ? len - at : HAVE_AT_ONCE;
		sl_auto_json json_t *request = transport_have_request(objects + at, count);
		sl_auto_json json_t *answer = NULL;
		if (!transport->ops->call(transport, request, &answer, err) ||
		    !transport_read_missing(answer, objects + at, count, missing_out + at, err))
			return false;
	}
	return true;
}
