// SPDX-License-Identifier: Apache-2.0
// Many errands to many agents at once, from one thread.
//
// A post is the way to one builder: "local" (an agent that is started here) or the UUID of a Globus
// Compute endpoint. An errand is one request to the agent there, with the objects that have to be
// there first. The postman owns the posts and what they share: HTTP connections, login, pacing. He
// calls back from postman_step(); a callback may start further errands, but must not step.
//
// Whoever starts an errand can be killed at any instant and start it again: requests are such that
// twice is once (specs/agent.md). A driver only has to see to it that it does not send bytes again
// without need.
#ifndef SL_UPLOADER_TRANSPORT_POST_H
#define SL_UPLOADER_TRANSPORT_POST_H

#include "uploader/compute/compute.h"
#include "uploader/ledger/ledger.h"
#include "uploader/transport/transport.h"

struct postman;
struct post;
struct drops;

// `answer` (borrowed) is the agent's; NULL when none came. `why` is NULL when the answer is a yes;
// else the agent's refusal in its own kind, or SL_E_NETWORK: nobody can be reached there for now,
// and what was asked may have happened or not. `remedy` is what would help, or NULL.
typedef void errand_heard(void *context, const json_t *answer, const struct sl_error *why,
			  const char *remedy);

struct errand {
	const json_t *request; // kept by reference count; not changed afterwards
	// Must be there before the request is carried out: those that the caller knows to be
	// missing. Borrowed, with what they read from, until `heard`. The driver brings each object
	// once, whoever else on this post needs it, too.
	const struct transport_object *const *objects;
	size_t len;
	errand_heard *heard;
	void (*moved)(void *context, uint64_t bytes); // of objects, for progress; may be NULL
	// Where bytes take memory: a driver that has read all that it wants for now says `close`,
	// and what `objects` lead to may go; it says `reopen` before it looks at them again. Both
	// NULL: they stay.
	void (*close)(void *context);
	bool (*reopen)(void *context, struct sl_error *err);
	void *context;
};

struct postman_options {
	const char *compute_url, *auth_url, *token_file; // NULL = as auth.h finds them
	void (*warn)(const char *text); // hears auth_warnings(), each once; NULL = nobody does
};

// `ledger` may be NULL for who only wants postman_compute() and "local" posts: posts to endpoints
// of Globus Compute write down what they send.
bool postman_new(struct ledger *ledger, const struct postman_options *options, struct postman **out,
		 struct sl_error *err) SL_MUST_USE;
void postman_free(struct postman *postman); // closes every post; errands under way are dropped

// The post for `builder` with the configuration file `config` (NULL = the default). The same two
// again give the same post. Owned by the postman. A post that is out of reach is found all the
// same: its errands hear SL_E_NETWORK.
bool postman_find(struct postman *postman, const char *builder, const char *config,
		  struct post **out, struct sl_error *err) SL_MUST_USE;

// Queues an errand. Never calls back before the next step.
bool post_start(struct post *post, const struct errand *errand, struct sl_error *err) SL_MUST_USE;

// The web API with the login of this run, for what is no errand (registration).
bool postman_compute(struct postman *postman, struct compute **out,
		     struct sl_error *err) SL_MUST_USE;
// What the service knows of an endpoint, waited for unless it was asked a moment ago (an owned
// reference).
bool postman_endpoint(struct postman *postman, const char *endpoint, json_t **out,
		      struct sl_error *err) SL_MUST_USE;
// Whether a login was looked for, and there is none that is good: unlike a network it does not
// come back by itself.
bool postman_lacks_login(const struct postman *postman);

bool post_is_known(const char *builder); // "local" or a UUID
const struct builder_config *post_config(const struct post *post);
bool post_is_local(const struct post *post); // an answer comes at once, a question costs nothing
// Whether an object may be of any size: it does not travel in tasks.
bool post_takes_large(const struct post *post);
// A stretch of the image that an agent which was started here has built.
bool post_fetch_image(struct post *post, const struct sl_digest *bundle, uint64_t offset,
		      void *data, size_t len, struct sl_error *err) SL_MUST_USE;

// Moves everything on and waits at most `timeout_ms` for something to happen. False only when the
// ledger fails.
bool postman_step(struct postman *postman, unsigned timeout_ms, struct sl_error *err) SL_MUST_USE;

// Nothing more will be started before something is heard: a driver need not wait for company any
// longer before it sends.
void postman_hurry(struct postman *postman);

size_t postman_pending(const struct postman *postman); // errands that have not been heard of

// ---- for drivers ---------------------------------------------------------------------------

struct post_setup {
	struct ledger *ledger;
	struct compute *compute; // NULL for drivers that did not ask for it
	const char *builder;
	const struct builder_config *config;
	const char *service; // base URL of the web API that `compute` speaks to
};

struct post_driver {
	bool needs_compute;
	bool (*open)(const struct post_setup *setup, struct post **out, struct sl_error *err);
	bool (*start)(struct post *post, const struct errand *errand, struct sl_error *err);
	// Never waits; `*busy_out` says that there is more to do at once.
	bool (*step)(struct post *post, bool *busy_out, struct sl_error *err);
	void (*hurry)(struct post *post);
	size_t (*pending)(const struct post *post);
	void (*close)(struct post *post);
};

// The builds at a builder that are waited for together, so that one question is about all of them.
struct post_builds {
	size_t asking;	      // whose answer is on its way
	size_t waiting, done; // since there was one to wait for
	int64_t since_ms,
		next_ms; // monotonic: the first of them; the next time that all are asked about
	bool looked;	 // they have been asked about since then
	void *reviver;	 // who sees to it that a queue goes on that stands still
};

// Each driver's own struct begins with this one.
struct post {
	const struct post_driver *driver;
	struct builder_config config;
	char *builder, *config_path;
	struct drops *drops; // the way of objects, where the configuration names a folder
	bool ready;	     // an agent there said that it can build
	// Why none could be asked, or none would build; kind SL_E_NONE = that is not so.
	struct sl_error obstacle;
	char *obstacle_remedy;
	struct post_builds builds; // of those who wait for them; a driver has nothing to do with it
	char *note; // what is unusual about it for now, for people; the driver's, NULL = nothing
};

extern const struct post_driver post_driver_local, post_driver_globus;

#endif
