// SPDX-License-Identifier: Apache-2.0
// What a token comes from: answers of the token service, rows of the SDK's database, token files,
// our own login. The first byte chooses, the second the status of an answer. Whatever is accepted
// can be put into a header, and no message repeats the text CANARY, but for the name of a member
// that does not belong into our own login.
#include "uploader/auth/private.h"

#include <string.h>

#define CLIENT "cccccccc-cccc-4ccc-8ccc-cccccccccccc"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_sound(bool good, const struct token *token, const struct sl_error *err)
{
	if (good != (err->kind == SL_E_NONE))
		abort();
	for (const char *c = err->text; *c; c++)
		if ((unsigned char)*c < ' ')
			abort();
	if (good && (!token_is_text(secret_text(&token->access)) ||
		     (token->refresh.len && !token_is_text(secret_text(&token->refresh)))))
		abort();
}

static void must_be_silent(const struct sl_error *err)
{
	if (strstr(err->text, "CANARY"))
		abort();
}

static void read_answer(long status, const char *text, size_t len)
{
	struct token token;
	struct secret_list others = {0};
	struct sl_error err = {0};

	bool good = token_read(status, text, len, CLIENT, 1795400000, &token, &others, &err);
	must_be_sound(good, &token, &err);
	must_be_silent(&err);
	if (good && (token.until <= 1795400000 || status != 200))
		abort();
	sl_list_each (&others, other)
		if (!token_is_text(secret_text(other)))
			abort();
	secret_list_release(&others);
	token_release(&token);
}

static void read_stored(unsigned kind, const char *text, size_t len)
{
	struct stored stored = {0};
	struct sl_error err = {0};
	bool good;

	if (kind == 1)
		good = storage_read_row(text, len, "file", &stored.token, &err);
	else if (kind == 2)
		good = given_read(text, len, "file", &stored.token, &err);
	else
		good = own_read(text, len, "'file'", &stored, &err);
	must_be_sound(good, &stored.token, &err);
	if (kind != 3)
		must_be_silent(&err);
	stored_release(&stored);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const long statuses[] = {200, 201, 302, 400, 401, 403, 429, 500};

	if (size < 2)
		return 0;
	sl_auto_free char *text = sl_alloc(size - 1);
	memcpy(text, data + 2, size - 2);
	if (data[0] % 4 == 0)
		read_answer(statuses[data[1] % 8], text, size - 2);
	else
		read_stored(data[0] % 4, text, size - 2);
	return 0;
}
