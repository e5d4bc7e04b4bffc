// SPDX-License-Identifier: Apache-2.0
// Requests to the token service: {auth}/v2/oauth2/token and …/revoke. Secrets travel in the body or
// as Basic authorization, never in an address.
#include "uploader/auth/private.h"

#include <time.h>

#define ANSWER_MAX SL_MIB

static bool ask(const struct grant *grant, const char *path, const struct secret *form,
		struct http_reply *reply, struct sl_error *err)
{
	if (!grant->auth)
		return sl_fail(err, SL_E_INPUT,
			       "nobody knows the Globus Auth of this environment: give --auth-url "
			       "or GLOBUS_SDK_SERVICE_URL_AUTH");
	sl_auto_free char *url = sl_format("%s%s", grant->auth, path);
	struct http_request request = {
		.method = HTTP_POST,
		.repeat = grant->once ? HTTP_CAREFUL : HTTP_AGAIN,
		.url = url,
		.user = grant->password ? grant->client : NULL,
		.password = grant->password ? secret_text(grant->password) : NULL,
		.content_type = "application/x-www-form-urlencoded",
		.body = secret_text(form),
		.body_len = form->len,
		.answer_limit = ANSWER_MAX,
	};
	return http_ask(grant->http, &request, reply, err);
}

bool grant_ask(const struct grant *grant, const struct secret *form, struct token *out,
	       struct secret_list *others, struct sl_error *err)
{
	struct http_reply reply;

	if (!ask(grant, "/v2/oauth2/token", form, &reply, err))
		return false;
	bool good = token_read(reply.answer.status, reply.answer.body, reply.answer.len,
			       grant->client, (int64_t)time(NULL), out, others, err);
	http_reply_release(&reply);
	return good;
}

bool grant_revoke(const struct grant *grant, const struct secret *token, struct sl_error *err)
{
	auto_secret struct secret form = {0};
	struct http_reply reply;

	form_add(&form, "token", secret_text(token));
	form_add(&form, "client_id", grant->client);
	if (!ask(grant, "/v2/oauth2/token/revoke", &form, &reply, err))
		return false;
	long status = reply.answer.status;
	http_reply_release(&reply);
	return status == 200 || sl_fail(err, SL_E_NETWORK,
					"Globus Auth does not revoke the token (HTTP %ld)", status);
}
