// SPDX-License-Identifier: Apache-2.0
// Secret keys in minisign's form, with and without a password.
//
// Facts: (1) the record is 158 bytes; its last 104 (id, seed, public half, checksum) are XORed with
// scrypt's output when there is a password. (2) Without one, minisign leaves the checksum zero.
// (3) Everything secret lives in sodium_malloc memory and is wiped on every way out. (4) The costs
// that a key file asks for are compared with a ceiling before anything is computed (T19).
#include "bundles/trust/secret_key.h"

#include "bundles/trust/base64.h"
#include "bundles/trust/lines.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define RECORD_BASE64 BASE64_LEN(sizeof(struct record))

// Every member is bytes: no padding, no byte order.
struct secret_part {
	unsigned char id[8], sk[64], checksum[32];
};

struct record {
	unsigned char algorithm[2], kdf[2], checksum_algorithm[2];
	unsigned char salt[32], ops[8], memory[8];
	struct secret_part secret;
};

_Static_assert(sizeof(struct record) == 158, "minisign's secret key record");

static const unsigned char kdf_scrypt[2] = {'S', 'c'}, kdf_none[2] = {0, 0};

bool trust_ready(struct sl_error *err)
{
	return sodium_init() >= 0 ||
	       sl_fail(err, SL_E_INTERNAL, "libsodium cannot be set up on this machine");
}

void secret_cleanup(void *slot)
{
	sodium_free(*(void **)slot);
}

void *secret_alloc(size_t size, struct sl_error *err)
{
	if (!trust_ready(err))
		return NULL;
	void *memory = sodium_malloc(size);
	if (!memory)
		sl_fail(err, SL_E_INTERNAL, "cannot get protected memory for a secret");
	else
		sodium_memzero(memory, size);
	return memory;
}

static uint64_t load_le64(const unsigned char bytes[8])
{
	uint64_t value = 0;
	for (size_t i = 0; i < 8; i++)
		value |= (uint64_t)bytes[i] << (8 * i);
	return value;
}

