// SPDX-License-Identifier: Apache-2.0
#include "bundles/trust/base64.h"

#include <sodium.h>

void base64_encode(const void *data, size_t len, char *out)
{
	sodium_bin2base64(out, BASE64_LEN(len) + 1, data, len, sodium_base64_VARIANT_ORIGINAL);
}

// libsodium 1.0.18 reads every byte above 0x7f as if it were '/'.
static bool is_ascii(const char *text, size_t len)
{
	unsigned char all = 0;
	for (size_t i = 0; i < len; i++)
		all |= (unsigned char)text[i];
	return all < 0x80;
}

// Of the rest, libsodium refuses characters outside the alphabet, missing or superfluous padding
// and bits that would be thrown away; the lengths are ours.
bool base64_decode(const char *text, size_t len, void *out, size_t out_len)
{
	size_t got = 0;
	return len == BASE64_LEN(out_len) && is_ascii(text, len) &&
	       sodium_base642bin(out, out_len, text, len, NULL, &got, NULL,
				 sodium_base64_VARIANT_ORIGINAL) == 0 &&
	       got == out_len;
}
