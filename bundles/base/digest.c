// SPDX-License-Identifier: Apache-2.0
// SHA256_* rather than EVP_*: the same code and the same speed, but a statically linked program is
// 3.5 MB smaller and starts faster without the provider machinery.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "bundles/base/digest.h"

#include "bundles/base/fs.h"
#include "bundles/limits.h"

#include <openssl/sha.h>
#include <string.h>

_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct sl_sha256), "room for libcrypto's state");

#define PIECE ((size_t)(256 * SL_KIB))

void sl_sha256_init(struct sl_sha256 *sha)
{
	SHA256_Init((SHA256_CTX *)(void *)sha);
}

void sl_sha256_add(struct sl_sha256 *sha, const void *data, size_t len)
{
	SHA256_Update((SHA256_CTX *)(void *)sha, data, len);
}

struct sl_digest sl_sha256_final(struct sl_sha256 *sha)
{
	struct sl_digest digest;
	SHA256_Final(digest.bytes, (SHA256_CTX *)(void *)sha);
	return digest;
}

struct sl_digest sl_sha256_bytes(const void *data, size_t len)
{
	struct sl_sha256 sha;
	sl_sha256_init(&sha);
	sl_sha256_add(&sha, data, len);
	return sl_sha256_final(&sha);
}

int sl_digest_compare(const struct sl_digest *a, const struct sl_digest *b)
{
	return memcmp(a->bytes, b->bytes, SL_DIGEST_SIZE);
}

bool sl_digest_equal(const struct sl_digest *a, const struct sl_digest *b)
{
	return sl_digest_compare(a, b) == 0;
}

void sl_digest_hex(const struct sl_digest *digest, char hex_out[SL_DIGEST_HEX + 1])
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < SL_DIGEST_SIZE; i++) {
		hex_out[2 * i] = digits[digest->bytes[i] >> 4];
		hex_out[2 * i + 1] = digits[digest->bytes[i] & 15];
	}
	hex_out[SL_DIGEST_HEX] = '\0';
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

bool sl_digest_parse(const char *hex, struct sl_digest *out)
{
	for (size_t i = 0; i < SL_DIGEST_SIZE; i++) {
		int high = hex_value(hex[2 * i]);
		int low = high < 0 ? -1 : hex_value(hex[2 * i + 1]);
		if (low < 0)
			return false;
		out->bytes[i] = (unsigned char)(high << 4 | low);
	}
	return hex[SL_DIGEST_HEX] == '\0';
}

bool sl_digest_fd(int fd, uint64_t offset, uint64_t size, const char *name,
		  struct sl_digest *digest_out, struct sl_error *err)
{
	sl_auto_free char *piece = sl_alloc(PIECE);
	struct sl_sha256 sha;
	sl_sha256_init(&sha);
	while (size > 0) {
		size_t len = size < PIECE ? (size_t)size : PIECE;
		if (!sl_pread_all(fd, piece, len, offset, name, err))
			return false;
		sl_sha256_add(&sha, piece, len);
		offset += len;
		size -= len;
	}
	*digest_out = sl_sha256_final(&sha);
	return true;
}
