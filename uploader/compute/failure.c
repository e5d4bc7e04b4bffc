// SPDX-License-Identifier: Apache-2.0
// The service has two shapes for its refusals, Globus Auth two more, and whatever stands in front
// of them none at all: {"status": "Failed", "code", "detail" or "reason"}, {"detail": [{"loc",
// "msg"}]},
// {"error", "error_description"}, {"errors": [{"code", "detail" or "title"}]}, or text. Kinds
// follow the status alone; code and text are shown, never decided by, except for remedies.
#include "uploader/compute/failure.h"

#include "uploader/compute/shape.h"

#include <string.h>

#define SHOWN_MAX 1200 // bytes of the service's own text
#define CODE_MAX  64

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text && text[0] ? text : NULL;
}

// ---- the text ------------------------------------------------------------------------------

static void add_loc(struct sl_buf *out, const json_t *loc)
{
	const json_t *part;
	size_t i;

	json_array_foreach (loc, i, part) {
		if (i > 0)
			sl_buf_addc(out, '.');
		if (json_is_integer(part))
			sl_buf_addf(out, "%lld", (long long)json_integer_value(part));
		else if (json_is_string(part))
			sl_buf_adds(out, json_string_value(part));
	}
}

// The list of what is wrong with a request, by the service's own check of it.
static void add_list(struct sl_buf *out, const json_t *list)
{
	const json_t *one;
	size_t i;

	json_array_foreach (list, i, one) {
		const char *words = json_is_string(one) ? json_string_value(one) : NULL;
		if (!words)
			words = text_of(one, "msg");
		if (out->len > 0)
			sl_buf_adds(out, "; ");
		if (json_array_size(json_object_get(one, "loc")) > 0) {
			add_loc(out, json_object_get(one, "loc"));
			sl_buf_adds(out, ": ");
		}
		sl_buf_adds(out, words ? words : "?");
	}
}

static void add_either(struct sl_buf *out, const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	const char *text = text_of(object, key);

	if (out->len > 0)
		return;
	if (json_is_array(value))
		add_list(out, value);
	else if (text)
		sl_buf_adds(out, text);
}

static void add_text(struct sl_buf *out, const json_t *body)
{
	const json_t *first = json_array_get(json_object_get(body, "errors"), 0);

	add_either(out, body, "detail");
	add_either(out, body, "reason");
	add_either(out, body, "message");
	add_either(out, first, "detail");
	add_either(out, first, "title");
	add_either(out, body, "error_description");
}

// Runs of white space and control characters become one space: a message is one line.
static void flatten(struct sl_buf *text)
{
	size_t len = 0;

	for (size_t i = 0; i < text->len; i++) {
		unsigned char c = (unsigned char)text->data[i];
		bool space = c <= ' ';
		if (!space)
			text->data[len++] = (char)c;
		else if (len > 0 && text->data[len - 1] != ' ')
			text->data[len++] = ' ';
	}
	while (len > 0 && text->data[len - 1] == ' ')
		len--;
	text->data[text->len = len] = '\0';
}

// At most `most` bytes of it, escaped, ending with a whole character. Owned.
static char *shown(const char *text, size_t most)
{
	sl_auto_buf struct sl_buf out;
	size_t len = strlen(text);
	bool cut = len > most;

	if (cut)
		for (len = most; len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80;)
			len--;
	sl_buf_init(&out, 16 * most);
	sl_text_escape(&out, text, len);
	if (cut)
		sl_buf_adds(&out, "…");
	return sl_buf_steal(&out, NULL);
}

// ---- the code ------------------------------------------------------------------------------

// Codes are words; in 2022 they were numbers. Owned, "" without one.
static char *code_of(const json_t *body)
{
	const json_t *first = json_array_get(json_object_get(body, "errors"), 0);
	const json_t *code = json_object_get(body, "code");

	if (!code)
		code = json_object_get(first, "code");
	if (!code)
		code = json_object_get(body, "error");
	if (json_is_integer(code))
		return sl_format("%lld", (long long)json_integer_value(code));
	return json_is_string(code) ? shown(json_string_value(code), CODE_MAX) : sl_strdup("");
}

static const struct {
	const char *code, *remedy;
} by_code[] = {
	{"ENDPOINT_NOT_FOUND", "compare the endpoint's id with the one its owner gave you"},
	{"ENDPOINT_ACCESS_FORBIDDEN", "ask the endpoint's owner to let this account use it"},
	{"FUNCTION_NOT_PERMITTED",
	 "the endpoint runs certain functions only: ask its owner which one builds images"},
	{"FUNCTION_ACCESS_FORBIDDEN",
	 "the function belongs to another account: log in as that one, or have one registered"},
	{"INSUFFICIENT_AUTH_SCOPE", "log in again: sealift-upload login"},
	{"ENDPOINT_OUTDATED",
	 "ask the endpoint's owner to install a newer globus-compute-endpoint"},
	{"RESOURCE_LOCKED", "try again later: the endpoint is being changed"},
};

