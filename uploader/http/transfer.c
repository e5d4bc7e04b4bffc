// SPDX-License-Identifier: Apache-2.0
// 1. libcurl takes the body from us piece by piece: what it has not taken cannot have been sent, so
//    a request whose body was not taken to its end has not arrived whole.
// 2. libcurl sends a request again by itself when a connection that it reuses turns out to be dead,
//    although the other side may have read it. So what must not arrive twice gets a connection of
//    its own, and its body cannot be rewound.
// 3. Texts that come from the other side never reach a message. libcurl's own detail does only for
//    certificates and TLS: elsewhere it may quote the other side, or a proxy's URL with a password.
// 4. HTTP/1.1 alone: at two requests a second nothing is gained by more.
#include "uploader/http/transfer.h"

#include <strings.h>
#include <time.h>

// ---- what libcurl calls --------------------------------------------------------------------

static size_t give_body(char *into, size_t size, size_t count, void *context)
{
	struct transfer *transfer = context;
	size_t len = size * count, left = transfer->body_len - transfer->body_at;

	if (len > left)
		len = left;
	if (len > 0)
		memcpy(into, transfer->body + transfer->body_at, len);
	transfer->body_at += len;
	transfer->moved = true;
	return len;
}

static int rewind_body(void *context, curl_off_t offset, int origin)
{
	struct transfer *transfer = context;

	if (!transfer->may_repeat || origin != SEEK_SET || offset != 0)
		return CURL_SEEKFUNC_FAIL;
	transfer->body_at = 0;
	return CURL_SEEKFUNC_OK;
}

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
	struct transfer *transfer = context;

	sl_buf_add(&transfer->heard, data, size * count);
	transfer->moved = true;
	return transfer->heard.overflow ? 0 : size * count;
}

static void read_retry_after(struct transfer *transfer, const char *line, size_t len)
{
	static const char name[] = "retry-after:";
	size_t skip = sizeof name - 1;

	if (len <= skip || strncasecmp(line, name, skip) != 0)
		return;
	while (skip < len && (line[skip] == ' ' || line[skip] == '\t'))
		skip++;
	while (len > skip && strchr(" \t\r\n", line[len - 1]))
		len--;
	sl_auto_free char *value = sl_strndup(line + skip, len - skip);
	transfer->retry_after = repeat_after(value, (int64_t)time(NULL));
}

// A status line begins a new answer: those of 100 to 199 come before the one that counts, and all
// of them share one ceiling.
static size_t take_header(char *data, size_t size, size_t count, void *context)
{
	struct transfer *transfer = context;
	size_t len = size * count;

	transfer->moved = true;
	transfer->headers_len += len;
	if (transfer->headers_len > TRANSFER_LIMIT_HEADERS) {
		transfer->headers_over = true;
		return 0;
	}
	if (len >= 5 && memcmp(data, "HTTP/", 5) == 0)
		transfer->retry_after = -1;
	read_retry_after(transfer, data, len);
	return len;
}

// ---- the request ---------------------------------------------------------------------------

