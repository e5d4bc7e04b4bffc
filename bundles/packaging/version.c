// SPDX-License-Identifier: Apache-2.0
// The grammar is read left to right with one character of look-ahead; nothing is copied but the
// text itself, once, in lower case.
#include "bundles/packaging/version_parts.h"

#include "bundles/packaging/scan.h"

#include <string.h>

struct reader {
	const char *at, *end;
};

static bool more(const struct reader *reader)
{
	return reader->at < reader->end;
}

static bool at_digit(const struct reader *reader)
{
	return more(reader) && scan_is_digit(*reader->at);
}

static bool is_separator(char c)
{
	return c == '.' || c == '-' || c == '_';
}

static struct version_number number_of(const char *digits, size_t len)
{
	while (len > 1 && *digits == '0') {
		digits++;
		len--;
	}
	struct version_number number = {.value = UINT64_MAX, .digits = digits, .len = len};
	if (len <= 19) {
		number.value = 0;
		for (size_t i = 0; i < len; i++)
			number.value = number.value * 10 + (uint64_t)(digits[i] - '0');
	}
	return number;
}

static struct version_number read_number(struct reader *reader)
{
	const char *start = reader->at;
	while (at_digit(reader))
		reader->at++;
	return number_of(start, (size_t)(reader->at - start));
}

static const struct version_number zero = {.value = 0, .digits = "0", .len = 1};

static bool skip_char(struct reader *reader, char c)
{
	if (!more(reader) || *reader->at != c)
		return false;
	reader->at++;
	return true;
}

// A separator (optional), one of the words, a separator (optional), a number (optional).
static bool read_labelled(struct reader *reader, const char *const *words, size_t *word_out,
			  struct version_number *number_out)
{
	struct reader ahead = *reader;
	if (more(&ahead) && is_separator(*ahead.at))
		ahead.at++;
	for (size_t i = 0; words[i]; i++) {
		size_t len = strlen(words[i]);
		if ((size_t)(ahead.end - ahead.at) < len || memcmp(ahead.at, words[i], len) != 0)
			continue;
		ahead.at += len;
		if (more(&ahead) && is_separator(*ahead.at))
			ahead.at++;
		*number_out = at_digit(&ahead) ? read_number(&ahead) : zero;
		*word_out = i;
		*reader = ahead;
		return true;
	}
	return false;
}

static void read_epoch(struct reader *reader, struct version *version)
{
	struct reader ahead = *reader;
	version->epoch = zero;
	if (!at_digit(&ahead))
		return;
	struct version_number epoch = read_number(&ahead);
	if (!skip_char(&ahead, '!'))
		return;
	version->epoch = epoch;
	*reader = ahead;
}

static bool read_release(struct reader *reader, struct version *version)
{
	do {
		if (!at_digit(reader))
			return false;
		version->release[version->release_len++] = read_number(reader);
		if (version->release[version->release_len - 1].value != 0)
			version->release_used = version->release_len;
		// A dot belongs to the release only when a digit follows.
	} while (reader->end - reader->at > 1 && *reader->at == '.' &&
		 scan_is_digit(reader->at[1]) && reader->at++);
	return true;
}

static void read_pre(struct reader *reader, struct version *version)
{
	static const char *const words[] = {"alpha", "a", "beta", "b", "preview",
					    "pre",   "c", "rc",	  NULL};
	static const enum version_pre kinds[] = {VERSION_PRE_A,	 VERSION_PRE_A,	 VERSION_PRE_B,
						 VERSION_PRE_B,	 VERSION_PRE_RC, VERSION_PRE_RC,
						 VERSION_PRE_RC, VERSION_PRE_RC};
	size_t word;
	if (read_labelled(reader, words, &word, &version->pre_number))
		version->pre = kinds[word];
}

static void read_post(struct reader *reader, struct version *version)
{
	static const char *const words[] = {"post", "rev", "r", NULL};
	if (reader->end - reader->at > 1 && *reader->at == '-' && scan_is_digit(reader->at[1])) {
		reader->at++;
		version->post = read_number(reader);
		version->has_post = true;
		return;
	}
	size_t word;
	version->has_post = read_labelled(reader, words, &word, &version->post);
}

