// SPDX-License-Identifier: Apache-2.0
// 1. A transfer is in the list from http_send() to its `done`: waiting for its time (due_ms), the
//    hold of its host and the bucket, or running.
// 2. Every try takes its turn in the bucket, repeats as well.
// 3. `done` may send and forget: whoever walks the list starts again after calling it.
// 4. Silence and deadlines are counted here, from the bytes that moved, so that a message can say
//    which it was.
#include "uploader/http/transfer.h"

#include <assert.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#define RUNNING_MAX 16 // connections at once

struct origin {
	char *host;
	int64_t hold_ms; // nothing is sent there before
};

struct http {
	CURLM *multi;
	struct http_options options;
	struct transfer_setting setting;
	char *agent, *ca_file;
	struct http_bucket bucket;
	SL_LIST(struct origin) origins; // those that said 429
	struct transfer *first;
	size_t pending, running;
	bool stepping;
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// ---- making one ----------------------------------------------------------------------------

static bool is_switch(const char *value)
{
	static const char *const words[] = {"0",  "1",	 "true", "false", "t", "f",
					    "on", "off", "yes",	 "no",	  "y", "n"};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcasecmp(value, words[i]) == 0)
			return true;
	return value[0] == '\0';
}

static bool find_certificates(char **file_out, struct sl_error *err)
{
	const char *value = getenv("GLOBUS_SDK_VERIFY_SSL");
	struct stat stat_buf;

	*file_out = NULL;
	if (!value || is_switch(value))
		return true;
	if (stat(value, &stat_buf) == 0 && S_ISREG(stat_buf.st_mode)) {
		*file_out = sl_strdup(value);
		return true;
	}
	sl_auto_free char *shown = sl_text_shown(value);
	return sl_fail(err, SL_E_INPUT,
		       "GLOBUS_SDK_VERIFY_SSL is '%s': there is no such file of certificates",
		       shown);
}

static unsigned or_usual(unsigned value, unsigned usual)
{
	return value ? value : usual;
}

bool http_new(const struct http_options *options, struct http **out, struct sl_error *err)
{
	sl_auto_free char *ca_file = NULL;

	if (!find_certificates(&ca_file, err))
		return false;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return sl_fail(err, SL_E_INTERNAL, "cannot set up libcurl");
	CURLM *multi = curl_multi_init();
	if (!multi) {
		curl_global_cleanup();
		return sl_fail(err, SL_E_INTERNAL, "cannot set up libcurl");
	}
	struct http *http = sl_alloc(sizeof *http);
	*http = (struct http){.multi = multi, .options = *options};
	http->options.timeout = or_usual(options->timeout, 60);
	http->options.deadline = or_usual(options->deadline, 900);
	http->options.pause_ms = or_usual(options->pause_ms, 500);
	http->options.busy_ms = or_usual(options->busy_ms, 10000);
	http->agent =
		sl_strdup(options->agent ? options->agent : "sealift-upload/" SEALIFT_VERSION);
	http->ca_file = sl_take(ca_file);
	http->setting = (struct transfer_setting){.agent = http->agent,
						  .ca_file = http->ca_file,
						  .connect_timeout =
							  or_usual(options->connect_timeout, 30)};
	http_bucket_init(&http->bucket, options->burst, options->period_ms);
	*out = http;
	return true;
}

// ---- the list ------------------------------------------------------------------------------

static void append(struct http *http, struct transfer *transfer)
{
	struct transfer **slot = &http->first;

	while (*slot)
		slot = &(*slot)->next;
	*slot = transfer;
	http->pending++;
}

static void stop(struct http *http, struct transfer *transfer)
{
	if (!transfer->running)
		return;
	curl_multi_remove_handle(http->multi, transfer->easy);
	transfer->running = false;
	http->running--;
}

static void take_out(struct http *http, struct transfer *transfer)
{
	struct transfer **slot = &http->first;

	stop(http, transfer);
	while (*slot != transfer)
		slot = &(*slot)->next;
	*slot = transfer->next;
	http->pending--;
}

