// SPDX-License-Identifier: Apache-2.0
#include "bundles/packaging/specifier_parts.h"

#include "bundles/packaging/scan.h"
#include "bundles/packaging/version_parts.h"

#include <string.h>
#include <strings.h>

enum clause_op {
	OP_ARBITRARY,
	OP_COMPATIBLE,
	OP_EQUAL,
	OP_NOT_EQUAL,
	OP_AT_MOST,
	OP_AT_LEAST,
	OP_LESS,
	OP_GREATER,
};

// Longest first: the first that fits is the one.
static const char *const operators[] = {"===", "~=", "==", "!=", "<=", ">=", "<", ">"};

struct clause {
	enum clause_op op;
	bool prefix;		 // ended in ".*"
	char *text;		 // what stands after the operator
	struct version *version; // NULL only for === with other text
};

struct specifier_set {
	SL_LIST(struct clause) clauses;
};

static void clause_release(struct clause *clause)
{
	free(clause->text);
	version_free(clause->version);
	*clause = (struct clause){0};
}

void specifier_free(struct specifier_set *set)
{
	if (!set)
		return;
	sl_list_each (&set->clauses, clause)
		clause_release(clause);
	sl_list_release(&set->clauses);
	free(set);
}

static bool read_operator(const char **text, size_t *len, enum clause_op *op_out)
{
	for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
		size_t size = strlen(operators[i]);
		if (*len >= size && memcmp(*text, operators[i], size) == 0) {
			*text += size;
			*len -= size;
			*op_out = (enum clause_op)i;
			return true;
		}
	}
	return false;
}

// The rules on what may stand after which operator.
static bool operand_is_allowed(const struct clause *clause)
{
	const struct version *version = clause->version;
	if (clause->op == OP_ARBITRARY)
		return true;
	if (!version)
		return false;
	bool equality = clause->op == OP_EQUAL || clause->op == OP_NOT_EQUAL;
	if (clause->prefix)
		return equality && version->pre == VERSION_PRE_NONE && !version->has_post &&
		       !version->has_dev && version->local_len == 0;
	if (version->local_len && !equality)
		return false;
	return clause->op != OP_COMPATIBLE || version->release_len >= 2;
}

static bool is_arbitrary_text(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (scan_is_space(text[i]) || text[i] == ';' || text[i] == ')')
			return false;
	}
	return true;
}

// One clause without blanks around it; false leaves nothing behind.
static bool read_clause(const char *text, size_t len, struct clause *clause)
{
	*clause = (struct clause){0};
	if (!read_operator(&text, &len, &clause->op))
		return false;
	scan_trim(&text, &len);
	size_t version_len = len;
	if (clause->op != OP_ARBITRARY && len > 2 && memcmp(text + len - 2, ".*", 2) == 0) {
		clause->prefix = true;
		version_len -= 2;
	}
	// "==1.0 .*" must not pass because a version may have blanks around it.
	if (version_len && !scan_is_space(text[version_len - 1]))
		clause->version = version_try(text, version_len);
	if (!operand_is_allowed(clause) ||
	    (clause->op == OP_ARBITRARY && !is_arbitrary_text(text, len))) {
		version_free(clause->version);
		return false;
	}
	clause->text = sl_strndup(text, len);
	return true;
}

static int compare_size(size_t a, size_t b)
{
	return (a > b) - (a < b);
}

// 0 for clauses that are one to the reference: it compares versions by value, but the text of ===
// and of prefixes, and the number of parts where that means something.
static int compare_meaning(const struct clause *a, const struct clause *b)
{
	if (a->op != b->op)
		return a->op < b->op ? -1 : 1;
	if (a->prefix != b->prefix)
		return a->prefix ? 1 : -1;
	if (a->prefix || a->op == OP_ARBITRARY)
		return strcmp(a->text, b->text);
	int order = version_compare(a->version, b->version);
	if (order || a->op != OP_COMPATIBLE)
		return order;
	return compare_size(a->version->release_len, b->version->release_len);
}

