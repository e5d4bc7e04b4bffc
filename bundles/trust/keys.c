// SPDX-License-Identifier: Apache-2.0
// Public keys in minisign's form: "Ed", an 8-byte id, the 32 bytes of an Ed25519 point.
#include "bundles/trust/base64.h"
#include "bundles/trust/lines.h"
#include "bundles/trust/trust.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define ALGORITHM     "Ed"
#define RECORD_SIZE   (2 + 8 + 32)
#define RECORD_BASE64 BASE64_LEN(RECORD_SIZE)

// What a person sees first when they pass the wrong one of the two files.
static const char *why_not_two_lines(const char *text, size_t len)
{
	if (memchr(text, '\r', len))
		return "it has carriage returns: bring it over without changing its line ends";
	return "expected an 'untrusted comment:' line and one line of base64";
}

static bool decode_record(const struct line *line, unsigned number, const char *shown,
			  struct public_key *out, struct sl_error *err)
{
	unsigned char record[RECORD_SIZE];
	if (line->len == BASE64_LEN(158))
		return sl_fail(err, SL_E_INPUT,
			       "%s:%u: this is a secret key; the public one ends in .pub", shown,
			       number);
	if (!base64_decode(line->text, line->len, record, sizeof record))
		return sl_fail(err, SL_E_INPUT,
			       "%s:%u: not a public key: expected %d characters of base64", shown,
			       number, RECORD_BASE64);
	if (memcmp(record, ALGORITHM, 2) != 0)
		return sl_fail(err, SL_E_INPUT, "%s:%u: not an Ed25519 public key", shown, number);
	memcpy(out->id, record + 2, sizeof out->id);
	memcpy(out->key, record + 10, sizeof out->key);
	if (!crypto_core_ed25519_is_valid_point(out->key))
		return sl_fail(err, SL_E_INPUT,
			       "%s:%u: a forged public key: its point is not canonical or of "
			       "small order",
			       shown, number);
	return true;
}

bool public_key_parse(const char *text, size_t len, const char *shown, struct public_key *out,
		      struct sl_error *err)
{
	struct line lines[2], comment;
	size_t count = lines_split(text, len, true, lines, 2);
	if (count == 1 && !line_after(&lines[0], UNTRUSTED_COMMENT, &comment))
		return decode_record(&lines[0], 1, shown, out, err);
	if (count != 2 || !line_after(&lines[0], UNTRUSTED_COMMENT, &comment))
		return sl_fail(err, SL_E_INPUT, "%s:1: not a minisign public key: %s", shown,
			       why_not_two_lines(text, len));
	return decode_record(&lines[1], 2, shown, out, err);
}

bool public_key_load(const char *path, struct public_key *out, struct sl_error *err)
{
	sl_auto_free char *shown = sl_text_shown(path);
	sl_auto_buf struct sl_buf text;
	sl_buf_init(&text, SL_LIMIT_KEY_FILE);
	return sl_read_file(path, &text, err) &&
	       public_key_parse(text.data, text.len, shown, out, err);
}

bool public_key_equal(const struct public_key *a, const struct public_key *b)
{
	return memcmp(a->key, b->key, sizeof a->key) == 0;
}

void public_key_base64(const struct public_key *key, char out[57])
{
	unsigned char record[RECORD_SIZE];
	memcpy(record, ALGORITHM, 2);
	memcpy(record + 2, key->id, sizeof key->id);
	memcpy(record + 10, key->key, sizeof key->key);
	base64_encode(record, sizeof record, out);
}

void public_key_fingerprint(const struct public_key *key, char hex_out[65])
{
	struct sl_digest digest = sl_sha256_bytes(key->key, sizeof key->key);
	sl_digest_hex(&digest, hex_out);
}

void public_key_id_hex(const struct public_key *key, char out[17])
{
	uint64_t id = 0;
	for (size_t i = 0; i < sizeof key->id; i++)
		id |= (uint64_t)key->id[i] << (8 * i);
	snprintf(out, 17, "%" PRIX64, id);
}