static void store_le64(unsigned char bytes[8], uint64_t value)
{
	for (size_t i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(value >> (8 * i));
}

// ---- the record -----------------------------------------------------------------------------

static bool decode_record(const char *text, size_t len, const char *shown, struct record *out,
			  struct sl_error *err)
{
	struct line lines[2], comment;
	if (lines_split(text, len, true, lines, 2) != 2 ||
	    !line_after(&lines[0], UNTRUSTED_COMMENT, &comment) ||
	    !base64_decode(lines[1].text, lines[1].len, out, sizeof *out))
		return sl_fail(err, SL_E_INPUT,
			       "%s: not a minisign secret key: expected an 'untrusted comment:' "
			       "line and %zu characters of base64",
			       shown, RECORD_BASE64);
	if (memcmp(out->algorithm, "Ed", 2) != 0 || memcmp(out->checksum_algorithm, "B2", 2) != 0)
		return sl_fail(err, SL_E_INPUT, "%s: a secret key of an unknown algorithm", shown);
	if (memcmp(out->kdf, kdf_scrypt, 2) != 0 && memcmp(out->kdf, kdf_none, 2) != 0)
		return sl_fail(err, SL_E_INPUT,
			       "%s: a secret key with an unknown password scheme (scrypt and none "
			       "are known)",
			       shown);
	return true;
}

// XORs the secret part with scrypt's output: encrypts and decrypts.
static bool apply_password(struct record *record, const char *password, const char *shown,
			   struct sl_error *err)
{
	uint64_t ops = load_le64(record->ops), memory = load_le64(record->memory);
	if (ops > SL_LIMIT_KDF_OPS || memory > SL_LIMIT_KDF_MEMORY)
		return sl_fail(err, SL_E_LIMIT,
			       "%s: the key file asks for more than the limit of 1 GiB of memory "
			       "or %llu operations",
			       shown, SL_LIMIT_KDF_OPS);
	auto_secret unsigned char *stream = secret_alloc(sizeof record->secret, err);
	if (!stream)
		return false;
	if (crypto_pwhash_scryptsalsa208sha256(stream, sizeof record->secret, password,
					       strlen(password), record->salt, ops,
					       (size_t)memory) != 0)
		return sl_fail(err, SL_E_LIMIT,
			       "%s: not enough memory for the password: %llu MiB are needed", shown,
			       (unsigned long long)(memory / SL_MIB));
	unsigned char *secret = (unsigned char *)&record->secret;
	for (size_t i = 0; i < sizeof record->secret; i++)
		secret[i] ^= stream[i];
	return true;
}

static void compute_checksum(const struct record *record, unsigned char out[32])
{
	crypto_generichash_state state;
	crypto_generichash_init(&state, NULL, 0, 32);
	crypto_generichash_update(&state, record->algorithm, sizeof record->algorithm);
	crypto_generichash_update(&state, record->secret.id, sizeof record->secret.id);
	crypto_generichash_update(&state, record->secret.sk, sizeof record->secret.sk);
	crypto_generichash_final(&state, out, 32);
	sodium_memzero(&state, sizeof state);
}

static bool checksum_is_good(const struct record *record)
{
	unsigned char expected[32];
	compute_checksum(record, expected);
	if (memcmp(record->kdf, kdf_none, 2) == 0 && sodium_is_zero(record->secret.checksum, 32))
		return true;
	return sodium_memcmp(expected, record->secret.checksum, sizeof expected) == 0;
}

static bool is_locked(const struct record *record)
{
	return memcmp(record->kdf, kdf_scrypt, 2) == 0;
}

static bool unlock_record(struct record *record, const char *shown, const char *password,
			  struct sl_error *err)
{
	bool locked = is_locked(record);
	if (locked && !password)
		return sl_fail(err, SL_E_INPUT, "%s: this key needs its password", shown);
	if (locked && !apply_password(record, password, shown, err))
		return false;
	return checksum_is_good(record) ||
	       sl_fail(err, SL_E_INPUT,
		       locked ? "%s: wrong password for this key" : "%s: the key file is damaged",
		       shown);
}

// Signing with a public half that is not the seed's own gives the seed away (T38).
static bool make_key(const struct record *record, const char *shown, struct secret_key **key_out,
		     struct sl_error *err)
{
	struct secret_key *key = secret_alloc(sizeof *key, err);
	if (!key)
		return false;
	memcpy(key->public.id, record->secret.id, sizeof key->public.id);
	crypto_sign_seed_keypair(key->public.key, key->sk, record->secret.sk);
	if (sodium_memcmp(key->sk, record->secret.sk, sizeof key->sk) == 0) {
		*key_out = key;
		return true;
	}
	sodium_free(key);
	return sl_fail(err, SL_E_INPUT, "%s: forged or damaged key: its public half is not its own",
		       shown);
}

// ---- loading --------------------------------------------------------------------------------

bool secret_key_parse(const char *text, size_t len, const char *shown, const char *password,
		      struct secret_key **key_out, struct sl_error *err)
{
	auto_secret struct record *record = secret_alloc(sizeof *record, err);
	return record && decode_record(text, len, shown, record, err) &&
	       unlock_record(record, shown, password, err) && make_key(record, shown, key_out, err);
}

// The whole file in protected memory. `*warning_out` is static text or NULL.
static bool read_key_file(const char *path, const char *shown, char **text_out, size_t *len_out,
			  const char **warning_out, struct sl_error *err)
{
	sl_auto_fd int fd = -1;
	uint64_t size;
	struct stat st;
	if (!sl_open_input(path, &fd, &size, err))
		return false;
	if (size > SL_LIMIT_KEY_FILE)
		return sl_fail(err, SL_E_LIMIT, "%s: larger than the %d bytes of a key file", shown,
			       SL_LIMIT_KEY_FILE);
	if (fstat(fd, &st) != 0)
		return sl_fail_errno(err, "cannot read '%s'", shown);
	*warning_out = st.st_mode & 0077 ? "other people can read or change it: chmod 600" : NULL;
	char *text = secret_alloc((size_t)size + 1, err);
	if (!text)
		return false;
	if (!sl_pread_all(fd, text, (size_t)size, 0, shown, err)) {
		sodium_free(text);
		return false;
	}
	*text_out = text;
	*len_out = (size_t)size;
	return true;
}

// Its record, decoded. NULL with an error.
static struct record *read_record(const char *path, const char *shown, const char **warning_out,
				  struct sl_error *err)
{
	auto_secret char *text = NULL;
	size_t len = 0;
	if (!read_key_file(path, shown, &text, &len, warning_out, err))
		return NULL;
	struct record *record = secret_alloc(sizeof *record, err);
	if (!record || decode_record(text, len, shown, record, err))
		return record;
	sodium_free(record);
	return NULL;
}

bool secret_key_load(const char *path, secret_key_asker *ask, void *context,
		     struct secret_key **key_out, struct sl_error *err)
{
	sl_auto_free char *shown = sl_text_shown(path);
	auto_secret char *password = NULL;
	const char *warning;
	auto_secret struct record *record = read_record(path, shown, &warning, err);
	if (!record || (ask && is_locked(record) && !ask(context, &password, err)) ||
	    !unlock_record(record, shown, password, err) || !make_key(record, shown, key_out, err))
		return false;
	(*key_out)->warning = warning;
	return true;
}

bool secret_key_needs_password(const char *path, bool *needs_out, struct sl_error *err)
{
	sl_auto_free char *shown = sl_text_shown(path);
	const char *warning;
	auto_secret struct record *record = read_record(path, shown, &warning, err);
	if (record)
		*needs_out = is_locked(record);
	return record != NULL;
}

void secret_key_free(struct secret_key *key)
{
	sodium_free(key);
}

const struct public_key *secret_key_public(const struct secret_key *key)
{
	return &key->public;
}

const char *secret_key_warning(const struct secret_key *key)
{
	return key->warning;
}

// ---- making ---------------------------------------------------------------------------------

// In a folder where everybody may rename, the file of this name can be anybody's tomorrow (T39).
static bool check_folder(const char *path, struct sl_error *err)
{
	sl_auto_free char *folder = sl_path_dir(path);
	sl_auto_free char *shown = sl_text_shown(folder);
	struct stat st;
	if (stat(folder, &st) != 0)
		return sl_fail_errno(err, "cannot open folder '%s'", shown);
	if ((st.st_mode & S_IWOTH) && !(st.st_mode & S_ISVTX))
		return sl_fail(err, SL_E_INPUT,
			       "will not keep a key in '%s': everybody may change that folder "
			       "(chmod o-w, or choose another with -o)",
			       shown);
	return true;
}

static bool fill_record(struct record *record, const char *password, struct public_key *public_out,
			struct sl_error *err)
{
	memcpy(record->algorithm, "Ed", 2);
	memcpy(record->checksum_algorithm, "B2", 2);
	randombytes_buf(record->secret.id, sizeof record->secret.id);
	crypto_sign_keypair(public_out->key, record->secret.sk);
	memcpy(public_out->id, record->secret.id, sizeof public_out->id);
	if (!password)
		return true;
	memcpy(record->kdf, kdf_scrypt, 2);
	randombytes_buf(record->salt, sizeof record->salt);
	store_le64(record->ops, SL_LIMIT_KDF_OPS);
	store_le64(record->memory, SL_LIMIT_KDF_MEMORY);
	compute_checksum(record, record->secret.checksum);
	return apply_password(record, password, "new key", err);
}

static void write_secret(struct sl_output *out, const struct record *record, char *base64)
{
	bool locked = memcmp(record->kdf, kdf_scrypt, 2) == 0;
	const char *comment = locked ? UNTRUSTED_COMMENT "minisign encrypted secret key\n"
				     : UNTRUSTED_COMMENT "minisign unencrypted secret key\n";
	base64_encode(record, sizeof *record, base64);
	sl_output_write(out, comment, strlen(comment));
	sl_output_write(out, base64, RECORD_BASE64);
	sl_output_write(out, "\n", 1);
}

static void write_public(struct sl_output *out, const struct public_key *key)
{
	char base64[57], id[17], text[200];
	public_key_base64(key, base64);
	public_key_id_hex(key, id);
	int len = snprintf(text, sizeof text, UNTRUSTED_COMMENT "minisign public key %s\n%s\n", id,
			   base64);
	sl_output_write(out, text, (size_t)len);
}

// Both files are open before either is committed, so that an existing one stops both.
static bool store_pair(const char *name, const struct record *record, char *base64,
		       const struct public_key *public, struct sl_error *err)
{
	sl_auto_free char *key_path = sl_format("%s.key", name);
	sl_auto_free char *pub_path = sl_format("%s.pub", name);
	sl_auto_output struct sl_output key = {0}, pub = {0};
	if (!sl_output_open(&key, key_path, 0600, SL_OUTPUT_NEW, err) ||
	    !sl_output_open(&pub, pub_path, 0644, SL_OUTPUT_NEW, err))
		return false;
	write_secret(&key, record, base64);
	write_public(&pub, public);
	if (!sl_output_commit(&key, err))
		return false;
	if (sl_output_commit(&pub, err))
		return true;
	unlink(key_path); // a pair or nothing
	return false;
}

bool key_generate(const char *name, const char *password, struct public_key *public_out,
		  struct sl_error *err)
{
	auto_secret struct record *record = secret_alloc(sizeof *record, err);
	auto_secret char *base64 = record ? secret_alloc(RECORD_BASE64 + 1, err) : NULL;
	return record && base64 && check_folder(name, err) &&
	       fill_record(record, password, public_out, err) &&
	       store_pair(name, record, base64, public_out, err);
}