static int compare_clauses(const void *left, const void *right)
{
	const struct clause *a = *(struct clause *const *)left, *b = *(struct clause *const *)right;
	int order = compare_meaning(a, b);
	return order ? order : strcmp(a->text, b->text);
}

// Of equal clauses the one whose text sorts first is kept, where it was written.
static void drop_repeated(struct specifier_set *set)
{
	size_t count = set->clauses.len, kept = 0;
	if (count < 2)
		return;
	struct clause *items = set->clauses.items;
	sl_auto_free struct clause **sorted = sl_alloc_array(count, sizeof(struct clause *));
	for (size_t i = 0; i < count; i++)
		sorted[i] = &items[i];
	qsort(sorted, count, sizeof *sorted, compare_clauses);
	for (size_t i = 1, first = 0; i < count; i++) {
		if (compare_meaning(sorted[first], sorted[i]) == 0)
			clause_release(sorted[i]);
		else
			first = i;
	}
	for (size_t i = 0; i < count; i++) {
		if (items[i].text)
			items[kept++] = items[i];
	}
	set->clauses.len = kept;
}

// Reads item after item; on failure `*bad` and `*bad_len` are the item that is none.
static struct specifier_set *read_set(const char *text, size_t len, bool tidy, const char **bad,
				      size_t *bad_len)
{
	struct specifier_set *set = sl_alloc(sizeof *set);
	scan_trim(&text, &len);
	const char *end = text + len;
	for (const char *item = text; item < end;) {
		const char *comma = memchr(item, ',', (size_t)(end - item));
		const char *next = comma ? comma + 1 : end;
		const char *start = item;
		size_t item_len = (size_t)((comma ? comma : end) - item);
		scan_trim(&start, &item_len);
		struct clause clause;
		if (item_len == 0 && !tidy) {
			item = next;
			continue;
		}
		if (!read_clause(start, item_len, &clause)) {
			*bad = start;
			*bad_len = item_len;
			specifier_free(set);
			return NULL;
		}
		*sl_list_add(&set->clauses) = clause;
		item = next;
	}
	drop_repeated(set);
	return set;
}

struct specifier_set *specifier_try(const char *text, size_t len, bool tidy)
{
	const char *bad;
	size_t bad_len;
	return read_set(text, len, tidy, &bad, &bad_len);
}

// Says what is wrong with one item.
static const char *clause_hint(const char *text, size_t len)
{
	enum clause_op op;
	if (len == 0)
		return "a clause is missing before a comma";
	if (*text == '=' && (len < 2 || text[1] != '='))
		return "the operators are ==, !=, <=, >=, <, >, ~= and ===";
	if (!read_operator(&text, &len, &op))
		return "a clause begins with ==, !=, <=, >=, <, >, ~= or ===";
	scan_trim(&text, &len);
	if (len == 0)
		return "a version is missing after the operator";
	if (len > 2 && memcmp(text + len - 2, ".*", 2) == 0)
		return "'.*' goes only with == and != and a plain release";
	auto_version struct version *version = version_try(text, len);
	if (!version)
		return "what follows the operator is not a version (PEP 440)";
	if (version->local_len)
		return "a local version (after '+') goes only with ==, != and ===";
	return "~= needs a release of at least two parts, as in ~=1.4";
}

bool specifier_parse_slice(const char *text, size_t len, bool tidy, struct specifier_set **out,
			   struct sl_error *err)
{
	const char *bad;
	size_t bad_len;
	*out = read_set(text, len, tidy, &bad, &bad_len);
	if (*out)
		return true;
	sl_auto_free char *item = sl_strndup(bad, bad_len);
	sl_auto_free char *shown = sl_text_shown(item);
	return sl_fail(err, SL_E_INPUT, "'%s' is not a version specifier: %s", shown,
		       clause_hint(bad, bad_len));
}

bool specifier_parse(const char *text, struct specifier_set **out, struct sl_error *err)
{
	return specifier_parse_slice(text, strlen(text), false, out, err);
}

