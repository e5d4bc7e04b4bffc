// SPDX-License-Identifier: Apache-2.0
// Any bytes as a bundle: every step of the reader, as far as it goes.
#include "bundles/format/format.h"

#include <sys/mman.h>

static bool count_bytes(void *context, const void *data, size_t len, struct sl_error *err)
{
	(void)data;
	(void)err;
	*(uint64_t *)context += len;
	return true;
}

static void copy_blobs(struct bundle_reader *reader)
{
	const struct manifest *manifest = bundle_manifest(reader);
	for (size_t i = 0; i < manifest->blobs.len; i++) {
		struct sl_error err = {0};
		uint64_t count = 0;
		if (bundle_copy_blob(reader, i, count_bytes, &count, &err) &&
		    count != manifest->blobs.items[i].size)
			abort();
	}
}

static void read_bundle(const char *path)
{
	struct sl_error err = {0};
	struct bundle_reader *reader = NULL;
	const struct content *content;
	if (bundle_open(path, &reader, &err)) {
		size_t len;
		bundle_manifest_text(reader, &len);
		if (bundle_reader_gate(reader, &err)) {
			struct sl_error why = {0};
			copy_blobs(reader);
			if (bundle_check_blobs(reader, 1, NULL, &err) &&
			    !bundle_read_content(reader, &content, &why) && why.kind == SL_E_NONE)
				abort();
		}
	}
	bundle_close(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("bundle", MFD_CLOEXEC);
	if (fd < 0 || (size > 0 && write(fd, data, size) != (ssize_t)size))
		abort();
	sl_auto_free char *path = sl_format("/proc/self/fd/%d", fd);
	read_bundle(path);
	close(fd);
	return 0;
}
