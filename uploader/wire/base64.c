// SPDX-License-Identifier: Apache-2.0
#include "uploader/wire/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void encode_group(const unsigned char *in, size_t len, char out[4])
{
	uint32_t bits = (uint32_t)in[0] << 16 | (len > 1 ? (uint32_t)in[1] << 8 : 0) |
			(len > 2 ? in[2] : 0);
	out[0] = alphabet[bits >> 18];
	out[1] = alphabet[bits >> 12 & 63];
	out[2] = len > 1 ? alphabet[bits >> 6 & 63] : '=';
	out[3] = len > 2 ? alphabet[bits & 63] : '=';
}

void wire_base64_add(struct sl_buf *out, const void *data, size_t len)
{
	const unsigned char *in = data;
	char line[1024]; // groups are added together: a buffer's bookkeeping per group would show
	size_t used = 0;
	for (size_t i = 0; i < len; i += 3) {
		encode_group(in + i, len - i, line + used);
		used += 4;
		if (used == sizeof line) {
			sl_buf_add(out, line, used);
			used = 0;
		}
	}
	sl_buf_add(out, line, used);
}

// 0 to 63, or -1.
static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

// The last group, of two or three characters, must be padded to four and hold whole bytes only.
static bool decode_rest(uint32_t bits, unsigned have, unsigned padding, struct sl_buf *out,
			struct sl_error *err)
{
	if (have == 0 && padding == 0)
		return true;
	if (have < 2 || have + padding != 4)
		return sl_fail(err, SL_E_FORMAT, "base64 that is cut off or wrongly padded");
	unsigned spare = have == 2 ? 4 : 2;
	if (bits & ((1u << spare) - 1))
		return sl_fail(err, SL_E_FORMAT, "base64 with bits left over at its end");
	bits >>= spare;
	for (unsigned shift = (have - 1) * 8; shift; shift -= 8)
		sl_buf_addc(out, (char)(bits >> (shift - 8)));
	return true;
}

bool wire_base64_read(const char *text, size_t len, struct sl_buf *out, struct sl_error *err)
{
	uint32_t bits = 0;
	unsigned have = 0, padding = 0;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			continue;
		int value = value_of(text[i]);
		if (text[i] == '=' && padding < 2)
			padding++;
		else if (value < 0 || padding)
			return sl_fail(err, SL_E_FORMAT, "not base64 at its byte %zu", i);
		else {
			bits = bits << 6 | (uint32_t)value;
			have++;
		}
		if (have == 4) {
			const char bytes[3] = {(char)(bits >> 16), (char)(bits >> 8), (char)bits};
			sl_buf_add(out, bytes, sizeof bytes);
			bits = have = 0;
		}
	}
	return decode_rest(bits, have, padding, out, err) && sl_buf_ok(out, "base64", err);
}
