// SPDX-License-Identifier: Apache-2.0
// The bundle file, format 1: sealing one and stepping through one. specs/bundle-format.md is the
// law.
#ifndef SL_FORMAT_H
#define SL_FORMAT_H

#include "bundles/format/manifest.h"

// ---- sealing -------------------------------------------------------------------------------

// A blob to be sealed, and where its bytes are now.
struct seal_blob {
	struct sl_digest sha256; // already known (lock); compared while copying
	uint64_t size;
	char *path; // opened read-only
};

// Makes the text of signatures/prepare.minisig for the manifest's bytes: called once, before blobs
// are copied (so that a password is asked for at once). What it returns goes into a file only if
// every blob then turns out to be what the manifest says. Owned text out, 1 to 1024 bytes.
typedef bool seal_sign(void *context, const char *manifest, size_t len, char **signature_out,
		       struct sl_error *err);

struct seal_request {
	const struct plan *plan;
	enum closure closure;
	const struct content *content; // everything that goes into content.tar.zst, `spec` included
	struct seal_blob *blobs;       // any order, duplicates by digest allowed (stored once)
	size_t blobs_len;
	seal_sign *sign;
	void *sign_context;
	struct sl_progress *progress; // may be NULL; begun and ended in here
};

// Writes the whole bundle to `path` (whole or not at all; an existing file is replaced).
// Blobs are read, hashed, compared and written in one pass, several at once. A blob whose bytes are
// not what the lock says is SL_E_FORMAT and names its path. `id_out` is the bundle id. Memory does
// not grow with the blobs.
bool bundle_seal(const struct seal_request *request, const char *path, struct sl_digest *id_out,
		 struct sl_error *err) SL_MUST_USE;

// ---- reading -------------------------------------------------------------------------------
// The stepper. Order is kept by a state machine: open -> manifest and signatures (raw bytes, not
// yet interpreted) -> gate -> content -> blobs -> end. Nothing after the signatures is looked at
// before bundle_reader_gate() has been told that the manifest's bytes are to be believed.

struct bundle_reader; // holds the one descriptor

struct raw_signature {
	char *member; // "signatures/prepare.minisig"
	char *text;
	size_t len;
};
struct raw_signatures {
	struct raw_signature *items; // an SL_LIST
	size_t len, cap;
};

// Opens the file and reads members 1 to 3. SL_E_FORMAT / SL_E_LIMIT / SL_E_IO. A bundle without
// any signature opens, with an empty list: it is for trust to say that it is unsigned (T23).
bool bundle_open(const char *path, struct bundle_reader **reader_out,
		 struct sl_error *err) SL_MUST_USE;
void bundle_close(struct bundle_reader *reader); // NULL is fine

const char *bundle_shown(const struct bundle_reader *reader); // the path as given
const char *bundle_manifest_text(const struct bundle_reader *reader, size_t *len_out);
struct sl_digest bundle_id(const struct bundle_reader *reader);
const struct raw_signature *bundle_signatures(const struct bundle_reader *reader, size_t *len_out);

// Parses the manifest and checks the file's size and every tar header of the rest against it. To be
// called once, only after the caller has judged the signatures (trust), or was told to do without.
// After a failure the reader can only be closed.
bool bundle_reader_gate(struct bundle_reader *reader, struct sl_error *err) SL_MUST_USE;
const struct manifest *bundle_manifest(const struct bundle_reader *reader); // NULL before the gate

// Checks the digest of content.tar.zst, decompresses it, checks each file. Owned by the reader.
bool bundle_read_content(struct bundle_reader *reader, const struct content **content_out,
			 struct sl_error *err) SL_MUST_USE;

// Hashes every blob, several at once (`threads` 0 = one per processor); SL_E_FORMAT names one that
// differs, always the same one. `progress` (may be NULL) is begun and ended in here.
bool bundle_check_blobs(struct bundle_reader *reader, unsigned threads,
			struct sl_progress *progress, struct sl_error *err) SL_MUST_USE;

// Copies blob `index` to `sink` in pieces while hashing; the digest is checked before it returns
// true, so the sink must not make the bytes final earlier.
typedef bool blob_sink(void *context, const void *data, size_t len, struct sl_error *err);
bool bundle_copy_blob(struct bundle_reader *reader, size_t index, blob_sink *sink, void *context,
		      struct sl_error *err) SL_MUST_USE;

// Reads `len` bytes of blob `index` from `offset` on. Nothing is hashed: whoever uses a piece must
// see to it that the whole is (an agent does before an object gets its name).
bool bundle_read_blob(struct bundle_reader *reader, size_t index, uint64_t offset, void *data,
		      size_t len, struct sl_error *err) SL_MUST_USE;

// Writes a copy of the bundle behind a gated reader to `path` (whole or not at all; an existing
// file is replaced) with further countersignatures in their places. Each is named
// signatures/approve-<64 hex>.minisig and is not there yet (SL_E_INPUT), and all together keep to
// SL_LIMIT_SIGNATURES. The id stays the same; content and blobs are hashed while they are copied.
bool bundle_attach(struct bundle_reader *reader, const struct raw_signature *added,
		   size_t added_len, const char *path, struct sl_error *err) SL_MUST_USE;

#endif
