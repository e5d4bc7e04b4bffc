// SPDX-License-Identifier: Apache-2.0
// Who has logged in. The token came from the token service by a connection whose certificate was
// checked, which stands for its signature (OpenID Connect Core 1.0, 3.1.3.7); nothing is decided by
// it, the subject is shown and stored.
#include "uploader/auth/private.h"

#include <sodium.h>

#define ID_TOKEN_MAX (16 * SL_KIB)

static bool broken(struct sl_error *err, const char *what)
{
	return sl_fail(err, SL_E_FORMAT, "the id_token of Globus Auth cannot be used: %s", what);
}

// The second of three parts.
static bool find_claims(const char *text, const char **begin_out, size_t *len_out)
{
	const char *first = strchr(text, '.');
	const char *second = first ? strchr(first + 1, '.') : NULL;

	if (!second || strchr(second + 1, '.') || strlen(text) > ID_TOKEN_MAX)
		return false;
	*begin_out = first + 1;
	*len_out = (size_t)(second - first - 1);
	return true;
}

static json_t *read_claims(const char *text, struct sl_error *err)
{
	const char *begin;
	size_t len, out_len = 0;

	if (!find_claims(text, &begin, &len)) {
		broken(err, "it has not three parts");
		return NULL;
	}
	sl_auto_free char *bytes = sl_alloc(len + 1);
	if (sodium_base642bin((unsigned char *)bytes, len, begin, len, NULL, &out_len, NULL,
			      sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0) {
		broken(err, "its claims are not base64url");
		return NULL;
	}
	json_t *claims = secret_parse(bytes, out_len, "what the id_token of Globus Auth says",
				      SL_E_FORMAT, err);
	explicit_bzero(bytes, len);
	return claims;
}

static bool is_text(const json_t *json, const char *text)
{
	return json_is_string(json) && strcmp(json_string_value(json), text) == 0;
}

static bool is_meant_for(const json_t *audience, const char *client)
{
	for (size_t i = 0; i < json_array_size(audience); i++)
		if (is_text(json_array_get(audience, i), client))
			return true;
	return is_text(audience, client);
}

bool id_token_subject(const char *text, const char *client, char **subject_out,
		      struct sl_error *err)
{
	auto_secret_json json_t *claims = read_claims(text, err);

	if (!claims)
		return false;
	if (!is_meant_for(json_object_get(claims, "aud"), client))
		return broken(err, "it was made for another client");
	const char *subject = json_string_value(json_object_get(claims, "sub"));
	if (!subject || !auth_is_uuid(subject))
		return broken(err, "its subject is no id");
	*subject_out = sl_strdup(subject);
	return true;
}
