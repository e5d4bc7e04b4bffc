// SPDX-License-Identifier: Apache-2.0
// login.json: what is written is read, what is broken or seen by others is refused, and a refresh
// never undoes what a person did meanwhile.
#include "tests/uploader/auth/logins.h"

#include <fcntl.h>

#define ENVIRONMENT "production"
#define AUTH	    "https://auth.example.org"
#define COMPUTE	    "https://compute.example.org"

static const struct auth_places places = {(char[]){ENVIRONMENT}, (char[]){COMPUTE}, (char[]){AUTH}};

static struct stored make(const char *access, const char *refresh)
{
	struct stored stored = {
		.found = true,
		.client = sl_strdup(CLIENT),
		.environment = sl_strdup(ENVIRONMENT),
		.auth = sl_strdup(AUTH),
		.compute = sl_strdup(COMPUTE),
		.token = {.scope = sl_strdup(AUTH_COMPUTE_SCOPE),
			  .identity = sl_strdup(PERSON),
			  .until = 1795526859},
	};

	secret_set(&stored.token.access, access, strlen(access));
	secret_set(&stored.token.refresh, refresh, strlen(refresh));
	return stored;
}

static void save(const char *access, const char *refresh, const char *used)
{
	struct stored stored = make(access, refresh);
	auto_secret struct secret before = {0};
	struct sl_error err = {0};

	if (used)
		secret_set(&before, used, strlen(used));
	if (!own_save(&stored, used ? &before : NULL, &err))
		fail_msg("%s", err.text);
	stored_release(&stored);
}

static struct stored load(void)
{
	struct stored stored;
	struct sl_strings warnings = {0};
	struct sl_error err = {0};

	if (!own_load(&stored, &warnings, &err))
		fail_msg("%s", err.text);
	assert_int_equal(warnings.len, 0);
	return stored;
}

static void must_not_load(enum sl_kind kind, const char *part)
{
	struct stored stored;
	struct sl_strings warnings = {0};
	struct sl_error err = {0};

	assert_false(own_load(&stored, &warnings, &err));
	must_fail(&err, kind, part);
	assert_false(stored.found);
	assert_null(stored.token.access.text);
	sl_strings_release(&warnings);
}

static char *path_of_login(void **state)
{
	logins_none(*state);
	char *path = NULL;
	struct sl_error err = {0};

	assert_true(own_path(&path, &err));
	return path;
}

static void put(const char *path, const char *text, mode_t mode)
{
	sl_auto_free char *folder = sl_path_dir(path);
	struct sl_error err = {0};

	if (!sl_make_dirs(folder, 0700, &err) ||
	    !sl_store_file(path, text, strlen(text), mode, SL_OUTPUT_REPLACE, &err))
		fail_msg("%s", err.text);
}

static void what_is_saved_is_loaded(void **state)
{
	sl_auto_free char *path = path_of_login(state);
	struct stat st;

	struct stored none = load();
	assert_false(none.found);
	save(CANARY "1", CANARY "2", NULL);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);

	struct stored now = load();
	assert_true(now.found);
	assert_string_equal(secret_text(&now.token.access), CANARY "1");
	assert_string_equal(secret_text(&now.token.refresh), CANARY "2");
	assert_string_equal(now.token.scope, AUTH_COMPUTE_SCOPE);
	assert_string_equal(now.token.identity, PERSON);
	assert_true(now.token.until == 1795526859);
	assert_string_equal(now.client, CLIENT);
	assert_string_equal(now.where, path);
	stored_release(&now);
}

static void t49_it_fits_the_services_it_was_made_for_alone(void **state)
{
	free(path_of_login(state));
	const struct auth_places others[] = {
		{(char[]){"preview"}, places.compute, places.auth},
		{places.environment, (char[]){"https://elsewhere.example.org"}, places.auth},
		{places.environment, places.compute, (char[]){"https://elsewhere.example.org"}},
		{places.environment, places.compute, NULL},
	};

	save(CANARY "1", CANARY "2", NULL);
	struct stored now = load();
	assert_true(own_fits(&now, &places));
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		assert_false(own_fits(&now, &others[i]));
	stored_release(&now);
}

static void a_refresh_keeps_what_the_answer_left_out(void **state)
{
	free(path_of_login(state));
	save(CANARY "1", CANARY "2", NULL);
	save(CANARY "3", "", CANARY "2");
	struct stored now = load();
	assert_string_equal(secret_text(&now.token.access), CANARY "3");
	assert_string_equal(secret_text(&now.token.refresh), CANARY "2");
	stored_release(&now);
}