static bool is_equal(const struct clause *clause, const struct version *version)
{
	if (clause->prefix)
		return version_has_prefix(version, clause->version, clause->version->release_len);
	if (clause->version->local_len)
		return version_compare(version, clause->version) == 0;
	return version_compare_public(version, clause->version) == 0;
}

// `>V` leaves out the post-releases of V, unless V is itself one (or a development release, which
// has none of its own).
static bool is_greater(const struct version *version, const struct version *bound)
{
	if (version_compare_public(version, bound) <= 0)
		return false;
	if (bound->has_post || bound->has_dev || !version->has_post)
		return true;
	return version->pre != bound->pre || !version_same_base(version, bound) ||
	       (version->pre != VERSION_PRE_NONE &&
		version_number_compare(&version->pre_number, &bound->pre_number) != 0);
}

// `<V` leaves out the pre-releases of V, unless V is itself one: they begin with its dev0.
static bool is_less(const struct version *version, const struct version *bound)
{
	if (version_is_prerelease(bound))
		return version_compare_public(version, bound) < 0;
	struct version first = *bound;
	first.has_dev = true;
	first.dev = (struct version_number){.value = 0, .digits = "0", .len = 1};
	return version_compare_public(version, &first) < 0;
}

static bool clause_contains(const struct clause *clause, const struct version *version)
{
	const struct version *bound = clause->version;
	switch (clause->op) {
	case OP_ARBITRARY:
		return strcasecmp(clause->text, version->text) == 0;
	case OP_COMPATIBLE:
		return version_compare_public(version, bound) >= 0 &&
		       version_has_prefix(version, bound, bound->release_len - 1);
	case OP_EQUAL:
		return is_equal(clause, version);
	case OP_NOT_EQUAL:
		return !is_equal(clause, version);
	case OP_AT_MOST:
		return version_compare_public(version, bound) <= 0;
	case OP_AT_LEAST:
		return version_compare_public(version, bound) >= 0;
	case OP_LESS:
		return is_less(version, bound);
	case OP_GREATER:
		return is_greater(version, bound);
	}
	return false;
}

bool specifier_contains(const struct specifier_set *set, const struct version *version)
{
	for (size_t i = 0; i < set->clauses.len; i++) {
		if (!clause_contains(&set->clauses.items[i], version))
			return false;
	}
	return true;
}

bool specifier_is_empty(const struct specifier_set *set)
{
	return set->clauses.len == 0;
}

size_t specifier_count(const struct specifier_set *set)
{
	return set->clauses.len;
}

const char *specifier_operator(const struct specifier_set *set, size_t index)
{
	return operators[set->clauses.items[index].op];
}

const char *specifier_text(const struct specifier_set *set, size_t index)
{
	return set->clauses.items[index].text;
}

bool specifier_is_pin(const struct specifier_set *set, const char **pin_out)
{
	if (set->clauses.len != 1)
		return false;
	const struct clause *clause = &set->clauses.items[0];
	if (clause->prefix || (clause->op != OP_EQUAL && clause->op != OP_ARBITRARY))
		return false;
	*pin_out = clause->text;
	return true;
}

bool specifier_names_prerelease(const struct specifier_set *set)
{
	for (size_t i = 0; i < set->clauses.len; i++) {
		const struct clause *clause = &set->clauses.items[i];
		if (clause->op != OP_NOT_EQUAL && clause->version &&
		    version_is_prerelease(clause->version))
			return true;
	}
	return false;
}

char *specifier_format(const struct specifier_set *set)
{
	struct sl_strings texts = {0};
	size_t total = 1;
	for (size_t i = 0; i < set->clauses.len; i++) {
		const struct clause *clause = &set->clauses.items[i];
		*sl_list_add(&texts) = sl_format("%s%s", operators[clause->op], clause->text);
		total += strlen(texts.items[i]) + 1;
	}
	sl_strings_sort(&texts);
	struct sl_buf out;
	sl_buf_init(&out, total);
	for (size_t i = 0; i < texts.len; i++) {
		sl_buf_adds(&out, i ? "," : "");
		sl_buf_adds(&out, texts.items[i]);
	}
	sl_strings_release(&texts);
	return out.data; // owned by the caller now
}
