// SPDX-License-Identifier: Apache-2.0
// Signatures in files of their own. specs/signatures.md, "Detached files".
#include "bundles/trust/trust.h"

#include <string.h>

char *detached_name(enum role role, const struct sl_digest *bundle, const struct public_key *key)
{
	char id[SL_DIGEST_HEX + 1], fingerprint[65];
	sl_digest_hex(bundle, id);
	public_key_fingerprint(key, fingerprint);
	return sl_format("%s.%s%s.minisig", id, fingerprint, role == ROLE_REVOKE ? ".revoke" : "");
}

static bool take_hex(const char **at, char out[SL_DIGEST_HEX + 1], struct sl_digest *digest_out)
{
	size_t len = strnlen(*at, SL_DIGEST_HEX);
	memcpy(out, *at, len);
	out[len] = '\0';
	*at += len;
	return sl_digest_parse(out, digest_out);
}

bool detached_name_parse(const char *leaf, enum role *role_out, struct sl_digest *bundle_out,
			 char fingerprint_out[65])
{
	char id[SL_DIGEST_HEX + 1];
	struct sl_digest key;
	if (!take_hex(&leaf, id, bundle_out) || *leaf++ != '.' ||
	    !take_hex(&leaf, fingerprint_out, &key))
		return false;
	*role_out = strcmp(leaf, ".revoke.minisig") == 0 ? ROLE_REVOKE : ROLE_APPROVE;
	return *role_out == ROLE_REVOKE || strcmp(leaf, ".minisig") == 0;
}

void raw_signatures_release(struct raw_signatures *list)
{
	sl_list_each (list, signature) {
		free(signature->member);
		free(signature->text);
	}
	sl_list_release(list);
}

static bool read_one(int folder, const char *leaf, const char *shown, struct raw_signatures *out,
		     struct sl_error *err)
{
	sl_auto_fd int fd = -1;
	uint64_t size;
	char text[SL_LIMIT_SIGNATURE + 1];
	if (!sl_open_beneath(folder, leaf, shown, &fd, &size, err))
		return false;
	size_t len = size < sizeof text ? (size_t)size : sizeof text; // one more than a good one
	if (!sl_pread_all(fd, text, len, 0, shown, err))
		return false;
	*sl_list_add(out) = (struct raw_signature){sl_strdup(leaf), sl_strndup(text, len), len};
	return true;
}

bool detached_load(const char *folder, const struct sl_digest *bundle, struct raw_signatures *out,
		   struct sl_error *err)
{
	sl_auto_fd int fd = -1;
	struct sl_strings names = {0};
	sl_auto_free char *shown = sl_text_shown(folder);
	size_t before = out->len;
	bool good = sl_open_dir(folder, &fd, err) &&
		    sl_list_dir(fd, shown, SL_LIMIT_SIGNATURE_FILES, &names, err);
	for (size_t i = 0; good && i < names.len; i++) {
		enum role role;
		struct sl_digest id;
		char fingerprint[65];
		if (!detached_name_parse(names.items[i], &role, &id, fingerprint) ||
		    !sl_digest_equal(&id, bundle))
			continue;
		if (out->len - before == SL_LIMIT_SIGNATURES) {
			good = sl_fail(err, SL_E_LIMIT,
				       "'%s' has more than %d signatures of one bundle", shown,
				       SL_LIMIT_SIGNATURES);
			break;
		}
		sl_auto_free char *path = sl_format("%s/%s", shown, names.items[i]);
		good = read_one(fd, names.items[i], path, out, err);
	}
	sl_strings_release(&names);
	return good;
}
