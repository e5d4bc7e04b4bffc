// SPDX-License-Identifier: Apache-2.0
// The values of a policy: what is a good one, and what it matches. Names, bases and URLs are
// compared by whole components, never as beginnings of texts (T48).
#include "bundles/packaging/name.h"
#include "bundles/packaging/version.h"
#include "bundles/trust/policy.h"

#include <string.h>

#define DIGEST_PREFIX "sha256:"

// ---- names ---------------------------------------------------------------------------------

const char *policy_check_name(const char *name)
{
	size_t len = strlen(name);
	if (len == 0 || len > SL_LIMIT_KEY_NAME)
		return "a name has 1 to 100 bytes";
	struct sl_digest fingerprint;
	if (sl_digest_parse(name, &fingerprint))
		return "a name is not 64 hexadecimal digits: it would pass for a fingerprint";
	sl_auto_buf struct sl_buf shown = {0};
	sl_buf_init(&shown, 16 * SL_LIMIT_KEY_NAME);
	sl_text_escape(&shown, name, len);
	if (shown.len != len || memcmp(shown.data, name, len) != 0)
		return "a name has no control or invisible characters and no backslash";
	return NULL;
}

const char *policy_check_pattern(const char *pattern)
{
	size_t len = strlen(pattern);
	bool good = len >= 1 && len <= SL_LIMIT_KEY_PATTERN &&
		    strspn(pattern, "abcdefghijklmnopqrstuvwxyz0123456789._-*") == len &&
		    !strchr("._-", pattern[0]);
	return good ? NULL
		    : "a pattern is a bundle's name in which '*' stands for any characters, of at "
		      "most 63";
}

// A star takes as little as it can; when the rest does not fit, the last star takes one more.
bool policy_name_matches(const char *pattern, const char *name)
{
	const char *star = NULL, *resume = NULL;
	while (*name) {
		if (*pattern == '*') {
			star = pattern++;
			resume = name;
		} else if (*pattern == *name) {
			pattern++;
			name++;
		} else if (star) {
			pattern = star + 1;
			name = ++resume;
		} else {
			return false;
		}
	}
	return pattern[strspn(pattern, "*")] == '\0';
}

bool policy_key_covers(const struct policy_key *key, const char *bundle_name)
{
	for (size_t i = 0; i < key->bundles.len; i++)
		if (policy_name_matches(key->bundles.items[i], bundle_name))
			return true;
	return key->bundles.len == 0;
}

// ---- whole components ----------------------------------------------------------------------

// `text` is `allowed`, or goes on after it with a slash.
static bool is_at_or_below(const char *allowed, const char *text)
{
	size_t len = strlen(allowed);
	while (len > 0 && allowed[len - 1] == '/')
		len--;
	return strncmp(allowed, text, len) == 0 && (text[len] == '\0' || text[len] == '/');
}

// ---- bases ---------------------------------------------------------------------------------

static bool read_digest(const char *base, struct sl_digest *out)
{
	return strncmp(base, DIGEST_PREFIX, strlen(DIGEST_PREFIX)) == 0 &&
	       sl_digest_parse(base + strlen(DIGEST_PREFIX), out);
}

// "REGISTRY" alone is the beginning of references, not one.
static const char *check_reference(const char *base)
{
	sl_auto_free char *below = sl_format("%s/x", base);
	return strchr(base, '/') ? plan_check_reference(base) : plan_check_reference(below);
}

const char *policy_check_base(const char *base)
{
	struct sl_digest digest;
	bool good = read_digest(base, &digest) || (*base && !check_reference(base));
	return good ? NULL
		    : "a base is REGISTRY/PATH without tag and digest, in lower case, or sha256: "
		      "and 64 hexadecimal digits";
}

bool policy_base_matches(const char *allowed, const struct plan_base *base,
			 const struct sl_digest *carried)
{
	struct sl_digest digest;
	if (read_digest(allowed, &digest))
		return sl_digest_equal(&digest,
				       base->kind == BASE_DOCKER ? &base->digest : carried);
	return base->kind == BASE_DOCKER && is_at_or_below(allowed, base->reference);
}

// ---- indexes -------------------------------------------------------------------------------

struct url {
	size_t origin; // length of scheme, "://", host
	const char *path;
	const char *port; // digits, or the scheme's own
	size_t port_len;
	bool tls;
};

static bool is_host(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool word =
			(text[i] >= 'a' && text[i] <= 'z') || (text[i] >= '0' && text[i] <= '9');
		if (!word && (i == 0 || i + 1 == len || (text[i] != '-' && text[i] != '.')))
			return false;
	}
	return len > 0;
}

