// SPDX-License-Identifier: Apache-2.0
// Reaching the agent on a builder: asking it things and bringing it objects.
//
// A transport carries the agent's requests and answers (specs/agent.md) and knows nothing of what
// they mean. Every step has a deadline and every answer a ceiling. After a failure of kind
// SL_E_NETWORK (the far side is gone, or silent) a transport can only be closed.
#ifndef SL_UPLOADER_TRANSPORT_H
#define SL_UPLOADER_TRANSPORT_H

#include "bundles/base/base.h"

#define TRANSPORT_LIMIT_ANSWER (16 * SL_MIB) // one answer of the agent
#define TRANSPORT_LIMIT_CONFIG (64 * SL_KIB) // a builder configuration file

// ---- how a builder is reached --------------------------------------------------------------

struct builder_config {
	struct sl_strings launcher; // argv in front of "-I -c PROGRAM"; ends with a Python
	unsigned timeout;	    // seconds in which something must come back
	unsigned poll_ms;	    // first pause between two questions for the state of a build
	unsigned builds;	    // how many builds may run there at once
	char *file;		    // where it stands; NULL = the default
	// of Globus Compute endpoints:
	json_t *user_endpoint_config; // fills the endpoint's template; NULL = none
	char *function; // the agent as the endpoint's operator has registered it; NULL = our own
	// A folder that both sides see, as this machine and as the agent calls it: objects travel
	// that way. NULL = none.
	char *drop_here, *drop_there;
};

// {"launcher": ["…"], "timeout": 600, "poll_ms": 200, "user_endpoint_config": {…}, "function":
// "UUID", "path": {"here": "/…", "there": "/…"}}; every key may be missing, no other may be there.
// A first word with a slash that is not absolute is relative to the file's folder. `path` NULL
// gives the default: this machine's python3. SL_E_INPUT names file and key. Release `out` also when
// it fails.
bool builder_config_load(const char *path, struct builder_config *out,
			 struct sl_error *err) SL_MUST_USE;
void builder_config_release(struct builder_config *config);

// ---- objects -------------------------------------------------------------------------------

typedef bool transport_sink(void *context, const void *data, size_t len, struct sl_error *err);

// Something to be delivered: bytes in memory, or a source that feeds exactly `size` bytes to a
// sink.
struct transport_object {
	struct sl_digest sha256;
	uint64_t size;
	const void *data; // NULL: use `feed`
	bool (*feed)(void *context, size_t index, transport_sink *sink, void *sink_context,
		     struct sl_error *err);
	// Beside `feed`: `len` bytes from `offset` on.
	bool (*read)(void *context, size_t index, uint64_t offset, void *data, size_t len,
		     struct sl_error *err);
	void *context;
	size_t index;
};

// {"sha256": …, "size": …}, and a list of them. Owned.
json_t *transport_entry(const struct transport_object *object);
json_t *transport_list(const struct transport_object *const *objects, size_t len);

// ---- the drivers ---------------------------------------------------------------------------

struct transport;

struct transport_ops {
	const char *name; // as --builder spells it
	bool (*open)(const struct builder_config *config, struct transport **out,
		     struct sl_error *err);
	// Sends one request, waits for its answer (owned). An answer {"ok":false,…} is a failure
	// with the agent's kind, message and hint, and `*answer_out` is the answer all the same.
	bool (*call)(struct transport *transport, const json_t *request, json_t **answer_out,
		     struct sl_error *err);
	// Brings objects in one request; the answer as for call.
	bool (*put)(struct transport *transport, const struct transport_object *const *objects,
		    size_t len, struct sl_progress *progress, json_t **answer_out,
		    struct sl_error *err);
	// How much one put may carry (a single larger object travels alone).
	uint64_t put_bytes;
	size_t put_objects;
	void (*close)(struct transport *transport);
};

// Each driver's own struct begins with this one.
struct transport {
	const struct transport_ops *ops;
};

extern const struct transport_ops transport_local;

// The driver for what --builder said, or NULL.
const struct transport_ops *transport_find(const char *builder);

// What the agent says about its machine. Owned.
bool transport_probe(struct transport *transport, json_t **answer_out,
		     struct sl_error *err) SL_MUST_USE;
// The question "have" and its answer: sets missing_out[i] for each object that the far side lacks.
json_t *transport_have_request(const struct transport_object *objects, size_t len); // owned
bool transport_read_missing(const json_t *answer, const struct transport_object *objects,
			    size_t len, bool *missing_out, struct sl_error *err) SL_MUST_USE;
bool transport_have(struct transport *transport, const struct transport_object *objects, size_t len,
		    bool *missing_out, struct sl_error *err) SL_MUST_USE;
// What the agent said would help, borrowed from an answer that is a refusal; NULL if it said
// nothing.
const char *transport_hint(const json_t *answer);

void transport_close(struct transport *transport); // NULL is fine
#define auto_transport __attribute__((cleanup(transport_cleanup)))
static inline void transport_cleanup(struct transport **transport)
{
	transport_close(*transport);
}

#endif