static void read_dev(struct reader *reader, struct version *version)
{
	static const char *const words[] = {"dev", NULL};
	size_t word;
	version->has_dev = read_labelled(reader, words, &word, &version->dev);
}

static bool read_local(struct reader *reader, struct version *version)
{
	if (!skip_char(reader, '+'))
		return true;
	do {
		struct version_local part = {.numeric = true, .text = reader->at};
		for (; more(reader) && scan_is_alnum(*reader->at); reader->at++) {
			part.numeric = part.numeric && scan_is_digit(*reader->at);
			part.len++;
		}
		if (part.len == 0)
			return false;
		if (part.numeric)
			part.number = number_of(part.text, part.len);
		version->local[version->local_len++] = part;
	} while (more(reader) && is_separator(*reader->at) && reader->at++);
	return true;
}

static bool read_version(struct reader *reader, struct version *version)
{
	skip_char(reader, 'v');
	read_epoch(reader, version);
	if (!read_release(reader, version))
		return false;
	read_pre(reader, version);
	read_post(reader, version);
	read_dev(reader, version);
	return read_local(reader, version) && !more(reader);
}

// Upper bounds of how many release and local parts the text can hold.
static void count_parts(const char *text, size_t len, size_t *release_out, size_t *local_out)
{
	const char *plus = memchr(text, '+', len);
	size_t release_len = plus ? (size_t)(plus - text) : len;
	*release_out = 1;
	*local_out = plus ? 1 : 0;
	for (size_t i = 0; i < len; i++) {
		if (i < release_len)
			*release_out += text[i] == '.';
		else
			*local_out += is_separator(text[i]);
	}
}

struct version *version_try(const char *text, size_t len)
{
	scan_trim(&text, &len);
	// Everything begins with a digit or a "v": most other text is turned away before it costs.
	if (len == 0 || (!scan_is_digit(*text) && *text != 'v' && *text != 'V'))
		return NULL;
	size_t release_cap, local_cap;
	count_parts(text, len, &release_cap, &local_cap);
	size_t release_size = release_cap * sizeof(struct version_number);
	size_t local_size = local_cap * sizeof(struct version_local);
	struct version *version = sl_alloc(sizeof *version + release_size + local_size + len + 1);
	char *block = (char *)(version + 1);
	version->release = (struct version_number *)(void *)block;
	version->local = (struct version_local *)(void *)(block + release_size);
	version->text = block + release_size + local_size;
	for (size_t i = 0; i < len; i++)
		version->text[i] = scan_lower(text[i]);
	struct reader reader = {version->text, version->text + len};
	if (read_version(&reader, version))
		return version;
	free(version);
	return NULL;
}

bool version_parse(const char *text, struct version **out, struct sl_error *err)
{
	*out = version_try(text, strlen(text));
	if (*out)
		return true;
	sl_auto_free char *shown = sl_text_shown(text);
	return sl_fail(err, SL_E_INPUT,
		       "'%s' is not a version (PEP 440): write it like 1.4.2, 2.0rc1 or 1.0.post1",
		       shown);
}

void version_free(struct version *version)
{
	free(version);
}

int version_number_compare(const struct version_number *a, const struct version_number *b)
{
	if (a->value != b->value)
		return a->value < b->value ? -1 : 1;
	if (a->value != UINT64_MAX)
		return 0;
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	return memcmp(a->digits, b->digits, a->len);
}

static int compare_release(const struct version *a, const struct version *b)
{
	size_t common = a->release_used < b->release_used ? a->release_used : b->release_used;
	for (size_t i = 0; i < common; i++) {
		int order = version_number_compare(&a->release[i], &b->release[i]);
		if (order)
			return order;
	}
	// What is left ends in a part that is not zero.
	return (a->release_used > common) - (b->release_used > common);
}

// A development release of the release itself lies below all its pre-releases.
static int pre_rank(const struct version *version)
{
	if (version->pre != VERSION_PRE_NONE)
		return (int)version->pre;
	return version->has_dev && !version->has_post ? 0 : 4;
}

static int compare_optional(bool has_a, const struct version_number *a, bool has_b,
			    const struct version_number *b)
{
	if (has_a && has_b)
		return version_number_compare(a, b);
	return (int)has_a - (int)has_b;
}

