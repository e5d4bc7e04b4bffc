// SPDX-License-Identifier: Apache-2.0
// 1. A secret lies in memory of its own between guard pages, locked against swapping where the
//    account may lock memory.
// 2. Libraries that it passes through (libcurl, SQLite, jansson) copy it into ordinary memory.
//    What we can reach of that is overwritten; for the rest there is no core dump and no attaching.
#include "uploader/auth/private.h"

#include <sodium.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define FIRST_CAP 256

// Here, so that nobody can forget it. Fails only where it is done already.
static void harden(void)
{
	const struct rlimit none = {0, 0};

	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)setrlimit(RLIMIT_CORE, &none);
}

static char *take_memory(size_t size)
{
	static const char line[] = "out of guarded memory\n";
	char *memory = sodium_init() < 0 ? NULL : sodium_malloc(size);

	if (memory)
		return memory;
	ssize_t ignored = write(STDERR_FILENO, line, sizeof line - 1);
	(void)ignored;
	abort();
}

static void grow(struct secret *secret, size_t len)
{
	size_t cap = secret->cap ? secret->cap : FIRST_CAP;

	while (cap <= secret->len + len)
		cap *= 2;
	harden();
	char *text = take_memory(cap);
	if (secret->len > 0)
		memcpy(text, secret->text, secret->len);
	if (secret->text)
		sodium_free(secret->text);
	secret->text = text;
	secret->cap = cap;
}

void secret_add(struct secret *secret, const char *text, size_t len)
{
	if (len == 0)
		return;
	if (secret->len + len >= secret->cap)
		grow(secret, len);
	memcpy(secret->text + secret->len, text, len);
	secret->len += len;
	secret->text[secret->len] = '\0';
}

void secret_set(struct secret *secret, const char *text, size_t len)
{
	struct secret fresh = {0};

	secret_add(&fresh, text, len);
	secret_free(secret);
	*secret = fresh;
}

void secret_free(struct secret *secret)
{
	if (secret->text)
		sodium_free(secret->text); // wipes
	*secret = (struct secret){0};
}

const char *secret_text(const struct secret *secret)
{
	return secret->text ? secret->text : "";
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
	return a->len == b->len && (a->len == 0 || sodium_memcmp(a->text, b->text, a->len) == 0);
}

void secret_list_release(struct secret_list *list)
{
	sl_list_each (list, secret)
		secret_free(secret);
	sl_list_release(list);
}

// ---- JSON ----------------------------------------------------------------------------------

// jansson hands its own bytes out.
static void wipe_string(const json_t *json)
{
	char *text = (char *)(uintptr_t)json_string_value(json);

	explicit_bzero(text, json_string_length(json));
}

static void wipe(json_t *json)
{
	const char *key;
	json_t *value;
	size_t i;

	if (json_is_string(json))
		wipe_string(json);
	json_object_foreach (json, key, value)
		wipe(value);
	json_array_foreach (json, i, value)
		wipe(value);
}

void secret_drop_json(json_t *json)
{
	wipe(json);
	json_decref(json);
}

json_t *secret_parse(const char *text, size_t len, const char *shown, enum sl_kind kind,
		     struct sl_error *err)
{
	struct sl_error why = {0};
	int line, column;

	json_t *json = sl_json_load(text, len, "", &why);
	if (json)
		return json;
	// jansson's own words quote what stands there.
	bool known = sscanf(why.text, ":%d:%d:", &line, &column) == 2;
	explicit_bzero(&why, sizeof why);
	if (known)
		sl_fail(err, kind, "%s is not JSON: line %d, column %d", shown, line, column);
	else
		sl_fail(err, kind, "%s is not JSON that can be read", shown);
	return NULL;
}

static int print_piece(const char *piece, size_t len, void *out)
{
	secret_add(out, piece, len);
	return 0;
}

void secret_print(struct secret *out, const json_t *json)
{
	json_dump_callback(json, print_piece, out,
			   JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
	secret_add(out, "\n", 1);
}

// ---- forms ---------------------------------------------------------------------------------

static void add_escaped(struct secret *form, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-._~";
	char escape[4];

	for (const char *c = text; *c; c++) {
		if (strchr(plain, *c)) {
			secret_add(form, c, 1);
			continue;
		}
		snprintf(escape, sizeof escape, "%%%02X", (unsigned char)*c);
		secret_add(form, escape, 3);
	}
}

void form_add(struct secret *form, const char *name, const char *value)
{
	if (form->len > 0)
		secret_add(form, "&", 1);
	add_escaped(form, name);
	secret_add(form, "=", 1);
	add_escaped(form, value);
}