static bool is_header_name(const char *name)
{
	static const char known[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789!#$%&'*+-.^_`|~";

	return name[0] && strspn(name, known) == strlen(name);
}

static void wipe(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
}

static bool add_header(struct transfer *transfer, const char *name, const char *value,
		       struct sl_error *err)
{
	if (!is_header_name(name) || !sl_text_is_ascii_printable(value))
		return sl_fail(err, SL_E_INPUT,
			       "a request to '%s' has a header or a token with characters that "
			       "cannot be sent",
			       transfer->place.host);
	// libcurl takes "Name:" for the wish to leave a header out.
	char *line = value[0] ? sl_format("%s: %s", name, value) : sl_format("%s;", name);
	struct curl_slist *longer = curl_slist_append(transfer->headers, line);
	wipe(line);
	free(line);
	if (!longer)
		return sl_fail(err, SL_E_INTERNAL, "cannot make a list of headers");
	transfer->headers = longer;
	return true;
}

static bool has_header(const struct http_request *request, const char *name)
{
	for (size_t i = 0; i < request->headers_len; i++)
		if (strcasecmp(request->headers[i].name, name) == 0)
			return true;
	return false;
}

static bool add_headers(struct transfer *transfer, const struct http_request *request,
			struct sl_error *err)
{
	for (size_t i = 0; i < request->headers_len; i++)
		if (!add_header(transfer, request->headers[i].name, request->headers[i].value, err))
			return false;
	if (!has_header(request, "Accept") &&
	    !add_header(transfer, "Accept", "application/json", err))
		return false;
	const char *type = request->content_type ? request->content_type : "application/json";
	if (transfer->has_body && !add_header(transfer, "Content-Type", type, err))
		return false;
	if (request->bearer) {
		sl_auto_free char *value = sl_format("Bearer %s", request->bearer);
		bool good = add_header(transfer, "Authorization", value, err);
		wipe(value);
		if (!good)
			return false;
	}
	// Otherwise libcurl waits a second before it sends a long body.
	struct curl_slist *longer = curl_slist_append(transfer->headers, "Expect:");
	if (!longer)
		return sl_fail(err, SL_E_INTERNAL, "cannot make a list of headers");
	transfer->headers = longer;
	return true;
}

#define SET(option, value) (curl_easy_setopt(easy, CURLOPT_##option, (value)) == CURLE_OK)

static bool set_rules(CURL *easy, const struct transfer *transfer,
		      const struct transfer_setting *setting)
{
	bool plain = transfer->place.loopback;

	return SET(PROTOCOLS_STR, plain ? "http" : "https") && SET(FOLLOWLOCATION, 0L) &&
	       SET(SSL_VERIFYPEER, 1L) && SET(SSL_VERIFYHOST, 2L) &&
	       SET(SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
	       (!setting->ca_file || SET(CAINFO, setting->ca_file)) && (!plain || SET(PROXY, "")) &&
	       SET(HEADEROPT, (long)CURLHEADER_SEPARATE) && SET(SUPPRESS_CONNECT_HEADERS, 1L) &&
	       SET(HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) &&
	       SET(CONNECTTIMEOUT, (long)setting->connect_timeout) &&
	       SET(FRESH_CONNECT, transfer->may_repeat ? 0L : 1L);
}

static bool set_callbacks(CURL *easy, struct transfer *transfer)
{
	return SET(WRITEFUNCTION, take_body) && SET(WRITEDATA, transfer) &&
	       SET(HEADERFUNCTION, take_header) && SET(HEADERDATA, transfer) &&
	       SET(READFUNCTION, give_body) && SET(READDATA, transfer) &&
	       SET(SEEKFUNCTION, rewind_body) && SET(SEEKDATA, transfer) &&
	       SET(ERRORBUFFER, transfer->reason) && SET(PRIVATE, transfer);
}

static bool set_request(CURL *easy, const struct transfer *transfer,
			const struct http_request *request, const char *agent)
{
	static const char *const verbs[] = {[HTTP_PUT] = "PUT", [HTTP_DELETE] = "DELETE"};
	const char *verb = request->method >= HTTP_PUT ? verbs[request->method] : NULL;
	bool post = transfer->has_body || request->method == HTTP_POST;

	return SET(URL, request->url) && SET(USERAGENT, agent) &&
	       (post ? SET(POST, 1L) && SET(POSTFIELDSIZE_LARGE, (curl_off_t)transfer->body_len)
		     : SET(HTTPGET, 1L)) &&
	       (!verb || SET(CUSTOMREQUEST, verb)) && SET(HTTPHEADER, transfer->headers) &&
	       (!request->user ||
		(SET(HTTPAUTH, (long)CURLAUTH_BASIC) && SET(USERNAME, request->user) &&
		 SET(PASSWORD, request->password ? request->password : "")));
}

static void copy_request(struct transfer *transfer, const struct http_request *request)
{
	size_t limit = request->answer_limit ? request->answer_limit : HTTP_LIMIT_ANSWER;

	transfer->has_body = request->body != NULL;
	transfer->body_len = request->body ? request->body_len : 0;
	transfer->body = request->body;
	if (!request->body_stays && transfer->body_len > 0) {
		transfer->own_body = sl_alloc(transfer->body_len);
		memcpy(transfer->own_body, request->body, transfer->body_len);
		transfer->body = transfer->own_body;
	}
	transfer->bearer = request->bearer ? sl_strdup(request->bearer) : NULL;
	transfer->password = request->password ? sl_strdup(request->password) : NULL;
	transfer->may_repeat = request->repeat == HTTP_AGAIN;
	transfer->timeout_ms = (int64_t)request->timeout * 1000;
	sl_buf_init(&transfer->heard, limit);
}

static bool prepare(struct transfer *transfer, const struct http_request *request,
		    const struct transfer_setting *setting, struct sl_error *err)
{
	if (!place_find(request->url, &transfer->place, err) ||
	    !add_headers(transfer, request, err))
		return false;
	CURL *easy = transfer->easy = curl_easy_init();
	if (!easy || !set_rules(easy, transfer, setting) || !set_callbacks(easy, transfer) ||
	    !set_request(easy, transfer, request, setting->agent))
		return sl_fail(err, SL_E_INTERNAL, "cannot prepare a request to '%s'",
			       transfer->place.host);
	return true;
}

bool transfer_new(const struct http_request *request, const struct transfer_setting *setting,
		  struct transfer **out, struct sl_error *err)
{
	struct transfer *transfer = sl_alloc(sizeof *transfer);

	copy_request(transfer, request);
	if (!prepare(transfer, request, setting, err)) {
		transfer_free(transfer);
		return false;
	}
	*out = transfer;
	return true;
}

void transfer_free(struct transfer *transfer)
{
	if (!transfer)
		return;
	curl_easy_cleanup(transfer->easy);
	for (struct curl_slist *line = transfer->headers; line; line = line->next)
		wipe(line->data);
	curl_slist_free_all(transfer->headers);
	place_release(&transfer->place);
	if (transfer->own_body)
		explicit_bzero(transfer->own_body, transfer->body_len);
	free(transfer->own_body);
	wipe(transfer->bearer);
	free(transfer->bearer);
	wipe(transfer->password);
	free(transfer->password);
	explicit_bzero(transfer->heard.data, transfer->heard.len);
	sl_buf_release(&transfer->heard);
	free(transfer);
}

void transfer_rewind(struct transfer *transfer)
{
	transfer->body_at = 0;
	explicit_bzero(transfer->heard.data, transfer->heard.len);
	sl_buf_clear(&transfer->heard);
	transfer->headers_len = 0;
	transfer->retry_after = -1;
	transfer->headers_over = transfer->moved = false;
	transfer->reason[0] = '\0';
}

// ---- how it ended --------------------------------------------------------------------------

// What was said to a proxy before there was a way to the other side does not count.
static bool was_sent(const struct transfer *transfer)
{
	long begun = 0;
	curl_off_t connected = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &begun);
	curl_easy_getinfo(transfer->easy, CURLINFO_PRETRANSFER_TIME_T, &connected);
	return begun > 0 && connected > 0 && transfer->body_at == transfer->body_len;
}

static bool is_too_long(const struct transfer *transfer, CURLcode code, struct sl_error *why)
{
	// What libcurl says of one header line that does not end.
	bool endless_line = code == CURLE_OUT_OF_MEMORY && transfer->headers_len > 0;

	if (transfer->headers_over || endless_line)
		return !sl_fail(why, SL_E_LIMIT,
				"the answer of '%s' has more than %llu bytes of headers",
				transfer->place.host, TRANSFER_LIMIT_HEADERS);
	if (transfer->heard.overflow)
		return !sl_fail(why, SL_E_LIMIT, "the answer of '%s' is larger than %zu bytes",
				transfer->place.host, transfer->heard.ceiling);
	return false;
}

static bool is_certificate(CURLcode code)
{
	return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE;
}

// Owned.
static char *reason_of(const struct transfer *transfer, CURLcode code)
{
	char cause[128];
	long number = 0;

	if (code == CURLE_PARTIAL_FILE)
		return sl_strdup("it was cut off");
	if (code == CURLE_GOT_NOTHING)
		return sl_strdup("the connection was closed");
	if ((code == CURLE_SSL_CONNECT_ERROR || is_certificate(code)) && transfer->reason[0])
		return sl_text_shown(transfer->reason);
	curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &number);
	if (code == CURLE_COULDNT_CONNECT && number != 0)
		return sl_strdup(strerror_r((int)number, cause, sizeof cause));
	return sl_strdup(curl_easy_strerror(code));
}

