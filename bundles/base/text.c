// SPDX-License-Identifier: Apache-2.0
#include "bundles/base/text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

// Lengths, smallest value and lead-byte bits of well-formed UTF-8 (RFC 3629).
size_t sl_text_decode(const char *text, size_t len, uint32_t *code_out)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	if (len == 0)
		return 0;
	unsigned char lead = (unsigned char)text[0];
	size_t need = lead < 0x80   ? 1
		      : lead < 0xC2 ? 0
		      : lead < 0xE0 ? 2
		      : lead < 0xF0 ? 3
		      : lead < 0xF5 ? 4
				    : 0;
	if (need == 0 || need > len)
		return 0;
	uint32_t code = need == 1 ? lead : lead & (0x7Fu >> need);
	for (size_t i = 1; i < need; i++) {
		unsigned char next = (unsigned char)text[i];
		if ((next & 0xC0) != 0x80)
			return 0;
		code = code << 6 | (next & 0x3F);
	}
	if (code < smallest[need] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
		return 0;
	*code_out = code;
	return need;
}

// How many bytes from the start are surely ASCII: eight at a time.
static size_t ascii_run(const char *text, size_t len)
{
	size_t run = 0;
	uint64_t word;
	for (; len - run >= sizeof word; run += sizeof word) {
		memcpy(&word, text + run, sizeof word);
		if (word & UINT64_C(0x8080808080808080))
			break;
	}
	return run;
}

bool sl_text_is_utf8(const char *text, size_t len)
{
	uint32_t code;
	for (size_t i = 0, step; i < len; i += step) {
		step = ascii_run(text + i, len - i);
		if (step == 0 && (step = sl_text_decode(text + i, len - i, &code)) == 0)
			return false;
	}
	return true;
}

bool sl_text_is_ascii_printable(const char *text)
{
	for (; *text; text++)
		if (*text < 0x20 || *text > 0x7e)
			return false;
	return true;
}

bool sl_text_is_name(const char *text)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	static const char rest[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t len = strlen(text);
	return len >= 1 && len <= 63 && strchr(first, text[0]) && text[strspn(text, rest)] == '\0';
}

// Ranges of characters that steer, hide or vanish: C1 controls, soft hyphen, combining grapheme
// joiner, Hangul and Khmer fillers, Mongolian separators, zero-width and bidi controls, line and
// paragraph separators, invisible operators, other blanks, variation selectors, surrogates' home,
// private use, interlinear marks, specials, tags.
static const struct {
	uint32_t from, to;
} hidden[] = {
	{0x7f, 0xa0},	    {0xad, 0xad},	 {0x34f, 0x34f},   {0x61c, 0x61c},
	{0x115f, 0x1160},   {0x1680, 0x1680},	 {0x17b4, 0x17b5}, {0x180b, 0x180f},
	{0x2000, 0x200f},   {0x2028, 0x202f},	 {0x205f, 0x206f}, {0x2800, 0x2800},
	{0x3000, 0x3000},   {0x3164, 0x3164},	 {0xe000, 0xf8ff}, {0xfe00, 0xfe0f},
	{0xfeff, 0xfeff},   {0xffa0, 0xffa0},	 {0xfff0, 0xffff}, {0x1bca0, 0x1bca3},
	{0x1d173, 0x1d17a}, {0xe0000, 0x10ffff},
};

static bool is_hidden(uint32_t code)
{
	for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
		if (code >= hidden[i].from && code <= hidden[i].to)
			return true;
	return false;
}

static void escape_one(struct sl_buf *out, const char *text, size_t step, uint32_t code)
{
	if (step == 0)
		sl_buf_addf(out, "\\x%02x", (unsigned char)text[0]);
	else if (code == '\n')
		sl_buf_adds(out, "\\n");
	else if (code == '\t')
		sl_buf_adds(out, "\\t");
	else if (code < 0x20)
		sl_buf_addf(out, "\\x%02x", (unsigned)code);
	else if (is_hidden(code))
		sl_buf_addf(out, "\\u{%x}", (unsigned)code);
	else if (code == '\\')
		sl_buf_adds(out, "\\\\");
	else
		sl_buf_add(out, text, step);
}