static void drop(struct http *http, struct transfer *transfer)
{
	take_out(http, transfer);
	transfer_free(transfer);
}

void http_forget(struct http *http, const void *context)
{
	for (struct transfer *transfer = http->first, *next; transfer; transfer = next) {
		next = transfer->next;
		if (transfer->context == context)
			drop(http, transfer);
	}
}

void http_free(struct http *http)
{
	if (!http)
		return;
	assert(!http->stepping);
	while (http->first)
		drop(http, http->first);
	curl_multi_cleanup(http->multi);
	sl_list_each (&http->origins, origin)
		free(origin->host);
	sl_list_release(&http->origins);
	free(http->agent);
	free(http->ca_file);
	free(http);
	curl_global_cleanup();
}

size_t http_pending(const struct http *http)
{
	return http->pending;
}

bool http_send(struct http *http, const struct http_request *request, http_done *done,
	       void *context, struct sl_error *err)
{
	struct transfer *transfer;

	if (!transfer_new(request, &http->setting, &transfer, err))
		return false;
	transfer->done = done;
	transfer->context = context;
	if (transfer->timeout_ms == 0)
		transfer->timeout_ms = (int64_t)http->options.timeout * 1000;
	transfer->repeat =
		(struct repeat){.kind = request->repeat,
				.pause_ms = http->options.pause_ms,
				.busy_ms = http->options.busy_ms,
				.patience_ms = (int64_t)or_usual(request->patience, 120) * 1000};
	append(http, transfer);
	return true;
}

// ---- holds ---------------------------------------------------------------------------------

static struct origin *find_origin(struct http *http, const char *host)
{
	sl_list_each (&http->origins, origin)
		if (strcmp(origin->host, host) == 0)
			return origin;
	return NULL;
}

static void hold(struct http *http, const char *host, int64_t until_ms)
{
	struct origin *origin = find_origin(http, host);

	if (!origin) {
		origin = sl_list_add(&http->origins);
		origin->host = sl_strdup(host);
	}
	if (origin->hold_ms < until_ms)
		origin->hold_ms = until_ms;
}

// When the transfer may start as far as itself and its host are concerned.
static int64_t ready_ms(struct http *http, const struct transfer *transfer)
{
	const struct origin *origin = find_origin(http, transfer->place.host);

	return origin && origin->hold_ms > transfer->due_ms ? origin->hold_ms : transfer->due_ms;
}

// ---- moving on -----------------------------------------------------------------------------

static bool start(struct http *http, struct transfer *transfer, int64_t now, struct sl_error *err)
{
	transfer_rewind(transfer);
	if (curl_multi_add_handle(http->multi, transfer->easy) != CURLM_OK)
		return sl_fail(err, SL_E_INTERNAL, "cannot start a request to '%s'",
			       transfer->place.host);
	transfer->running = true;
	transfer->began_ms = transfer->moved_ms = now;
	http->running++;
	http_bucket_take(&http->bucket, now);
	return true;
}

static bool start_due(struct http *http, struct sl_error *err)
{
	int64_t now = now_ms();

	for (struct transfer *transfer = http->first; transfer; transfer = transfer->next) {
		if (http->running >= RUNNING_MAX || http_bucket_wait(&http->bucket, now) > 0)
			return true;
		if (!transfer->running && ready_ms(http, transfer) <= now &&
		    !start(http, transfer, now, err))
			return false;
	}
	return true;
}

static unsigned noise(void)
{
	unsigned value = 0;

	return getrandom(&value, sizeof value, GRND_NONBLOCK) == (ssize_t)sizeof value ? value : 0;
}

// Ends one try: another one later, or `done`. True if that was the end.
static bool end_try(struct http *http, struct transfer *transfer, CURLcode code,
		    const char *stalled)
{
	struct http_answer answer;
	struct repeat_outcome outcome;
	struct sl_error why = {0};

	transfer_judge(transfer, code, stalled, &answer, &outcome, &why);
	stop(http, transfer);
	int64_t pause = repeat_pause(&transfer->repeat, &outcome, noise());
	if (pause >= 0) {
		transfer->due_ms = now_ms() + pause;
		if (outcome.status == 429)
			hold(http, transfer->place.host, transfer->due_ms);
		return false;
	}
	take_out(http, transfer);
	transfer->done(transfer->context, &answer, why.kind == SL_E_NONE ? NULL : &why);
	transfer_free(transfer);
	return true;
}