static void explain(const struct transfer *transfer, CURLcode code, bool sent, const char *stalled,
		    struct sl_error *why)
{
	long proxy = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_CONNECTCODE, &proxy);
	if (is_too_long(transfer, code, why))
		return;
	const char *host = transfer->place.host;
	if (!stalled && proxy >= 300) {
		sl_fail(why, SL_E_NETWORK, "cannot reach '%s': the proxy says HTTP %ld", host,
			proxy);
		return;
	}
	sl_auto_free char *shown = stalled ? sl_strdup(stalled) : reason_of(transfer, code);
	sl_fail(why, SL_E_NETWORK, sent ? "no answer from '%s': %s" : "cannot reach '%s': %s", host,
		shown);
}

// Nothing that is shorter is a secret worth a mangled answer.
#define SECRET_LEAST 8

static void strike_out(struct sl_buf *heard, const char *secret)
{
	size_t len = secret ? strlen(secret) : 0;
	char *at = heard->data;

	while (len >= SECRET_LEAST &&
	       (at = memmem(at, heard->len - (size_t)(at - heard->data), secret, len)))
		memset(at, '*', len);
}

void transfer_judge(struct transfer *transfer, CURLcode code, const char *stalled,
		    struct http_answer *answer, struct repeat_outcome *outcome,
		    struct sl_error *why)
{
	bool good = code == CURLE_OK && !stalled;
	long status = 0;

	if (good)
		curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	bool sent = was_sent(transfer);
	transfer->ever_sent = transfer->ever_sent || (sent && status != 429);
	strike_out(&transfer->heard, transfer->bearer);
	strike_out(&transfer->heard, transfer->password);
	if (!good)
		explain(transfer, code, sent, stalled, why);
	*answer = (struct http_answer){.status = status,
				       .body = good ? transfer->heard.data : "",
				       .len = good ? transfer->heard.len : 0,
				       .retry_after = good ? transfer->retry_after : -1,
				       .sent = transfer->ever_sent};
	*outcome = (struct repeat_outcome){.status = status,
					   .retry_after = answer->retry_after,
					   .sent = sent,
					   .hopeless =
						   why->kind == SL_E_LIMIT || is_certificate(code)};
}
