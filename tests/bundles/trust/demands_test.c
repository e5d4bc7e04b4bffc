// SPDX-License-Identifier: Apache-2.0
// bundles/trust/demands.c: what a policy demands of plan, lock and manifest.
#include "bundles/trust/judge.h"

#include "tests/bundles/trust/fixtures.h"

struct scene {
	struct policy policy;
	struct seen seen;
	struct manifest manifest;
	struct plan plan;
	struct lock *lock;
	struct verdict verdict;
};

static char image[] = "image", version[] = "1.10.0", reference[] = "docker.io/library/python";

static int set_up(void **state)
{
	struct scene *scene = sl_alloc(sizeof *scene);
	scene->manifest.name = image;
	scene->manifest.version = version;
	scene->manifest.closure = CLOSURE_PINNED;
	scene->manifest.content_size = 100;
	scene->plan.base = (struct plan_base){.kind = BASE_DOCKER, .reference = reference};
	scene->lock = lock_new();
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;
	policy_release(&scene->policy);
	seen_release(&scene->seen);
	sl_list_release(&scene->manifest.blobs);
	lock_free(scene->lock);
	verdict_release(&scene->verdict);
	free(scene);
	return 0;
}

static void expect(struct scene *scene, enum rule rule, enum finding_verdict wanted)
{
	struct demands_case input = {&scene->policy, &scene->seen, &scene->manifest, &scene->plan,
				     scene->lock};
	judge_demands(&input, &scene->verdict);
	const struct finding *finding = &scene->verdict.findings[rule];
	if (finding->verdict != wanted || (wanted == FINDING_FAIL) != (finding->remedy != NULL))
		fail_msg("%s: %s: %s", rule_name(rule), finding_verdict_name(finding->verdict),
			 finding->evidence);
	for (enum rule other = RULE_VERSION; other <= RULE_SIZE; other++)
		if (other != rule)
			assert_int_not_equal(scene->verdict.findings[other].verdict, FINDING_FAIL);
}

static void see(struct scene *scene, const char *newest)
{
	seen_release(&scene->seen);
	*sl_list_add(&scene->seen.versions) =
		(struct seen_version){sl_strdup(image), sl_strdup(newest), 1};
}

static void bound(struct scene *scene, const char *lowest, const char *highest)
{
	policy_release(&scene->policy);
	*sl_list_add(&scene->policy.versions) =
		(struct policy_version){sl_strdup(image), lowest ? sl_strdup(lowest) : NULL,
					highest ? sl_strdup(highest) : NULL};
}

static void nothing_is_demanded_by_an_empty_policy(void **state)
{
	for (enum rule rule = RULE_VERSION; rule <= RULE_SIZE; rule++)
		expect(*state, rule, FINDING_NONE);
}

static void t40_older_than_what_has_passed(void **state)
{
	struct scene *scene = *state;
	see(scene, "1.9.0"); // older by PEP 440, later as a text
	expect(scene, RULE_VERSION, FINDING_PASS);
	see(scene, "1.11.0");
	expect(scene, RULE_VERSION, FINDING_PASS);
	scene->policy.refuse_older = true;
	expect(scene, RULE_VERSION, FINDING_FAIL);
	see(scene, "1.10");
	expect(scene, RULE_VERSION, FINDING_PASS);
	see(scene, "1.9.0");
	expect(scene, RULE_VERSION, FINDING_PASS);
}

static void t42_a_huge_version_does_not_block_for_ever(void **state)
{
	struct scene *scene = *state;
	bound(scene, NULL, "1.10.0");
	scene->policy.refuse_older = true;
	see(scene, "999");
	expect(scene, RULE_VERSION, FINDING_PASS);
	bound(scene, NULL, "1.9");
	expect(scene, RULE_VERSION, FINDING_FAIL);
	bound(scene, NULL, "1.11");
	scene->policy.refuse_older = true;
	see(scene, "1.11");
	expect(scene, RULE_VERSION, FINDING_FAIL); // within what the policy takes
}

static void t40_the_lowest_version(void **state)
{
	struct scene *scene = *state;
	bound(scene, "1.10.0", NULL);
	expect(scene, RULE_VERSION, FINDING_PASS);
	bound(scene, "1.10.1", NULL);
	expect(scene, RULE_VERSION, FINDING_FAIL);
	bound(scene, "1.9", "2");
	expect(scene, RULE_VERSION, FINDING_PASS);
	scene->policy.versions.items[0].name[0] = 'x';
	expect(scene, RULE_VERSION, FINDING_NONE);
}

static void closures_have_an_order(void **state)
{
	struct scene *scene = *state;
	scene->policy.has_closure = true;
	for (enum closure demanded = CLOSURE_OPEN; demanded <= CLOSURE_SEALED; demanded++) {
		for (enum closure is = CLOSURE_OPEN; is <= CLOSURE_SEALED; is++) {
			scene->policy.closure = demanded;
			scene->manifest.closure = is;
			expect(scene, RULE_CLOSURE, is < demanded ? FINDING_FAIL : FINDING_PASS);
		}
	}
}

static void t48_any_of_the_bases(void **state)
{
	struct scene *scene = *state;
	sl_strings_add(&scene->policy.bases, "docker.io/library/pyth");
	expect(scene, RULE_BASE, FINDING_FAIL);
	sl_strings_add(&scene->policy.bases, "docker.io/library");
	expect(scene, RULE_BASE, FINDING_PASS);
}

static void any_denied_package(void **state)
{
	struct scene *scene = *state;
	static const char *const names[] = {"numpy", "pandas", "six"};
	for (size_t i = 0; i < 3; i++)
		*sl_list_add(&scene->lock->packages) = (struct lock_package){
			.name = sl_strdup(names[i]), .version = sl_strdup("1.2")};
	sl_strings_add(&scene->policy.denied, "scipy");
	sl_strings_add(&scene->policy.denied, "numpy<1.2");
	expect(scene, RULE_PACKAGES, FINDING_PASS);
	sl_strings_add(&scene->policy.denied, "six>=1.2");
	expect(scene, RULE_PACKAGES, FINDING_FAIL);
}

static void content_and_blobs_together(void **state)
{
	struct scene *scene = *state;
	*sl_list_add(&scene->manifest.blobs) = (struct manifest_blob){.size = 1000};
	*sl_list_add(&scene->manifest.blobs) = (struct manifest_blob){.size = 900};
	scene->policy.largest = 2000;
	expect(scene, RULE_SIZE, FINDING_PASS);
	scene->policy.largest = 1999;
	expect(scene, RULE_SIZE, FINDING_FAIL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_demanded_by_an_empty_policy),
		TEST(t40_older_than_what_has_passed),
		TEST(t42_a_huge_version_does_not_block_for_ever),
		TEST(t40_the_lowest_version),
		TEST(closures_have_an_order),
		TEST(t48_any_of_the_bases),
		TEST(any_denied_package),
		TEST(content_and_blobs_together),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