static bool collect(struct http *http)
{
	bool ended = false;
	int left;

	for (CURLMsg *message; (message = curl_multi_info_read(http->multi, &left));) {
		struct transfer *transfer = NULL;
		if (message->msg != CURLMSG_DONE)
			continue;
		CURLcode code = message->data.result;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
		ended = end_try(http, transfer, code, NULL) || ended;
	}
	return ended;
}

static int64_t deadline_ms(const struct http *http, const struct transfer *transfer)
{
	int64_t silent = transfer->moved_ms + transfer->timeout_ms;
	int64_t whole = transfer->began_ms + (int64_t)http->options.deadline * 1000;

	return silent < whole ? silent : whole;
}

static struct transfer *find_stalled(struct http *http, int64_t now)
{
	for (struct transfer *transfer = http->first; transfer; transfer = transfer->next) {
		if (!transfer->running)
			continue;
		if (transfer->moved)
			transfer->moved_ms = now;
		transfer->moved = false;
		if (deadline_ms(http, transfer) <= now)
			return transfer;
	}
	return NULL;
}

static bool end_stalled(struct http *http)
{
	bool ended = false;
	int64_t now = now_ms();

	for (struct transfer *transfer; (transfer = find_stalled(http, now));) {
		bool silent = now - transfer->moved_ms >= transfer->timeout_ms;
		sl_auto_free char *stalled =
			silent ? sl_format("nothing moved for %lld seconds",
					   (long long)transfer->timeout_ms / 1000)
			       : sl_format("it took longer than %u seconds in all",
					   http->options.deadline);
		ended = end_try(http, transfer, CURLE_OK, stalled) || ended;
	}
	return ended;
}

static bool move_on(struct http *http, bool *ended, struct sl_error *err)
{
	int running;

	if (!start_due(http, err))
		return false;
	if (curl_multi_perform(http->multi, &running) != CURLM_OK)
		return sl_fail(err, SL_E_INTERNAL, "libcurl cannot go on");
	*ended = collect(http);
	*ended = end_stalled(http) || *ended;
	return true;
}

static void sooner(int64_t *wait, int64_t other)
{
	if (other < *wait)
		*wait = other > 0 ? other : 0;
}

// How long nothing can happen by itself.
static int64_t idle_ms(struct http *http, int64_t wait)
{
	int64_t now = now_ms();

	for (const struct transfer *transfer = http->first; transfer; transfer = transfer->next) {
		if (transfer->running) {
			sooner(&wait, deadline_ms(http, transfer) - now);
		} else if (http->running < RUNNING_MAX) {
			int64_t ready = ready_ms(http, transfer) - now;
			int64_t turn = http_bucket_wait(&http->bucket, now);
			sooner(&wait, ready > turn ? ready : turn);
		}
	}
	return wait;
}

static bool step_until(struct http *http, int64_t until, struct sl_error *err)
{
	for (bool ended = false;;) {
		if (!move_on(http, &ended, err))
			return false;
		int64_t left = until - now_ms();
		if (ended || left <= 0)
			return true;
		int64_t wait = idle_ms(http, left);
		if (curl_multi_poll(http->multi, NULL, 0, (int)wait, NULL) != CURLM_OK)
			return sl_fail(err, SL_E_INTERNAL, "libcurl cannot wait");
	}
}

bool http_step(struct http *http, unsigned timeout_ms, struct sl_error *err)
{
	assert(!http->stepping); // a `done` must not step
	if (timeout_ms > INT32_MAX)
		timeout_ms = INT32_MAX;
	http->stepping = true;
	bool good = step_until(http, now_ms() + timeout_ms, err);
	http->stepping = false;
	return good;
}