// Components between slashes; one slash at the end is fine.
static bool is_path(const char *path)
{
	while (*path == '/') {
		size_t len = strcspn(++path, "/");
		bool dots =
			(len == 1 && path[0] == '.') || (len == 2 && memcmp(path, "..", 2) == 0);
		if (dots || (len == 0 && *path) ||
		    strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				 "._~+-") < len)
			return false;
		path += len;
	}
	return *path == '\0';
}

static bool read_url(const char *text, struct url *out)
{
	*out = (struct url){.tls = strncmp(text, "https://", 8) == 0};
	if (!out->tls && strncmp(text, "http://", 7) != 0)
		return false;
	const char *host = text + (out->tls ? 8 : 7);
	size_t len = strcspn(host, ":/");
	out->origin = (size_t)(host - text) + len;
	out->port = out->tls ? "443" : "80";
	out->path = host + len;
	if (*out->path == ':') {
		out->port = out->path + 1;
		out->path = out->port + strspn(out->port, "0123456789");
		out->port_len = (size_t)(out->path - out->port);
		if (out->port_len == 0 || out->port_len > 5 || out->port[0] == '0')
			return false;
	} else {
		out->port_len = strlen(out->port);
	}
	return strlen(text) <= SL_LIMIT_INDEX && is_host(host, len) && is_path(out->path);
}

const char *policy_check_index(const char *url)
{
	struct url read;
	return read_url(url, &read)
		       ? NULL
		       : "an index is http:// or https://, a host in lower case and a plain path: "
			 "no user, query, fragment, '.' or '..'";
}

bool policy_index_matches(const char *allowed, const char *url)
{
	struct url left, right;
	return read_url(allowed, &left) && read_url(url, &right) && left.origin == right.origin &&
	       strncmp(allowed, url, left.origin) == 0 && left.port_len == right.port_len &&
	       memcmp(left.port, right.port, left.port_len) == 0 &&
	       is_at_or_below(left.path, right.path);
}

// ---- denied packages -----------------------------------------------------------------------

struct comparison {
	char op[3];
	struct version *version; // owned
};

// Reads one comparison and steps over it.
static bool read_comparison(const char **at, struct comparison *out)
{
	size_t op = strspn(*at, "<>=!"), len = strcspn(*at + op, ",");
	static const char *const known[] = {"<", "<=", "==", "!=", ">=", ">"};
	bool found = false;
	*out = (struct comparison){0};
	for (size_t i = 0; i < 6; i++)
		found = found || (strlen(known[i]) == op && strncmp(known[i], *at, op) == 0);
	if (!found)
		return false;
	memcpy(out->op, *at, op);
	sl_auto_free char *version = sl_strndup(*at + op, len);
	if (strchr(version, '+') || !version_is_normal(version))
		return false;
	out->version = version_try(version, len);
	*at += op + len;
	return out->version != NULL;
}

static bool holds(const struct comparison *comparison, const struct version *version)
{
	int order = version_compare(version, comparison->version);
	switch (comparison->op[0]) {
	case '<':
		return comparison->op[1] ? order <= 0 : order < 0;
	case '>':
		return comparison->op[1] ? order >= 0 : order > 0;
	case '=':
		return order == 0;
	default:
		return order != 0;
	}
}

// Reads the comparisons from `at` to the end; `*all_out`: all of them hold of `version`, which may
// be NULL where only the form is asked for.
static bool read_comparisons(const char *at, const struct version *version, bool *all_out)
{
	*all_out = true;
	for (size_t count = 1; *at; count++) {
		struct comparison comparison;
		bool good = count <= SL_LIMIT_COMPARISONS && read_comparison(&at, &comparison);
		if (good && version)
			*all_out = *all_out && holds(&comparison, version);
		if (good)
			version_free(comparison.version);
		if (!good || (*at == ',' && !*++at))
			return false;
	}
	return true;
}

const char *policy_check_denied(const char *denied)
{
	size_t name = strcspn(denied, "<>=!");
	bool ignored;
	bool good = strlen(denied) <= SL_LIMIT_DENIED && name_is_normal(denied, name) &&
		    read_comparisons(denied + name, NULL, &ignored);
	return good ? NULL
		    : "a denied package is NAME in normal form, or NAME and comparisons like "
		      "'<1.26' with commas between them, without blanks";
}

// The local part of a version ("+cpu") names a build of it, not another version.
bool policy_denies(const char *denied, const char *package, const char *version)
{
	size_t name = strcspn(denied, "<>=!");
	bool all;
	if (strlen(package) != name || memcmp(denied, package, name) != 0)
		return false;
	auto_version struct version *public = version_try(version, strcspn(version, "+"));
	return !public || (read_comparisons(denied + name, public, &all) && all);
}
