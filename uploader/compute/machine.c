// SPDX-License-Identifier: Apache-2.0
// 1. A call waits (CALL_WAITING), is with the HTTP pool (CALL_SENT), and is over (CALL_OVER); it is
//    called back from compute_step() alone, so that whatever else steps the pool (a token that is
//    being fetched) calls nobody back.
// 2. Only as many calls are handed to the pool as it can have under way: what waits long would
//    carry an old token.
// 3. Several calls may be refused for one old token: `login` counts the tokens, and only the first
//    of them reports it.
#include "uploader/compute/machine.h"

#include "uploader/compute/failure.h"

#define SENT_MAX 16 // calls that the pool has at once

struct compute {
	char *address; // of the service, without a slash at the end
	struct auth *auth;
	struct http *http;
	struct call *first, **end;
	size_t sent, pending;
	unsigned login;
};

bool compute_new(const struct auth_places *places, struct auth *auth, struct http *http,
		 struct compute **out, struct sl_error *err)
{
	if (!places->compute || !places->compute[0])
		return sl_fail(err, SL_E_INPUT, "the service has no address");
	struct compute *compute = sl_alloc(sizeof *compute);
	*compute =
		(struct compute){.address = sl_strdup(places->compute), .auth = auth, .http = http};
	compute->end = &compute->first;
	*out = compute;
	return true;
}

void machine_add(struct compute *compute, struct call *call)
{
	*compute->end = call;
	compute->end = &call->next;
	compute->pending++;
}

struct call *machine_first(const struct compute *compute)
{
	return compute->first;
}

size_t compute_pending(const struct compute *compute)
{
	return compute->pending;
}

static void take_out(struct compute *compute, struct call *call)
{
	struct call **slot = &compute->first;

	while (*slot != call)
		slot = &(*slot)->next;
	*slot = call->next;
	if (compute->end == &call->next)
		compute->end = slot;
	compute->pending--;
}

static void drop(struct compute *compute, struct call *call)
{
	take_out(compute, call);
	if (call->state == CALL_SENT) {
		http_forget(compute->http, call);
		compute->sent--;
	}
	call_free(call);
}

void compute_forget(struct compute *compute, const void *context)
{
	for (struct call *call = compute->first, *next; call; call = next) {
		next = call->next;
		if (call->context == context)
			drop(compute, call);
	}
}

void compute_free(struct compute *compute)
{
	if (!compute)
		return;
	while (compute->first)
		drop(compute, compute->first);
	free(compute->address);
	free(compute);
}

// ---- sending -------------------------------------------------------------------------------

// Called by the pool. An old token is reported in the next step, not here: that may need the pool.
static void heard(void *context, const struct http_answer *answer, const struct sl_error *why)
{
	struct call *call = context;
	bool login = !why && answer->status == 401;

	call->compute->sent--;
	if (login && !call->resent && !failure_is_demand(answer->body, answer->len)) {
		call->resent = true;
		call->state = CALL_WAITING;
		return;
	}
	call_heard(call, answer, why);
	if (!why && call->failure.error.kind != SL_E_NONE)
		failure_of_demand(&call->failure, answer->status, answer->body, answer->len,
				  auth_kind(call->compute->auth));
}

// The reason that `auth` gives says what to do.
static bool refuse_for_login(struct call *call, const struct sl_error *why)
{
	call_refuse(call, why->kind, "%s", why->text);
	if (call->resent)
		call->failure.status = 401;
	return false;
}

static bool find_token(struct compute *compute, struct call *call, const char **token)
{
	struct sl_error err = {0};

	if (call->resent && call->login == compute->login) {
		if (!auth_refused(compute->auth, &err))
			return refuse_for_login(call, &err);
		compute->login++;
	}
	return auth_token(compute->auth, token, &err) || refuse_for_login(call, &err);
}

static void send_call(struct compute *compute, struct call *call)
{
	const char *token;
	struct sl_error err = {0};

	if (!find_token(compute, call, &token))
		return;
	sl_auto_free char *url = sl_format("%s%s", compute->address, call->path);
	struct http_request request = {
		.method = call->method,
		.repeat = call->effect ? HTTP_CAREFUL : HTTP_AGAIN,
		.url = url,
		.bearer = token,
		.body = call->body.data,
		.body_len = call->body.len,
		.body_stays = true,
		.answer_limit = call->answer_limit,
		.patience = COMPUTE_PATIENCE,
		.timeout = call->timeout,
	};
	if (!http_send(compute->http, &request, heard, call, &err)) {
		call_refuse(call, err.kind, "%s", err.text);
		return;
	}
	call->state = CALL_SENT;
	call->login = compute->login;
	compute->sent++;
}

static void send_waiting(struct compute *compute)
{
	for (struct call *call = compute->first; call && compute->sent < SENT_MAX;
	     call = call->next)
		if (call->state == CALL_WAITING)
			send_call(compute, call);
}

// ---- stepping ------------------------------------------------------------------------------

static struct call *find_due(struct compute *compute)
{
	struct call *call = compute->first;

	while (call && !call->due)
		call = call->next;
	return call;
}

// Those that are over now, one after the other: a callback may queue others, which wait for the
// next step, and forget some that are due.
static bool call_back(struct compute *compute)
{
	bool any = false;

	for (struct call *call = compute->first; call; call = call->next)
		call->due = call->state == CALL_OVER;
	for (struct call *call; (call = find_due(compute)); any = true) {
		take_out(compute, call);
		call->done(call->context, call->answer, call->answer ? NULL : &call->failure);
		call_free(call);
	}
	return any;
}

bool compute_step(struct compute *compute, unsigned timeout_ms, struct sl_error *err)
{
	send_waiting(compute);
	if (call_back(compute))
		timeout_ms = 0;
	if (!http_step(compute->http, timeout_ms, err))
		return false;
	send_waiting(compute);
	call_back(compute);
	return true;
}
