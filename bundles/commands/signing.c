// SPDX-License-Identifier: Apache-2.0
#include "bundles/commands/signing.h"

#include "bundles/commands/password.h"
#include "bundles/trust/secret_key.h"
#include "bundles/trust/signature.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define EPOCH_END 253402300800 // 10000-01-01T00:00:00Z

// Seconds since 1970 in decimal digits and nothing else, up to the year 9999.
static bool parse_epoch(const char *text, int64_t *time_out)
{
	size_t len = strspn(text, "0123456789");
	if (len == 0 || len > 12 || text[len] != '\0')
		return false;
	*time_out = strtoll(text, NULL, 10);
	return *time_out < EPOCH_END;
}

bool signing_time(const struct signing_options *options, int64_t *time_out, struct sl_error *err)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	if (options->time) {
		if (sl_time_parse(options->time, time_out))
			return true;
		sl_auto_free char *shown = sl_text_shown(options->time);
		return sl_fail(err, SL_E_USAGE,
			       "--signing-time needs a time like 2026-11-22T13:26:02Z, not '%s'",
			       shown);
	}
	if (epoch && epoch[0]) {
		if (parse_epoch(epoch, time_out))
			return true;
		sl_auto_free char *shown = sl_text_shown(epoch);
		return sl_fail(err, SL_E_USAGE,
			       "SOURCE_DATE_EPOCH is '%s', not a number of seconds since 1970 in "
			       "decimal digits, before the year 10000",
			       shown);
	}
	*time_out = (int64_t)time(NULL);
	return true;
}

bool signing_before(struct signing_options *options, struct sl_error *err)
{
	options->helper = (struct signer){-1, -1};
	if (!options->signer)
		return !options->public_key ||
		       sl_fail(err, SL_E_USAGE, "--public-key is about --signer");
	if (options->key || options->password_file)
		return sl_fail(err, SL_E_USAGE,
			       "--signer and a key file contradict each other: who is to sign?");
	return signer_start(options->signer, &options->helper, err);
}

static bool load_public(const struct signing_options *options, struct public_key *out,
			struct sl_error *err)
{
	sl_auto_free char *key = NULL;
	if (options->public_key)
		return public_key_load(options->public_key, out, err);
	if (!key_default_path(&key, err))
		return false;
	sl_auto_free char *stem = sl_strndup(key, strlen(key) - strlen(".key"));
	sl_auto_free char *path = sl_format("%s.pub", stem);
	return public_key_load(path, out, err);
}

bool signing_begin(const struct signing_options *options, struct signing *out, struct sl_error *err)
{
	sl_auto_free char *path = NULL;
	*out = (struct signing){0};
	if (options->signer) {
		out->helper = options->helper;
		return load_public(options, &out->public, err);
	}
	if (options->key)
		path = sl_strdup(options->key);
	else if (!key_default_path(&path, err))
		return false;
	if (!password_load_key(path, options->password_file, &out->key, err))
		return false;
	out->public = *secret_key_public(out->key);
	return true;
}

void signing_end(struct signing *signing)
{
	secret_key_free(signing->key);
	*signing = (struct signing){0};
}

static bool check_signed(const struct signing *signing, const char *comment, const char *text,
			 size_t text_len, const void *message, size_t len, struct sl_error *err)
{
	struct signature signature;
	unsigned char hash[MESSAGE_HASH_SIZE];
	struct sl_error why = {0};
	if (!signature_parse(text, text_len, &signature, &why))
		return sl_fail(err, SL_E_UNTRUSTED,
			       "what the signer wrote is not a minisign signature: %s", why.text);
	if (strcmp(signature.comment, comment) != 0)
		return sl_fail(err, SL_E_UNTRUSTED,
			       "the signer has signed another trusted comment than the one that it "
			       "was given");
	message_hash(message, len, hash);
	return signature_verify(&signature, &signing->public, hash) ||
	       sl_fail(err, SL_E_UNTRUSTED,
		       "what the signer wrote is not a signature of these bytes by the public key "
		       "of --public-key");
}

static bool ask_signer(const struct signing *signing, const struct statement *statement,
		       const void *message, size_t len, char **text_out, struct sl_error *err)
{
	sl_auto_buf struct sl_buf comment = {0};
	sl_auto_free char *text = NULL;
	size_t text_len;
	sl_buf_init(&comment, SL_LIMIT_SIGNATURE);
	if (!trust_ready(err) || !statement_format(statement, &comment, err) ||
	    !signer_sign(&signing->helper, comment.data, message, len, &text, &text_len, err) ||
	    !check_signed(signing, comment.data, text, text_len, message, len, err))
		return false;
	*text_out = sl_take(text);
	return true;
}

bool signing_make(const struct signing *signing, const struct statement *statement,
		  const void *message, size_t len, char **text_out, struct sl_error *err)
{
	return signing->key ? signature_make(signing->key, statement, message, len, text_out, err)
			    : ask_signer(signing, statement, message, len, text_out, err);
}

struct statement signing_statement(enum role role, const struct sl_digest *bundle, const char *name,
				   const char *version, int64_t time)
{
	struct statement statement = {.role = role, .bundle = *bundle, .time = time};
	snprintf(statement.name, sizeof statement.name, "%s", name);
	snprintf(statement.version, sizeof statement.version, "%s", version);
	return statement;
}