static const char *remedy_of_status(long status)
{
	if (status >= 300 && status < 400)
		return "check --compute-url and GLOBUS_SDK_ENVIRONMENT: redirects are not followed";
	switch (status) {
	case 401:
		return "log in again: sealift-upload login";
	case 413:
		return "send less at once";
	case 429:
		return "wait a while: this account has sent too many requests, maybe from "
		       "elsewhere, too";
	default:
		return status >= 500 ? "try again later: this is the service's own trouble" : NULL;
	}
}

static char *remedy_of(long status, const char *code)
{
	for (size_t i = 0; i < sizeof by_code / sizeof *by_code; i++)
		if (strcmp(by_code[i].code, code) == 0)
			return sl_strdup(by_code[i].remedy);
	const char *remedy = remedy_of_status(status);
	return remedy ? sl_strdup(remedy) : NULL;
}

enum sl_kind failure_kind(long status)
{
	if (status == 403)
		return SL_E_UNTRUSTED;
	if (status == 413)
		return SL_E_LIMIT;
	if (status == 401 || status == 407 || status == 408 || status == 429)
		return SL_E_NETWORK;
	return status >= 400 && status < 500 ? SL_E_INPUT : SL_E_NETWORK;
}

// ---- all together --------------------------------------------------------------------------

static json_t *read_body(const char *body, size_t len)
{
	struct sl_error ignored = {0};

	return shape_read(body, len, &ignored);
}

bool failure_is_demand(const char *body, size_t len)
{
	sl_auto_json json_t *json = read_body(body, len);
	struct auth_demand demand = {0};

	if (!json || !auth_demand_read(json, &demand))
		return false;
	auth_demand_release(&demand);
	return true;
}

// "Log in differently": what is asked for stands in the sentence.
static bool is_about_login(struct compute_failure *failure, long status, const json_t *body)
{
	struct auth_demand demand = {0};

	if (!body || status < 400 || status >= 500 || !auth_demand_read(body, &demand))
		return false;
	sl_auto_free char *asked = auth_demand_describe(&demand);
	auth_demand_release(&demand);
	sl_auto_free char *safe = shown(asked, SHOWN_MAX);
	sl_fail(&failure->error, failure_kind(status),
		"the service asks for another login (HTTP %ld): %s", status, safe);
	failure->remedy = sl_strdup("log in again with what it asks for: sealift-upload login");
	return true;
}

static const char *remedy_of_kind(enum auth_kind kind)
{
	if (kind == AUTH_CLIENT)
		return "client credentials cannot meet that: ask the endpoint's owner to admit "
		       "this "
		       "client's identity, or unset GLOBUS_COMPUTE_CLIENT_SECRET and log in as a "
		       "person ('sealift-upload login')";
	return "the token of --token-file cannot meet that: have whoever gives it log in again "
	       "with "
	       "what is asked for, or leave --token-file out and use 'sealift-upload login'";
}

void failure_of_demand(struct compute_failure *failure, long status, const char *body, size_t len,
		       enum auth_kind kind)
{
	sl_auto_json json_t *json = read_body(body, len);
	struct auth_demand demand = {0};

	if ((kind != AUTH_CLIENT && kind != AUTH_GIVEN) || !json || status < 400 || status >= 500 ||
	    !auth_demand_read(json, &demand))
		return;
	sl_auto_free char *asked = auth_demand_describe(&demand);
	auth_demand_release(&demand);
	char *command = strstr(asked, ": sealift-upload login");
	if (command)
		*command = '\0';
	sl_auto_free char *safe = shown(asked, SHOWN_MAX);
	sl_error_clear(&failure->error);
	sl_fail(&failure->error, failure_kind(status),
		"the service asks for another login than %s (HTTP %ld): %s", auth_kind_name(kind),
		status, safe);
	free(failure->remedy);
	failure->remedy = sl_strdup(remedy_of_kind(kind));
}

static const char *verdict(long status)
{
	if (status >= 300 && status < 400)
		return "the service sends us elsewhere";
	if (status == 429)
		return "the service still is too busy for us";
	return status >= 400 && status < 500 ? "the service refuses" : "the service is in trouble";
}

void failure_of_answer(struct compute_failure *failure, long status, const char *body, size_t len)
{
	sl_auto_json json_t *json = read_body(body, len);
	sl_auto_buf struct sl_buf text;

	sl_buf_init(&text, 4 * len + 64);
	failure->status = status;
	if (is_about_login(failure, status, json))
		return;
	if (json)
		add_text(&text, json);
	else if (sl_text_is_utf8(body, len) && !memchr(body, '<', len))
		sl_buf_add(&text, body, len); // pages of HTML say nothing
	flatten(&text);
	sl_auto_free char *code = code_of(json);
	sl_auto_free char *safe = shown(text.data, SHOWN_MAX);
	sl_fail(&failure->error, failure_kind(status), "%s (HTTP %ld%s%s)%s%s", verdict(status),
		status, code[0] ? ", " : "", code, safe[0] ? ": " : "", safe);
	failure->remedy = remedy_of(status, code);
}
