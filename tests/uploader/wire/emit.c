// SPDX-License-Identifier: Apache-2.0
// The wire as a program, for tests that hand its bytes to the real SDK and back.
#include "uploader/wire/wire.h"

#include <stdio.h>

#define CEILING (32 * SL_MIB)

static int usage(void)
{
	fputs("usage: uploader_wire_emit function universal|modern NAME   <SOURCE\n"
	      "       uploader_wire_emit arguments universal|modern [FILE]...\n"
	      "       uploader_wire_emit result   <RESULT\n"
	      "       uploader_wire_emit refused  <EXCEPTION   (prints yes or no)\n",
	      stderr);
	return 2;
}

static bool emit_function(enum wire_set set, const char *name, struct sl_buf *out,
			  struct sl_error *err)
{
	sl_auto_buf struct sl_buf source;
	sl_buf_init(&source, CEILING);
	return sl_read_fd(0, "standard input", &source, err) &&
	       wire_function(set, name, source.data, source.len, out, err);
}

static bool emit_arguments(enum wire_set set, char **files, size_t count, struct sl_buf *out,
			   struct sl_error *err)
{
	sl_auto_free struct sl_buf *bufs = sl_alloc_array(count + 1, sizeof *bufs);
	sl_auto_free struct wire_text *texts = sl_alloc_array(count + 1, sizeof *texts);
	bool good = true;
	for (size_t i = 0; i < count && good; i++) {
		sl_buf_init(&bufs[i], CEILING);
		good = sl_read_file(files[i], &bufs[i], err);
		texts[i] = (struct wire_text){bufs[i].data, bufs[i].len};
	}
	good = good && wire_arguments(set, texts, count, out, err);
	if (good && wire_arguments_size(set, texts, count) != out->len)
		good = sl_fail(err, SL_E_INTERNAL, "the size was not known beforehand");
	for (size_t i = 0; i < count; i++)
		sl_buf_release(&bufs[i]);
	return good;
}

static bool emit_read(bool result, struct sl_buf *out, struct sl_error *err)
{
	sl_auto_buf struct sl_buf text;
	sl_buf_init(&text, CEILING);
	if (!sl_read_fd(0, "standard input", &text, err))
		return false;
	if (result)
		return wire_result(text.data, text.len, out, err);
	sl_buf_adds(out, wire_was_refused(text.data) ? "yes\n" : "no\n");
	return true;
}

int main(int argc, char **argv)
{
	sl_auto_buf struct sl_buf out;
	struct sl_error err = {0};
	bool good;
	sl_buf_init(&out, CEILING);
	if (argc == 2 && (!strcmp(argv[1], "result") || !strcmp(argv[1], "refused"))) {
		good = emit_read(strcmp(argv[1], "result") == 0, &out, &err);
	} else {
		if (argc < 3 || (strcmp(argv[2], "universal") && strcmp(argv[2], "modern")))
			return usage();
		enum wire_set set = strcmp(argv[2], "modern") ? WIRE_UNIVERSAL : WIRE_MODERN;
		if (argc == 4 && !strcmp(argv[1], "function"))
			good = emit_function(set, argv[3], &out, &err);
		else if (!strcmp(argv[1], "arguments"))
			good = emit_arguments(set, argv + 3, (size_t)argc - 3, &out, &err);
		else
			return usage();
	}
	if (!good)
		fprintf(stderr, "uploader_wire_emit: %s\n", err.text);
	else if (fwrite(out.data, 1, out.len, stdout) != out.len || fflush(stdout))
		return 1;
	return good ? 0 : 1;
}
