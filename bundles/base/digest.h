// SPDX-License-Identifier: Apache-2.0
// SHA-256 by libcrypto, as bytes and as 64 lower-case hexadecimal digits.
#ifndef SL_BASE_DIGEST_H
#define SL_BASE_DIGEST_H

#include "bundles/base/buf.h"

#include <stdint.h>

#define SL_DIGEST_SIZE 32
#define SL_DIGEST_HEX  64 // without the NUL

struct sl_digest {
	unsigned char bytes[SL_DIGEST_SIZE];
};

struct sl_sha256 {
	uint64_t state[16]; // room for libcrypto's SHA256_CTX, checked in digest.c
};

void sl_sha256_init(struct sl_sha256 *sha);
void sl_sha256_add(struct sl_sha256 *sha, const void *data, size_t len);
struct sl_digest sl_sha256_final(struct sl_sha256 *sha);
struct sl_digest sl_sha256_bytes(const void *data, size_t len);

bool sl_digest_equal(const struct sl_digest *a, const struct sl_digest *b);
int sl_digest_compare(const struct sl_digest *a, const struct sl_digest *b); // order of bytes
void sl_digest_hex(const struct sl_digest *digest, char hex_out[SL_DIGEST_HEX + 1]);
void sl_digest_add_hex(const struct sl_digest *digest, struct sl_buf *out);

// False (without an error record) unless `hex` is exactly 64 characters of [0-9a-f].
bool sl_digest_parse(const char *hex, struct sl_digest *out) SL_MUST_USE;

// Hashes `size` bytes of `fd` from `offset` (pread; the descriptor's own offset is not used).
// SL_E_IO on a read error, SL_E_FORMAT when the file ends early. `name` is for the message.
bool sl_digest_fd(int fd, uint64_t offset, uint64_t size, const char *name,
		  struct sl_digest *digest_out, struct sl_error *err) SL_MUST_USE;

#endif
