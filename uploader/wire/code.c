// SPDX-License-Identifier: Apache-2.0
// Functions travel as source text: bytecode kills a worker of another Python.
#include "uploader/wire/base64.h"
#include "uploader/wire/pickle_write.h"
#include "uploader/wire/text.h"

// The worker looks the function up by this name after running the source, and in `st` a colon ends
// it.
static bool is_name(const char *name)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
	static const char rest[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
	return name[0] && strchr(letters, name[0]) && name[strspn(name, rest)] == '\0';
}

static void write_pickled(const char *name, const char *source, size_t len, struct sl_buf *out)
{
	const struct wire_text parts[] = {{name, strlen(name)}, {source, len}};
	size_t size = pickle_texts_size(parts, 2);
	sl_auto_buf struct sl_buf pickle;
	sl_buf_init(&pickle, size);
	pickle_write_texts(&pickle, parts, 2);
	sl_buf_addf(out, "%zu\n04\n", 3 + WIRE_BASE64_LEN(size));
	wire_base64_add(out, pickle.data, pickle.len);
}

bool wire_function(enum wire_set set, const char *name, const char *source, size_t len,
		   struct sl_buf *out, struct sl_error *err)
{
	if (!is_name(name))
		return sl_fail(err, SL_E_INTERNAL, "a function to be sent has no plain name");
	if (!wire_text_is_ascii(source, len) || memchr(source, '\0', len))
		return sl_fail(err, SL_E_INTERNAL, "the source of '%s' is not ASCII text", name);
	if (len > WIRE_LIMIT_SUBMIT)
		return sl_fail(err, SL_E_LIMIT, "the source of '%s': larger than %d bytes", name,
			       WIRE_LIMIT_SUBMIT);
	if (set == WIRE_UNIVERSAL) {
		write_pickled(name, source, len, out);
	} else {
		sl_buf_addf(out, "%zu\nst\n%s:", 4 + strlen(name) + len, name);
		sl_buf_add(out, source, len);
	}
	return sl_buf_ok(out, "function", err);
}
