// SPDX-License-Identifier: Apache-2.0
// Wheel and sdist file names (PEP 427, 625), and how well a wheel fits a target.
#ifndef SL_PACKAGING_WHEEL_H
#define SL_PACKAGING_WHEEL_H

#include "bundles/packaging/name.h"
#include "bundles/packaging/tags.h"
#include "bundles/packaging/version.h"

struct wheel_name {
	char *name; // normalised
	struct version *version;
	bool has_build;
	char *build_number; // digits without leading zeros, compared as a number; "" when none
	char *build_rest;
	struct sl_strings pythons, abis, platforms; // each side of the product, in lower case
};

// `leaf` is the file name. SL_E_INPUT says which part is wrong.
bool wheel_name_parse(const char *leaf, struct wheel_name *out, struct sl_error *err) SL_MUST_USE;
void wheel_name_release(struct wheel_name *wheel);
#define auto_wheel_name __attribute__((cleanup(wheel_name_release)))

// Best (lowest) rank of any tag in the product, or -1.
long wheel_rank(const struct wheel_name *wheel, const struct tag_set *tags);
// <0 when `a` is the better choice of two compatible files of one version: lower rank, then higher
// build tag, then file name by bytes.
int wheel_prefer(const struct wheel_name *a, long rank_a, const char *leaf_a,
		 const struct wheel_name *b, long rank_b, const char *leaf_b);
// Why a wheel does not fit, for people: "needs glibc 2.31, target has 2.28". Owned.
char *wheel_misfit(const struct wheel_name *wheel, const struct tag_target *target);

// Name (normalised) and version of an sdist's file name. Owned outs, NULL after a failure.
bool sdist_name_parse(const char *leaf, char **name_out, struct version **version_out,
		      struct sl_error *err) SL_MUST_USE;

#endif
