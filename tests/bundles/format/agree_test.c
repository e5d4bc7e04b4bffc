// SPDX-License-Identifier: Apache-2.0
// Holds this room against the reader and writer in Python. Without arguments it runs agree.py,
// which calls this same program back:
//
//   agree_test read FILE...                               one line of JSON for each file
//   agree_test seal OUT SIGNATURE [NAME=FILE]... [FILE]...   content files, and blobs
#include "bundles/format/format.h"

#include <stdio.h>
#include <string.h>

static void facts(struct bundle_reader *reader, const struct content *content, json_t *out)
{
	size_t count;
	struct sl_digest id = bundle_id(reader);
	const struct raw_signature *signatures = bundle_signatures(reader, &count);
	json_t *names = json_array(), *files = json_array(), *blobs = json_array();
	for (size_t i = 0; i < count; i++)
		sl_json_append(names, json_string(signatures[i].member));
	sl_list_each (&content->files, file) {
		json_t *one = json_object();
		struct sl_digest sha256 = sl_sha256_bytes(file->data, file->size);
		sl_json_set_string(one, "name", file->name);
		sl_json_set_digest(one, "sha256", &sha256);
		sl_json_append(files, one);
	}
	const struct manifest *manifest = bundle_manifest(reader);
	sl_list_each (&manifest->blobs, blob) {
		json_t *one = json_object();
		sl_json_set_digest(one, "sha256", &blob->sha256);
		sl_json_append(blobs, one);
	}
	sl_json_set_digest(out, "id", &id);
	sl_json_set(out, "signatures", names);
	sl_json_set(out, "files", files);
	sl_json_set(out, "blobs", blobs);
}

static void read_one(const char *path)
{
	struct sl_error err = {0};
	struct bundle_reader *reader = NULL;
	const struct content *content = NULL;
	sl_auto_json json_t *out = json_object();
	bool ok = bundle_open(path, &reader, &err) && bundle_reader_gate(reader, &err) &&
		  bundle_read_content(reader, &content, &err) &&
		  bundle_check_blobs(reader, 1, NULL, &err);
	sl_json_set_bool(out, "ok", ok);
	if (ok)
		facts(reader, content, out);
	else
		sl_json_set_string(out, "error", err.text);
	if (!ok)
		sl_json_set_string(out, "kind", sl_kind_name(err.kind));
	bundle_close(reader);
	sl_auto_free char *text = json_dumps(out, JSON_COMPACT | JSON_SORT_KEYS);
	puts(text);
}

static int fail(const struct sl_error *err)
{
	fprintf(stderr, "%s\n", err->text);
	return 1;
}

static bool give_signature(void *context, const char *manifest, size_t len, char **signature_out,
			   struct sl_error *err)
{
	(void)manifest;
	(void)len;
	sl_auto_buf struct sl_buf text;
	sl_buf_init(&text, 4096);
	if (!sl_read_file(context, &text, err))
		return false;
	*signature_out = sl_buf_steal(&text, NULL);
	return true;
}

static bool add_content(struct content *content, const char *argument, const char *path,
			struct sl_error *err)
{
	sl_auto_free char *name = sl_strndup(argument, (size_t)(path - 1 - argument));
	sl_auto_buf struct sl_buf data;
	sl_buf_init(&data, SL_LIMIT_CONTENT_FILE);
	if (!sl_read_file(path, &data, err))
		return false;
	content_add(content, name, data.data, data.len);
	return true;
}

static bool add_blob(struct seal_blob *blob, char *path, struct sl_error *err)
{
	sl_auto_fd int fd = -1;
	blob->path = path;
	return sl_open_input(path, &fd, &blob->size, err) &&
	       sl_digest_fd(fd, 0, blob->size, path, &blob->sha256, err);
}

static int seal(const char *out, char *signature, int argc, char **argv)
{
	struct sl_error err = {0};
	auto_plan struct plan *plan = plan_new();
	plan->name = sl_strdup("my-image");
	plan->version = sl_strdup("1.0.0");
	plan->target.python = sl_strdup("3.11.7");
	plan->target.platform = sl_strdup("linux/x86_64");
	plan->target.glibc = sl_strdup("2.36");
	struct content content = {0};
	sl_auto_free struct seal_blob *blobs = sl_alloc_array((size_t)argc, sizeof *blobs);
	size_t len = 0;
	bool ok = true;
	for (int i = 0; i < argc && ok; i++) {
		const char *equals = strchr(argv[i], '=');
		ok = equals ? add_content(&content, argv[i], equals + 1, &err)
			    : add_blob(&blobs[len++], argv[i], &err);
	}
	struct seal_request request = {.plan = plan,
				       .closure = CLOSURE_SEALED,
				       .content = &content,
				       .blobs = blobs,
				       .blobs_len = len,
				       .sign = give_signature,
				       .sign_context = signature};
	struct sl_digest id;
	ok = ok && bundle_seal(&request, out, &id, &err);
	content_release(&content);
	if (!ok)
		return fail(&err);
	char hex[SL_DIGEST_HEX + 1];
	sl_digest_hex(&id, hex);
	puts(hex);
	return 0;
}

static int run_python(void)
{
	char self[4096];
	ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
	if (len < 0)
		return 1;
	self[len] = '\0';
	setenv("PYTHONDONTWRITEBYTECODE", "1", 1);
	execlp("python3", "python3", SEALIFT_SOURCE_DIR "/tests/bundles/format/agree.py", self,
	       (char *)NULL);
	perror("python3");
	return 1;
}

int main(int argc, char **argv)
{
	if (argc == 1)
		return run_python();
	if (argc >= 4 && strcmp(argv[1], "seal") == 0)
		return seal(argv[2], argv[3], argc - 4, argv + 4);
	if (argc < 3 || strcmp(argv[1], "read") != 0)
		return 2;
	for (int i = 2; i < argc; i++)
		read_one(argv[i]);
	return 0;
}