void sl_text_escape(struct sl_buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len;) {
		uint32_t code = 0;
		size_t step = sl_text_decode(text + i, len - i, &code);
		escape_one(out, text + i, step, code);
		i += step ? step : 1;
	}
}

void sl_text_tame(struct sl_buf *out, const char *text)
{
	for (const char *slash; (slash = strchr(text, '\\')); text = slash + 1) {
		sl_text_escape(out, text, (size_t)(slash - text));
		sl_buf_addc(out, '\\');
	}
	sl_text_escape(out, text, strlen(text));
}

char *sl_text_shown(const char *text)
{
	enum { MOST = 300 };
	size_t len = strlen(text);
	sl_auto_buf struct sl_buf out;
	sl_buf_init(&out, 16 * MOST);
	sl_text_escape(&out, text, len < MOST ? len : MOST);
	if (len > MOST)
		sl_buf_adds(&out, "…");
	return sl_buf_steal(&out, NULL);
}

// Optimal string alignment distance, cut off at 3; words are short.
static unsigned distance(const char *a, const char *b)
{
	enum { MOST = 40 };
	size_t n = strlen(a), m = strlen(b);
	if (n > MOST || m > MOST || (n > m ? n - m : m - n) > 2)
		return 3;
	unsigned d[MOST + 1][MOST + 1];
	for (unsigned i = 0; i <= n; i++)
		d[i][0] = i;
	for (unsigned j = 0; j <= m; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		for (size_t j = 1; j <= m; j++) {
			unsigned best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
			best = d[i - 1][j] + 1 < best ? d[i - 1][j] + 1 : best;
			best = d[i][j - 1] + 1 < best ? d[i][j - 1] + 1 : best;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    d[i - 2][j - 2] + 1 < best)
				best = d[i - 2][j - 2] + 1;
			d[i][j] = best;
		}
	}
	return d[n][m];
}

const char *sl_text_nearest(const char *word, const char *const *known)
{
	const char *best = NULL;
	unsigned best_distance = strlen(word) <= 3 ? 2 : 3;
	for (; *known; known++) {
		unsigned here = distance(word, *known);
		if (here < best_distance) {
			best_distance = here;
			best = *known;
		}
	}
	return best;
}

void sl_time_format(int64_t seconds, char out[21])
{
	time_t when = (time_t)seconds;
	struct tm parts;
	if (!gmtime_r(&when, &parts) || strftime(out, 21, "%Y-%m-%dT%H:%M:%SZ", &parts) != 20)
		memcpy(out, "0000-00-00T00:00:00Z", 21);
}

static bool digits(const char *text, size_t count, int *value_out)
{
	int value = 0;
	for (size_t i = 0; i < count; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (text[i] - '0');
	}
	*value_out = value;
	return true;
}

bool sl_time_parse(const char *text, int64_t *seconds_out)
{
	struct tm parts = {0};
	if (strlen(text) != 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' ||
	    text[13] != ':' || text[16] != ':' || text[19] != 'Z')
		return false;
	if (!digits(text, 4, &parts.tm_year) || !digits(text + 5, 2, &parts.tm_mon) ||
	    !digits(text + 8, 2, &parts.tm_mday) || !digits(text + 11, 2, &parts.tm_hour) ||
	    !digits(text + 14, 2, &parts.tm_min) || !digits(text + 17, 2, &parts.tm_sec))
		return false;
	if (parts.tm_year < 1970)
		return false;
	parts.tm_year -= 1900;
	parts.tm_mon -= 1;
	int64_t seconds = (int64_t)timegm(&parts);
	char again[21];
	sl_time_format(seconds,
		       again); // timegm accepts the 31st of February: the text must come back
	if (strcmp(again, text) != 0)
		return false;
	*seconds_out = seconds;
	return true;
}

void sl_size_format(uint64_t bytes, char out[16])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	size_t unit = 0;
	double shown = (double)bytes;
	while (shown >= 1024 && unit + 1 < sizeof units / sizeof *units) {
		shown /= 1024;
		unit++;
	}
	snprintf(out, 16, unit ? "%.1f %s" : "%.0f %s", shown, units[unit]);
}