int version_compare_public(const struct version *a, const struct version *b)
{
	int order = version_number_compare(&a->epoch, &b->epoch);
	if (!order)
		order = compare_release(a, b);
	if (!order)
		order = pre_rank(a) - pre_rank(b);
	if (!order && a->pre != VERSION_PRE_NONE)
		order = version_number_compare(&a->pre_number, &b->pre_number);
	if (!order)
		order = compare_optional(a->has_post, &a->post, b->has_post, &b->post);
	if (order)
		return order;
	if (a->has_dev != b->has_dev)
		return a->has_dev ? -1 : 1;
	return a->has_dev ? version_number_compare(&a->dev, &b->dev) : 0;
}

static int compare_local_part(const struct version_local *a, const struct version_local *b)
{
	if (a->numeric != b->numeric)
		return a->numeric ? 1 : -1;
	if (a->numeric)
		return version_number_compare(&a->number, &b->number);
	size_t common = a->len < b->len ? a->len : b->len;
	int order = memcmp(a->text, b->text, common);
	return order ? order : (a->len > b->len) - (a->len < b->len);
}

int version_compare(const struct version *a, const struct version *b)
{
	int order = version_compare_public(a, b);
	size_t common = a->local_len < b->local_len ? a->local_len : b->local_len;
	for (size_t i = 0; !order && i < common; i++)
		order = compare_local_part(&a->local[i], &b->local[i]);
	return order ? order : (a->local_len > common) - (b->local_len > common);
}

bool version_same_base(const struct version *a, const struct version *b)
{
	return version_number_compare(&a->epoch, &b->epoch) == 0 && compare_release(a, b) == 0;
}

bool version_has_prefix(const struct version *version, const struct version *prefix, size_t parts)
{
	if (version_number_compare(&version->epoch, &prefix->epoch) != 0)
		return false;
	for (size_t i = 0; i < parts; i++) {
		const struct version_number *have =
			i < version->release_len ? &version->release[i] : &zero;
		if (version_number_compare(have, &prefix->release[i]) != 0)
			return false;
	}
	return true;
}

bool version_is_prerelease(const struct version *version)
{
	return version->pre != VERSION_PRE_NONE || version->has_dev;
}

bool version_is_postrelease(const struct version *version)
{
	return version->has_post;
}

static void add_number(struct sl_buf *out, const char *before, const struct version_number *number)
{
	sl_buf_adds(out, before);
	sl_buf_add(out, number->digits, number->len);
}

static void add_release(struct sl_buf *out, const struct version *version, size_t parts)
{
	if (version->epoch.value != 0) {
		add_number(out, "", &version->epoch);
		sl_buf_addc(out, '!');
	}
	for (size_t i = 0; i < parts; i++)
		add_number(out, i ? "." : "", &version->release[i]);
}

static void add_local(struct sl_buf *out, const struct version *version)
{
	for (size_t i = 0; i < version->local_len; i++) {
		const struct version_local *part = &version->local[i];
		sl_buf_addc(out, i ? '.' : '+');
		if (part->numeric)
			add_number(out, "", &part->number);
		else
			sl_buf_add(out, part->text, part->len);
	}
}

char *version_format_as(const struct version *version, enum version_form form)
{
	static const char *const labels[] = {"", "a", "b", "rc"};
	struct sl_buf out;
	// The longest word that normalising adds is ".post" for "-".
	sl_buf_init(&out, 2 * strlen(version->text) + 64);
	size_t parts = version->release_len;
	if (form == VERSION_TRIMMED)
		parts = version->release_used ? version->release_used : 1;
	add_release(&out, version, parts);
	if (form != VERSION_BASE) {
		if (version->pre != VERSION_PRE_NONE)
			add_number(&out, labels[version->pre], &version->pre_number);
		if (version->has_post)
			add_number(&out, ".post", &version->post);
		if (version->has_dev)
			add_number(&out, ".dev", &version->dev);
		if (form != VERSION_PUBLIC)
			add_local(&out, version);
	}
	return out.data; // owned by the caller now
}

char *version_format(const struct version *version)
{
	return version_format_as(version, VERSION_WHOLE);
}

bool version_is_normal(const char *text)
{
	auto_version struct version *version = version_try(text, strlen(text));
	if (!version)
		return false;
	sl_auto_free char *normal = version_format(version);
	return strcmp(normal, text) == 0;
}
