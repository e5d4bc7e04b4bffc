// SPDX-License-Identifier: Apache-2.0
// The smallest bundle with one of everything: a carried base, a user file, a script, two
// signatures.
#ifndef SL_TESTS_TRUST_TINY_H
#define SL_TESTS_TRUST_TINY_H

#include "tests/bundles/trust/fixtures.h"

#include "bundles/format/tar.h"

#include <dirent.h>
#include <fcntl.h>

#define TINY_BASE "not really an image"
#define TINY_FILE "[app]\ncolour = blue\n"
#define TINY_SPEC "sealift: 1\nname: tiny\n"

struct tiny {
	char folder[64];
	char *path; // of the bundle
	struct secret_key *ada, *bob;
	struct policy policy; // ada may prepare, bob may approve
	struct plan *plan;
	struct lock *lock;
	struct content content;
};

static inline struct lock_blob tiny_blob(const char *text)
{
	return (struct lock_blob){sl_sha256_bytes(text, strlen(text)), strlen(text)};
}

static inline struct plan *tiny_plan(void)
{
	struct plan *plan = plan_new();
	plan->name = sl_strdup("tiny");
	plan->version = sl_strdup("1.0.0");
	plan->description = sl_strdup("");
	plan->base.kind = BASE_LOCALIMAGE;
	plan->base.file = sl_strdup("base.sif");
	plan->target.python = sl_strdup("3.11.2");
	plan->target.platform = sl_strdup("linux/x86_64");
	plan->target.glibc = sl_strdup("2.36");
	plan->timeout = 600;
	struct plan_file *file = sl_list_add(&plan->files);
	file->from = sl_strdup("app.ini");
	file->to = sl_strdup("/etc/app.ini");
	file->mode = 0644;
	struct plan_script *script = sl_list_add(&plan->post);
	script->run = sl_strdup("echo hello\n");
	script->network = SCRIPT_NETWORK_NONE;
	return plan;
}

static inline struct lock *tiny_lock(void)
{
	struct lock *lock = lock_new();
	lock->has_base_blob = true;
	lock->base = tiny_blob(TINY_BASE);
	*sl_list_add(&lock->files) = tiny_blob(TINY_FILE);
	return lock;
}

static inline void tiny_render(const struct plan *plan, const struct lock *lock,
			       struct content *content)
{
	struct sl_error err = {0};
	char hex[SL_DIGEST_HEX + 1];
	struct sl_digest file = sl_sha256_bytes(TINY_FILE, strlen(TINY_FILE));
	if (!recipe_render(plan, lock, content, &err))
		fail_msg("%s", err.text);
	sl_digest_hex(&file, hex);
	sl_auto_free char *name = sl_format("files/%s", hex);
	content_add(content, name, TINY_FILE, strlen(TINY_FILE));
	content_add(content, "spec", TINY_SPEC, strlen(TINY_SPEC));
}

static inline bool tiny_sign(void *context, const char *manifest, size_t len, char **signature_out,
			     struct sl_error *err)
{
	const struct tiny *tiny = context;
	struct statement statement = fixture_statement(manifest, len);
	return signature_make(tiny->ada, &statement, manifest, len, signature_out, err);
}

static inline void tiny_seal(struct tiny *tiny)
{
	struct sl_error err = {0};
	struct sl_digest id;
	sl_auto_free char *base = sl_path_join(tiny->folder, "base.sif");
	struct seal_blob blob = {tiny->lock->base.sha256, tiny->lock->base.size, base};
	struct closure_report closure = {0};
	closure_compute(tiny->plan, tiny->lock, &closure);
	struct seal_request request = {
		.plan = tiny->plan,
		.closure = closure.closure,
		.content = &tiny->content,
		.blobs = &blob,
		.blobs_len = 1,
		.sign = tiny_sign,
		.sign_context = tiny,
	};
	closure_report_release(&closure);
	if (!sl_store_file(base, TINY_BASE, strlen(TINY_BASE), 0600, SL_OUTPUT_REPLACE, &err) ||
	    !bundle_seal(&request, tiny->path, &id, &err))
		fail_msg("%s", err.text);
}

