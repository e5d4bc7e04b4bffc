// SPDX-License-Identifier: Apache-2.0
// The first look at a spec: is it text, and does it show what it says (T36, T63)?
#include "compiler/spec/node.h"

#include <string.h>

static bool in(uint32_t code, uint32_t first, uint32_t last)
{
	return code >= first && code <= last;
}

const char *spec_refused_character(uint32_t code)
{
	if (code == '\n' || code == '\t')
		return NULL;
	if (code < 0x20 || in(code, 0x7f, 0x9f))
		return "is a control character";
	if (code == 0x2028 || code == 0x2029)
		return "ends a line for some readers only";
	if (in(code, 0x202a, 0x202e) || in(code, 0x2066, 0x2069))
		return "changes the order in which text is shown";
	if (code == 0xfeff)
		return "is a byte order mark";
	if ((code & 0xfffe) == 0xfffe || in(code, 0xfdd0, 0xfdef))
		return "is no character";
	return NULL;
}

static const char *refused_at(const char *text, size_t len, uint32_t code)
{
	if (code == '\r') // as the first half of a line's end only
		return len > 1 && text[1] == '\n' ? NULL : "returns to the start of the line";
	return spec_refused_character(code);
}

bool spec_bytes_check(const char *text, size_t len, struct spec_report *report)
{
	struct spec_place place = {.line = 1, .column = 1, .width = 1};
	if (memchr(text, '\0', len)) {
		spec_report_add(report, (struct spec_place){0}, "",
				"a spec is UTF-8 text in YAML or JSON",
				"not a text file: it holds a NUL byte");
		return false;
	}
	bool clean = true;
	for (size_t at = 0; at < len;) {
		uint32_t code = 0;
		size_t step = sl_text_decode(text + at, len - at, &code);
		if (step == 0) {
			spec_report_add(report, place, "", "save the file as UTF-8",
					"the byte 0x%02X is not UTF-8 here",
					(unsigned)(unsigned char)text[at]);
			return false;
		}
		const char *why = refused_at(text + at, len - at, code);
		if (why) {
			spec_report_add(report, place, "", "leave the character out",
					"the character U+%04X %s", (unsigned)code, why);
			clean = false;
		}
		place.column++;
		if (code == '\n') {
			place.line++;
			place.column = 1;
		}
		at += step;
	}
	return clean;
}
