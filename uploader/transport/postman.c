// SPDX-License-Identifier: Apache-2.0
// The posts, and what they share. HTTP, login and web API are set up when the first post needs
// them: whoever builds on this machine only needs no account and no network.
#include "uploader/compute/known.h"
#include "uploader/transport/drop.h"

#include <assert.h>
#include <string.h>
#include <time.h>

struct postman {
	struct ledger *ledger;
	struct postman_options options;
	struct auth_places places;
	struct http *http;
	struct auth *auth;
	struct compute *compute;
	struct known_endpoints known;
	size_t warned; // so many of its warnings have been told
	SL_LIST(struct post *) posts;
	struct drops *drops; // errands whose objects go by a folder
};

bool postman_new(struct ledger *ledger, const struct postman_options *options, struct postman **out,
		 struct sl_error *err)
{
	(void)err;
	struct postman *postman = sl_alloc(sizeof *postman);
	postman->ledger = ledger;
	postman->options = *options;
	postman->drops = drops_new(ledger);
	*out = postman;
	return true;
}

static void close_post(struct post *post)
{
	struct builder_config config = post->config;
	char *builder = post->builder, *path = post->config_path;
	free(post->obstacle_remedy);
	post->driver->close(post);
	builder_config_release(&config);
	free(builder);
	free(path);
}

static void tell_warnings(struct postman *postman)
{
	const struct sl_strings *warnings = postman->auth ? auth_warnings(postman->auth) : NULL;

	if (!warnings || !postman->options.warn)
		return;
	while (postman->warned < warnings->len)
		postman->options.warn(warnings->items[postman->warned++]);
}

void postman_free(struct postman *postman)
{
	if (!postman)
		return;
	tell_warnings(postman);
	for (size_t i = 0; i < postman->posts.len; i++)
		close_post(postman->posts.items[i]);
	sl_list_release(&postman->posts);
	drops_free(postman->drops);
	known_endpoints_release(&postman->known);
	compute_free(postman->compute);
	auth_free(postman->auth);
	http_free(postman->http);
	auth_places_release(&postman->places);
	free(postman);
}

static bool need_compute(struct postman *postman, struct sl_error *err)
{
	const struct postman_options *options = &postman->options;
	if (postman->compute)
		return true;
	if (!postman->places.compute &&
	    !auth_places_find(options->compute_url, options->auth_url, &postman->places, err))
		return false;
	if (!postman->http && !http_new(&(struct http_options){0}, &postman->http, err))
		return false;
	if (!postman->auth &&
	    !auth_open(&postman->places, options->token_file, postman->http, &postman->auth, err))
		return false;
	tell_warnings(postman);
	// Said at once: a missing login does not come back by itself, as a network does.
	if (auth_kind(postman->auth) == AUTH_NOBODY)
		return sl_fail(err, SL_E_NETWORK, "nobody is logged in to Globus");
	return compute_new(&postman->places, postman->auth, postman->http, &postman->compute, err);
}

bool postman_lacks_login(const struct postman *postman)
{
	return postman->auth && auth_lacks_login(postman->auth);
}

bool postman_compute(struct postman *postman, struct compute **out, struct sl_error *err)
{
	if (!need_compute(postman, err))
		return false;
	*out = postman->compute;
	return true;
}

bool postman_endpoint(struct postman *postman, const char *endpoint, json_t **out,
		      struct sl_error *err)
{
	return need_compute(postman, err) &&
	       known_endpoint(&postman->known, postman->compute, endpoint, out, err);
}

static const struct post_driver *driver_of(const char *builder)
{
	if (strcmp(builder, "local") == 0)
		return &post_driver_local;
	return compute_is_uuid(builder) ? &post_driver_globus : NULL;
}

bool post_is_known(const char *builder)
{
	return driver_of(builder) != NULL;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static struct post *find(const struct postman *postman, const char *builder, const char *config)
{
	for (size_t i = 0; i < postman->posts.len; i++) {
		struct post *post = postman->posts.items[i];
		if (strcmp(post->builder, builder) == 0 && same_text(post->config_path, config))
			return post;
	}
	return NULL;
}

static bool open_post(struct postman *postman, const char *builder, const char *config_path,
		      struct post **out, struct sl_error *err)
{
	const struct post_driver *driver = driver_of(builder);
	struct builder_config config = {0};
	assert(postman->ledger || !driver || !driver->needs_compute);
	if (!driver)
		return sl_fail(err, SL_E_USAGE, "'%s' is neither 'local' nor the id of an endpoint",
			       builder);
	if (driver->needs_compute && !need_compute(postman, err))
		return false;
	struct post_setup setup = {postman->ledger, postman->compute, builder, &config,
				   postman->places.compute};
	struct post *post = NULL;
	if (!builder_config_load(config_path, &config, err) || !driver->open(&setup, &post, err)) {
		builder_config_release(&config);
		return false;
	}
	post->driver = driver;
	post->config = config;
	post->drops = config.drop_here ? postman->drops : NULL;
	post->builder = sl_strdup(builder);
	post->config_path = config_path ? sl_strdup(config_path) : NULL;
	*sl_list_add(&postman->posts) = post;
	*out = post;
	return true;
}

bool postman_find(struct postman *postman, const char *builder, const char *config,
		  struct post **out, struct sl_error *err)
{
	*out = find(postman, builder, config);
	return *out || open_post(postman, builder, config, out, err);
}

bool post_start(struct post *post, const struct errand *errand, struct sl_error *err)
{
	return post->drops && errand->len > 0 ? drops_start(post->drops, post, errand, err)
					      : post->driver->start(post, errand, err);
}

const struct builder_config *post_config(const struct post *post)
{
	return &post->config;
}

bool post_is_local(const struct post *post)
{
	return post->driver == &post_driver_local;
}

bool post_takes_large(const struct post *post)
{
	return post_is_local(post) || post->drops;
}

static bool step_posts(struct postman *postman, bool *busy_out, struct sl_error *err)
{
	if (!drops_step(postman->drops, busy_out, err))
		return false;
	for (size_t i = 0; i < postman->posts.len; i++) {
		struct post *post = postman->posts.items[i];
		bool busy = false;
		if (!post->driver->step(post, &busy, err))
			return false;
		*busy_out = *busy_out || busy;
	}
	return true;
}

static void pause_for(unsigned ms)
{
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
	nanosleep(&time, NULL);
}

// Drivers first: what they have to say needs no waiting. Then the web, which all of them share.
bool postman_step(struct postman *postman, unsigned timeout_ms, struct sl_error *err)
{
	bool busy;
	if (!step_posts(postman, &busy, err))
		return false;
	if (postman->compute)
		return compute_step(postman->compute, busy ? 0 : timeout_ms, err);
	if (!busy)
		pause_for(timeout_ms);
	return true;
}

void postman_hurry(struct postman *postman)
{
	for (size_t i = 0; i < postman->posts.len; i++) {
		struct post *post = postman->posts.items[i];
		post->driver->hurry(post);
	}
}

size_t postman_pending(const struct postman *postman)
{
	size_t pending = drops_pending(postman->drops);
	for (size_t i = 0; i < postman->posts.len; i++) {
		const struct post *post = postman->posts.items[i];
		pending += post->driver->pending(post);
	}
	return pending;
}
