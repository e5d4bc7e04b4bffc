// SPDX-License-Identifier: Apache-2.0
// Evaluating markers, with the surprises of the reference implementation kept: see each rule.
#include "bundles/packaging/marker_parts.h"

#include "bundles/packaging/name.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

static const char *value_of(const struct marker_variable *variable,
			    const struct marker_environment *environment)
{
	const char *value =
		*(const char *const *)(const void *)((const char *)environment + variable->offset);
	return !value && variable->kind == MARKER_EXTRA ? "" : value;
}

static const char *const *set_of(const struct marker_variable *variable,
				 const struct marker_environment *environment)
{
	return *(const char *const *const *)(const void *)((const char *)environment +
							   variable->offset);
}

static bool undefined(const struct marker_comparison *comparison, const char *left,
		      struct sl_error *err)
{
	return sl_fail(err, SL_E_INPUT, "a marker compares %s by '%s', which is not defined for it",
		       left, marker_operators[comparison->op]);
}

static bool compare_texts(const struct marker_comparison *comparison, const char *left,
			  const char *right, bool *result_out, struct sl_error *err)
{
	switch (comparison->op) {
	case MARKER_EQUAL:
	case MARKER_AT_MOST: // texts have no order: only the "equal" of these is left
	case MARKER_AT_LEAST:
		*result_out = strcmp(left, right) == 0;
		return true;
	case MARKER_NOT_EQUAL:
		*result_out = strcmp(left, right) != 0;
		return true;
	case MARKER_LESS:
	case MARKER_GREATER:
		*result_out = false;
		return true;
	case MARKER_IN:
		*result_out = strstr(right, left) != NULL;
		return true;
	case MARKER_NOT_IN:
		*result_out = strstr(right, left) == NULL;
		return true;
	case MARKER_ARBITRARY:
	case MARKER_COMPATIBLE:
		break;
	}
	return undefined(comparison, "texts", err);
}

// True if operator and right side make a clause; then `*result_out` is set. Only === is ever true
// for something on the left that is no version.
static bool compare_versions(const struct marker_comparison *comparison, const char *left,
			     const char *right, bool *result_out)
{
	auto_specifier struct specifier_set *made = NULL;
	const struct specifier_set *clause = comparison->clause;
	if (!clause && !comparison->left.variable)
		clause = made = marker_clause(comparison->op, right);
	if (!clause)
		return false;
	auto_version struct version *version = version_try(left, strlen(left));
	if (version)
		*result_out = specifier_contains(clause, version);
	else
		*result_out = comparison->op == MARKER_ARBITRARY &&
			      strcasecmp(specifier_text(clause, 0), left) == 0;
	return true;
}

static bool set_has(const char *const *set, const char *name)
{
	for (; *set; set++) {
		sl_auto_free char *normal = name_normalise(*set, strlen(*set));
		if (strcmp(normal, name) == 0)
			return true;
	}
	return false;
}

// A name against a list: only membership means something; a name is never equal to a list.
static bool compare_set(const struct marker_comparison *comparison, const char *const *set,
			bool *result_out, struct sl_error *err)
{
	const char *name = comparison->left.text;
	switch (comparison->op) {
	case MARKER_IN:
		*result_out = name && set_has(set, name);
		return true;
	case MARKER_NOT_IN:
		*result_out = !name || !set_has(set, name);
		return true;
	case MARKER_EQUAL:
	case MARKER_NOT_EQUAL:
		*result_out = comparison->op == MARKER_NOT_EQUAL;
		return true;
	default:
		return undefined(comparison, "a list", err);
	}
}

static bool compare_extra(const struct marker_comparison *comparison, const char *left,
			  const char *right, bool *result_out, struct sl_error *err)
{
	sl_auto_free char *left_normal = name_normalise(left, strlen(left));
	sl_auto_free char *right_normal = name_normalise(right, strlen(right));
	return compare_texts(comparison, left_normal, right_normal, result_out, err);
}

static bool compare(const struct marker_comparison *comparison,
		    const struct marker_environment *environment, bool *result_out,
		    struct sl_error *err)
{
	const struct marker_variable *left_variable = comparison->left.variable;
	// The variable that decides how both sides are compared.
	const struct marker_variable *key =
		left_variable ? left_variable : comparison->right.variable;
	if (!key)
		return sl_fail(err, SL_E_INPUT, "a marker compares two strings and no variable");
	if (key->kind == MARKER_SET ? !set_of(key, environment) : !value_of(key, environment))
		return sl_fail(err, SL_E_INPUT, "a marker uses '%s', which is not defined here",
			       key->name);
	if (key->kind == MARKER_SET && left_variable)
		return undefined(comparison, "a list", err);
	if (key->kind == MARKER_SET)
		return compare_set(comparison, set_of(key, environment), result_out, err);
	const char *left = left_variable ? value_of(key, environment) : comparison->left.text;
	const char *right = left_variable ? comparison->right.text : value_of(key, environment);
	// Between two variables the reference takes the second one's name for its value.
	if (!right)
		right = comparison->right.variable->name;
	assert(left);
	if (key->kind == MARKER_EXTRA)
		return compare_extra(comparison, left, right, result_out, err);
	if (key->kind == MARKER_VERSION && compare_versions(comparison, left, right, result_out))
		return true;
	return compare_texts(comparison, left, right, result_out, err);
}

bool marker_evaluate(const struct marker *marker, const struct marker_environment *environment,
		     bool *result_out, struct sl_error *err)
{
	bool any = false, all = true;
	for (size_t i = 0; i < marker->nodes.len; i++) {
		const struct marker_node *node = &marker->nodes.items[i];
		bool result;
		if (node->group) {
			if (!marker_evaluate(node->group, environment, &result, err))
				return false;
		} else if (!compare(&node->comparison, environment, &result, err)) {
			return false;
		}
		if (node->or_before) {
			any = any || all;
			all = true;
		}
		all = all && result;
	}
	*result_out = any || all;
	return true;
}
