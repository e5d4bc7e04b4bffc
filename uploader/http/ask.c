// SPDX-License-Identifier: Apache-2.0
// One request, waited for.
#include "uploader/http/http.h"

struct asking {
	struct http_reply *reply;
	struct sl_error *err;
	bool over;
};

static void heard(void *context, const struct http_answer *answer, const struct sl_error *why)
{
	struct asking *asking = context;
	struct http_reply *reply = asking->reply;

	asking->over = true;
	reply->answer = *answer;
	reply->answer.body = "";
	if (why) {
		sl_fail(asking->err, why->kind, "%s", why->text);
		return;
	}
	sl_buf_init(&reply->body, answer->len + 1);
	sl_buf_add(&reply->body, answer->body, answer->len);
	reply->answer.body = reply->body.data;
}

bool http_ask(struct http *http, const struct http_request *request, struct http_reply *reply,
	      struct sl_error *err)
{
	struct asking asking = {.reply = reply, .err = err};

	*reply = (struct http_reply){.answer = {.body = "", .retry_after = -1}};
	if (!http_send(http, request, heard, &asking, err))
		return false;
	while (!asking.over && sl_interrupt_check(err) && http_step(http, 1000, err))
		;
	if (!asking.over)
		http_forget(http, &asking);
	return err->kind == SL_E_NONE;
}

void http_reply_release(struct http_reply *reply)
{
	if (reply->body.data)
		explicit_bzero(reply->body.data, reply->body.len);
	sl_buf_release(&reply->body);
	reply->answer = (struct http_answer){.body = "", .retry_after = -1};
}
