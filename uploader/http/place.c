// SPDX-License-Identifier: Apache-2.0
// libcurl reads the URL, here and when it connects: two readers would be two opinions.
#include "uploader/http/place.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <string.h>

static void cleanup_url(CURLU **url)
{
	curl_url_cleanup(*url);
}

static void cleanup_part(char **part)
{
	curl_free(*part);
}

#define auto_url  __attribute__((cleanup(cleanup_url)))
#define auto_part __attribute__((cleanup(cleanup_part)))

bool place_is_loopback(const char *host)
{
	struct in_addr address;

	if (strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
		return true;
	return inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

static char *part_of(CURLU *url, CURLUPart what, unsigned flags)
{
	char *part = NULL;

	return curl_url_get(url, what, &part, flags) == CURLUE_OK ? part : NULL;
}

static char *lower(const char *text)
{
	char *copy = sl_strdup(text);

	for (char *c = copy; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	return copy;
}

bool place_find(const char *text, struct place *out, struct sl_error *err)
{
	auto_url CURLU *url = curl_url();
	CURLUcode code = url ? curl_url_set(url, CURLUPART_URL, text, CURLU_DISALLOW_USER)
			     : CURLUE_OUT_OF_MEMORY;

	if (code != CURLUE_OK)
		return sl_fail(err, SL_E_INPUT, "the address of a service is no usable URL: %s",
			       curl_url_strerror(code));
	auto_part char *scheme = part_of(url, CURLUPART_SCHEME, 0);
	auto_part char *name = part_of(url, CURLUPART_HOST, 0);
	auto_part char *port = part_of(url, CURLUPART_PORT, CURLU_NO_DEFAULT_PORT);
	if (!scheme || !name)
		return sl_fail(err, SL_E_INPUT, "the address of a service names no host");
	sl_auto_free char *host = lower(name);
	sl_auto_free char *shown = sl_text_shown(host);
	bool plain = strcmp(scheme, "http") == 0;
	if (!plain && strcmp(scheme, "https") != 0)
		return sl_fail(err, SL_E_INPUT, "the address of a service at '%s' is not https",
			       shown);
	if (plain && !place_is_loopback(host))
		return sl_fail(err, SL_E_INPUT,
			       "will not send anything to '%s' unencrypted: only https leaves this "
			       "machine",
			       shown);
	*out = (struct place){.host = port ? sl_format("%s:%s", shown, port) : sl_take(shown),
			      .loopback = plain};
	return true;
}

void place_release(struct place *place)
{
	free(place->host);
	*place = (struct place){0};
}