static void a_refresh_does_not_undo_another_login_nor_a_logout(void **state)
{
	sl_auto_free char *path = path_of_login(state);
	struct sl_error err = {0};
	bool was_there;

	save(CANARY "1", CANARY "2", NULL);
	save(CANARY "3", CANARY "4", CANARY "older");
	struct stored now = load();
	assert_string_equal(secret_text(&now.token.access), CANARY "1");
	stored_release(&now);

	assert_true(own_remove(&was_there, &err));
	assert_true(was_there);
	save(CANARY "3", CANARY "4", CANARY "2");
	assert_int_equal(access(path, F_OK), -1);
	assert_true(own_remove(&was_there, &err));
	assert_false(was_there);
}

static void t39_a_login_that_others_can_read_or_write_is_refused(void **state)
{
	static const mode_t modes[] = {0604, 0640, 0644, 0602, 0620, 0666};
	sl_auto_free char *path = path_of_login(state);

	save(CANARY "1", CANARY "2", NULL);
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		assert_int_equal(chmod(path, modes[i]), 0);
		must_not_load(SL_E_INPUT, "chmod 600");
	}
	assert_int_equal(chmod(path, 0400), 0);
	struct stored now = load();
	assert_true(now.found);
	stored_release(&now);
}

static void t46_a_link_in_its_place_is_not_followed(void **state)
{
	sl_auto_free char *path = path_of_login(state);
	sl_auto_free char *other = sl_format("%s.other", path);

	save(CANARY "1", CANARY "2", NULL);
	assert_int_equal(rename(path, other), 0);
	assert_int_equal(symlink(other, path), 0);
	must_not_load(SL_E_INPUT, "link");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	must_not_load(SL_E_INPUT, "login.json");
}

#define GOOD                                                                                       \
	"\"sealift_login\":1,\"environment\":\"production\",\"auth\":\"" AUTH                      \
	"\",\"compute\":\"" COMPUTE "\",\"client\":\"" CLIENT "\",\"scope\":\"" AUTH_COMPUTE_SCOPE \
	"\""

static void t87_a_broken_login_is_refused_without_repeating_it(void **state)
{
	static const char *const texts[] = {
		"",
		"CANARY",
		"[]",
		"{}",
		"{\"CANARY\":\"CANARY",
		"{" GOOD "}",
		"{" GOOD ",\"access_token\":\"\"}",
		"{" GOOD ",\"access_token\":[\"CANARY\"]}",
		"{" GOOD ",\"access_token\":\"CANARY 1\"}",
		"{" GOOD ",\"access_token\":\"CANARY\\r\\n1\"}",
		"{" GOOD ",\"access_token\":\"CANARY\",\"access_token\":\"CANARY\"}",
		"{" GOOD ",\"access_token\":\"CANARY\",\"until\":-1}",
		"{" GOOD ",\"access_token\":\"CANARY\",\"until\":1e9}",
		"{" GOOD ",\"access_token\":\"CANARY\",\"until\":9007199254740991}",
		"{" GOOD ",\"access_token\":\"CANARY\",\"refresh_token\":\"\"}",
		"{" GOOD ",\"access_token\":\"CANARY\",\"more\":\"CANARY\"}",
		"{" GOOD ",\"access_token\":\"CANARY\"} CANARY",
	};
	sl_auto_free char *path = path_of_login(state);

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		put(path, texts[i], 0600);
		must_not_load(SL_E_INPUT, "log in");
	}
	put(path, "{" GOOD ",\"access_token\":\"CANARY\"}", 0600);
	struct stored now = load();
	assert_true(now.found && now.token.until == INT64_MAX);
	stored_release(&now);
}

static void a_login_without_end_is_refused(void **state)
{
	sl_auto_free char *path = path_of_login(state);
	sl_auto_free char *text = sl_alloc(SECRET_FILE_MAX + 2);

	memset(text, ' ', SECRET_FILE_MAX + 1);
	put(path, text, 0600);
	must_not_load(SL_E_LIMIT, "larger than");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(what_is_saved_is_loaded),
		scratch_test(t49_it_fits_the_services_it_was_made_for_alone),
		scratch_test(a_refresh_keeps_what_the_answer_left_out),
		scratch_test(a_refresh_does_not_undo_another_login_nor_a_logout),
		scratch_test(t39_a_login_that_others_can_read_or_write_is_refused),
		scratch_test(t46_a_link_in_its_place_is_not_followed),
		scratch_test(t87_a_broken_login_is_refused_without_repeating_it),
		scratch_test(a_login_without_end_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
