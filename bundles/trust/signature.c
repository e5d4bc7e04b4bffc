// SPDX-License-Identifier: Apache-2.0
// Making and reading minisign signatures (prehashed Ed25519). libsodium's verification is strict: S
// below the group order, no small-order point, canonical encodings (T37).
#include "bundles/trust/signature.h"

#include "bundles/trust/base64.h"
#include "bundles/trust/lines.h"
#include "bundles/trust/secret_key.h"

#include <sodium.h>
#include <string.h>

#define ALGORITHM	"ED" // prehashed; the older "Ed" signs the message itself
#define FIXED_UNTRUSTED UNTRUSTED_COMMENT "signature from minisign secret key"

struct signature_record {
	unsigned char algorithm[2], key_id[8], bytes[64];
};

void message_hash(const void *message, size_t len, unsigned char out[MESSAGE_HASH_SIZE])
{
	crypto_generichash(out, MESSAGE_HASH_SIZE, message, len, NULL, 0);
}

// ---- reading --------------------------------------------------------------------------------

static bool read_record(const struct line *line, struct signature *out, struct sl_error *err)
{
	struct signature_record record;
	if (!base64_decode(line->text, line->len, &record, sizeof record))
		return sl_fail(err, SL_E_FORMAT, "line 2 is not a signature");
	if (memcmp(record.algorithm, ALGORITHM, 2) != 0)
		return sl_fail(err, SL_E_FORMAT,
			       "line 2 is not a prehashed Ed25519 signature (minisign without -l "
			       "makes them)");
	memcpy(out->key_id, record.key_id, sizeof out->key_id);
	memcpy(out->bytes, record.bytes, sizeof out->bytes);
	return true;
}

static bool read_comment(const struct line *line, struct signature *out, struct sl_error *err)
{
	struct line comment;
	if (!line_after(line, TRUSTED_COMMENT, &comment) || comment.len >= sizeof out->comment)
		return sl_fail(err, SL_E_FORMAT, "line 3 is not a trusted comment");
	memcpy(out->comment, comment.text, comment.len);
	out->comment[comment.len] = '\0';
	if (!sl_text_is_ascii_printable(out->comment))
		return sl_fail(err, SL_E_FORMAT, "the trusted comment is not printable ASCII");
	return true;
}

bool signature_parse(const char *text, size_t len, struct signature *out, struct sl_error *err)
{
	struct line lines[4];
	if (len > SL_LIMIT_SIGNATURE)
		return sl_fail(err, SL_E_FORMAT, "larger than %d bytes", SL_LIMIT_SIGNATURE);
	if (lines_split(text, len, false, lines, 4) != 4)
		return sl_fail(err, SL_E_FORMAT,
			       "not the four lines of a minisign signature, or with control "
			       "characters");
	if (!line_is(&lines[0], FIXED_UNTRUSTED))
		return sl_fail(err, SL_E_FORMAT, "line 1 must be '%s'", FIXED_UNTRUSTED);
	if (!read_record(&lines[1], out, err) || !read_comment(&lines[2], out, err))
		return false;
	if (!base64_decode(lines[3].text, lines[3].len, out->comment_bytes,
			   sizeof out->comment_bytes))
		return sl_fail(err, SL_E_FORMAT, "line 4 is not a signature");
	return true;
}

// What the second signature covers: the first one and the comment.
static size_t join_comment(const unsigned char bytes[64], const char *comment,
			   unsigned char out[64 + SL_LIMIT_SIGNATURE])
{
	size_t len = strlen(comment);
	memcpy(out, bytes, 64);
	memcpy(out + 64, comment, len);
	return 64 + len;
}

bool signature_verify(const struct signature *signature, const struct public_key *key,
		      const unsigned char hash[MESSAGE_HASH_SIZE])
{
	unsigned char covered[64 + SL_LIMIT_SIGNATURE];
	size_t len = join_comment(signature->bytes, signature->comment, covered);
	return crypto_sign_verify_detached(signature->bytes, hash, MESSAGE_HASH_SIZE, key->key) ==
		       0 &&
	       crypto_sign_verify_detached(signature->comment_bytes, covered, len, key->key) == 0;
}

// ---- making ---------------------------------------------------------------------------------

static void sign(const struct secret_key *key, struct signature *signature,
		 const unsigned char hash[MESSAGE_HASH_SIZE])
{
	unsigned char covered[64 + SL_LIMIT_SIGNATURE];
	crypto_sign_detached(signature->bytes, NULL, hash, MESSAGE_HASH_SIZE, key->sk);
	size_t len = join_comment(signature->bytes, signature->comment, covered);
	crypto_sign_detached(signature->comment_bytes, NULL, covered, len, key->sk);
}

static void write_signature(const struct signature *signature, struct sl_buf *out)
{
	struct signature_record record;
	char first[BASE64_LEN(sizeof record) + 1], second[BASE64_LEN(64) + 1];
	memcpy(record.algorithm, ALGORITHM, 2);
	memcpy(record.key_id, signature->key_id, sizeof record.key_id);
	memcpy(record.bytes, signature->bytes, sizeof record.bytes);
	base64_encode(&record, sizeof record, first);
	base64_encode(signature->comment_bytes, sizeof signature->comment_bytes, second);
	sl_buf_addf(out, FIXED_UNTRUSTED "\n%s\n" TRUSTED_COMMENT "%s\n%s\n", first,
		    signature->comment, second);
}

bool signature_make(const struct secret_key *key, const struct statement *statement,
		    const void *message, size_t len, char **text_out, struct sl_error *err)
{
	struct signature signature = {0};
	unsigned char hash[MESSAGE_HASH_SIZE];
	sl_auto_buf struct sl_buf comment = {0}, text = {0};
	sl_buf_init(&comment, sizeof signature.comment - 1);
	sl_buf_init(&text, SL_LIMIT_SIGNATURE);
	if (!trust_ready(err) || !statement_format(statement, &comment, err))
		return false;
	memcpy(signature.comment, comment.data, comment.len + 1);
	memcpy(signature.key_id, key->public.id, sizeof signature.key_id);
	message_hash(message, len, hash);
	sign(key, &signature, hash);
	write_signature(&signature, &text);
	if (!sl_buf_ok(&text, "signature", err))
		return false;
	if (!signature_verify(&signature, &key->public, hash)) // a fault here would leak the key
		return sl_fail(err, SL_E_INTERNAL, "the signature just made does not verify");
	*text_out = sl_buf_steal(&text, NULL);
	return true;
}