static inline char *tiny_read(const struct tiny *tiny, size_t *len_out)
{
	struct sl_error err = {0};
	sl_auto_buf struct sl_buf bytes = {0};
	sl_buf_init(&bytes, 1 << 20);
	if (!sl_read_file(tiny->path, &bytes, &err))
		fail_msg("%s", err.text);
	return sl_buf_steal(&bytes, len_out);
}

static inline void tiny_write(const struct tiny *tiny, const void *data, size_t len)
{
	struct sl_error err = {0};
	if (!sl_store_file(tiny->path, data, len, 0600, SL_OUTPUT_REPLACE | SL_OUTPUT_NO_SYNC,
			   &err))
		fail_msg("%s", err.text);
}

// Puts a further signature of the manifest after member 2, as `attach` would.
static inline void tiny_countersign(struct tiny *tiny, const struct secret_key *key)
{
	struct bundle_reader *reader = NULL;
	struct sl_error err = {0};
	unsigned char header[TAR_BLOCK], zeros[TAR_BLOCK] = {0};
	char fingerprint[65];
	size_t len, manifest_len, count;
	if (!bundle_open(tiny->path, &reader, &err))
		fail_msg("%s", err.text);
	const char *manifest = bundle_manifest_text(reader, &manifest_len);
	const struct raw_signature *signatures = bundle_signatures(reader, &count);
	size_t at = tar_member_bytes(manifest_len);
	for (size_t i = 0; i < count; i++)
		at += tar_member_bytes(signatures[i].len);
	struct statement statement = fixture_statement(manifest, manifest_len);
	statement.role = ROLE_APPROVE;
	sl_auto_free char *text = fixture_sign(key, &statement, manifest, manifest_len);
	public_key_fingerprint(secret_key_public(key), fingerprint);
	sl_auto_free char *member = sl_format("signatures/approve-%s.minisig", fingerprint);
	if (!tar_header_make(member, strlen(text), header, &err))
		fail_msg("%s", err.text);
	bundle_close(reader);
	sl_auto_free char *old = tiny_read(tiny, &len);
	sl_auto_buf struct sl_buf bytes = {0};
	sl_buf_init(&bytes, 1 << 20);
	sl_buf_add(&bytes, old, at);
	sl_buf_add(&bytes, header, sizeof header);
	sl_buf_adds(&bytes, text);
	sl_buf_add(&bytes, zeros, tar_padding(strlen(text)));
	sl_buf_add(&bytes, old + at, len - at);
	tiny_write(tiny, bytes.data, bytes.len);
}

static inline int tiny_set_up(void **state)
{
	struct tiny *tiny = sl_alloc(sizeof *tiny);
	snprintf(tiny->folder, sizeof tiny->folder, P_tmpdir "/sealift-trust.XXXXXX");
	if (!mkdtemp(tiny->folder))
		return -1;
	tiny->path = sl_path_join(tiny->folder, "tiny.sealift");
	tiny->ada = fixture_key(1);
	tiny->bob = fixture_key(2);
	fixture_trust(&tiny->policy, tiny->ada, "ada", true, false);
	fixture_trust(&tiny->policy, tiny->bob, "bob", false, true);
	tiny->plan = tiny_plan();
	tiny->lock = tiny_lock();
	tiny_render(tiny->plan, tiny->lock, &tiny->content);
	tiny_seal(tiny);
	*state = tiny;
	return 0;
}

static inline int tiny_tear_down(void **state)
{
	struct tiny *tiny = *state;
	DIR *folder = opendir(tiny->folder);
	for (struct dirent *entry; folder && (entry = readdir(folder));)
		unlinkat(dirfd(folder), entry->d_name, 0);
	if (folder)
		closedir(folder);
	int failed = rmdir(tiny->folder);
	free(tiny->path);
	secret_key_free(tiny->ada);
	secret_key_free(tiny->bob);
	policy_release(&tiny->policy);
	plan_free(tiny->plan);
	lock_free(tiny->lock);
	content_release(&tiny->content);
	free(tiny);
	return failed;
}

#endif
