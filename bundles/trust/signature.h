// SPDX-License-Identifier: Apache-2.0
// A minisign signature as read, before anybody believes it.
#ifndef SL_TRUST_SIGNATURE_H
#define SL_TRUST_SIGNATURE_H

#include "bundles/trust/trust.h"

#define MESSAGE_HASH_SIZE 64 // BLAKE2b-512: what a prehashed signature signs

struct signature {
	unsigned char key_id[8];
	unsigned char bytes[64];	  // over the message's hash
	unsigned char comment_bytes[64];  // over `bytes` and the comment
	char comment[SL_LIMIT_SIGNATURE]; // the trusted comment: printable ASCII
};

void message_hash(const void *message, size_t len, unsigned char out[MESSAGE_HASH_SIZE]);

// Strict: the four lines that minisign writes, prehashed only, with minisign's own untrusted
// comment, so that no byte of the file is free. SL_E_FORMAT.
bool signature_parse(const char *text, size_t len, struct signature *out,
		     struct sl_error *err) SL_MUST_USE;

// Both Ed25519 signatures are `key`'s: the one over the hash and the one over the comment.
bool signature_verify(const struct signature *signature, const struct public_key *key,
		      const unsigned char hash[MESSAGE_HASH_SIZE]) SL_MUST_USE;

#endif
