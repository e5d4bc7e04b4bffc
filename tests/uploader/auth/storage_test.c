// SPDX-License-Identifier: Apache-2.0
// The SDK's storage.db, made and used by Python's sqlite3.
#include "tests/uploader/auth/logins.h"

#define LATER 1995400000

static int home(void **state)
{
	int status = scratch_make(state);

	logins_none(*state);
	return status;
}

static void must_load(const char *environment, struct stored *out, struct sl_strings *warnings)
{
	struct sl_error err = {0};

	if (!storage_load(environment, out, warnings, &err))
		fail_msg("%s", err.text);
	must_be_silent(warnings);
}

static void must_find(const char *environment, const char *access)
{
	struct stored stored;
	struct sl_strings warnings = {0};

	must_load(environment, &stored, &warnings);
	assert_true(stored.found == (access != NULL));
	if (access)
		assert_string_equal(secret_text(&stored.token.access), access);
	stored_release(&stored);
	sl_strings_release(&warnings);
}

static void must_refuse(enum sl_kind kind, const char *part)
{
	struct stored stored;
	struct sl_strings warnings = {0};
	struct sl_error err = {0};

	assert_false(storage_load("production", &stored, &warnings, &err));
	must_fail(&err, kind, part);
	assert_false(stored.found);
	must_be_silent(&warnings);
	sl_strings_release(&warnings);
}

static void refreshed(struct stored *stored, const char *access, const char *refresh)
{
	secret_set(&stored->token.access, access, strlen(access));
	secret_set(&stored->token.refresh, refresh, strlen(refresh));
	stored->token.until = LATER + 5;
}

// ---- reading -------------------------------------------------------------------------------

static void both_schemas_are_read(void **state)
{
	static const char *const schemas[] = {"1", "2"};
	sl_auto_free char *row = sdk_row("CANARYa", "CANARYr", LATER);

	for (size_t i = 0; i < 2; i++) {
		sl_auto_free char *folder = sl_path_join(*state, schemas[i]);
		struct stored stored;
		struct sl_strings warnings = {0};
		assert_int_equal(mkdir(folder, 0700), 0);
		setenv("HOME", folder, 1);
		sl_auto_free char *path = sdk_make(folder, schemas[i]);
		must_find("production", NULL);
		sdk_put(path, "user/production", row);
		must_load("production", &stored, &warnings);
		assert_true(stored.found);
		assert_string_equal(secret_text(&stored.token.access), "CANARYa");
		assert_string_equal(secret_text(&stored.token.refresh), "CANARYr");
		assert_string_equal(stored.token.identity, PERSON);
		assert_true(stored.token.until == LATER);
		assert_string_equal(stored.client, SDK_CLIENT);
		assert_string_equal(stored.where, path);
		assert_int_equal(warnings.len, 0);
		stored_release(&stored);
		sl_strings_release(&warnings);
	}
}

static void t49_each_environment_has_a_login_of_its_own(void **state)
{
	sl_auto_free char *path = sdk_make(*state, "2");
	sl_auto_free char *row = sdk_row("CANARYa", "", LATER);
	sl_auto_free char *other = sdk_row("CANARYb", "", LATER);

	sdk_put(path, "user/production", row);
	sdk_put(path, "user/preview", other);
	sdk_put(path, "clientprofile/test/" CLIENT, row);
	must_find("production", "CANARYa");
	must_find("preview", "CANARYb");
	must_find("prod", NULL);
	must_find("test", NULL);
}

static void the_folder_and_the_client_can_be_named(void **state)
{
	sl_auto_free char *path = sdk_make(*state, "2");
	sl_auto_free char *folder = sl_path_dir(path);
	sl_auto_free char *row = sdk_row("CANARYa", "CANARYr", LATER);
	struct stored stored;
	struct sl_strings warnings = {0};

	sdk_put(path, "user/production", row);
	setenv("HOME", "/nonexistent", 1);
	must_find("production", NULL);
	setenv("GLOBUS_COMPUTE_USER_DIR", folder, 1);
	setenv("GLOBUS_COMPUTE_CLIENT_ID", CLIENT, 1);
	must_load("production", &stored, &warnings);
	assert_true(stored.found);
	assert_string_equal(stored.client, CLIENT);
	stored_release(&stored);
}

static void nothing_is_made_where_nothing_is(void **state)
{
	sl_auto_free char *folder = sl_path_join(*state, ".globus_compute");
	sl_auto_free char *path = sl_path_join(folder, "storage.db");

	must_find("production", NULL);
	assert_int_equal(access(folder, F_OK), -1);
	assert_int_equal(mkdir(folder, 0700), 0);
	must_find("production", NULL);
	assert_int_equal(access(path, F_OK), -1);
}

static void t87_rows_that_cannot_be_used_are_refused_without_repeating_them(void **state)
{
	static const char *const bad[] = {
		"CANARY",
		"{\"access_token\":\"CANARY\"",
		"[\"CANARY\"]",
		"{\"access_token\":\"CANARY\"}",
		"{\"access_token\":\"CANARY\",\"scope\":\"openid\",\"expires_at_seconds\":1}",
		"{\"access_token\":\"CANARY\",\"scope\":\"" AUTH_COMPUTE_SCOPE "\"}",
		"{\"access_token\":\"CANARY x\",\"scope\":\"" AUTH_COMPUTE_SCOPE
		"\",\"expires_at_seconds\":1}",
		"{\"access_token\":\"CANARY\",\"scope\":\"" AUTH_COMPUTE_SCOPE
		"\",\"expires_at_seconds\":-1}",
		"{\"access_token\":\"CANARY\",\"scope\":\"" AUTH_COMPUTE_SCOPE
		"\",\"expires_at_seconds\":\"1\"}",
	};
	sl_auto_free char *path = sdk_make(*state, "2");

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		sdk_put(path, "user/production", bad[i]);
		must_refuse(SL_E_INPUT, "storage.db'");
	}
}

static void a_later_schema_is_not_guessed_at(void **state)
{
	sl_auto_free char *row = sdk_row("CANARYa", "", LATER);
	sl_auto_free char *path = sdk_make(*state, "3");

	sdk_put(path, "user/production", row);
	must_refuse(SL_E_INPUT, "newer than this program");
}

static void what_is_no_database_is_refused(void **state)
{
	sl_auto_free char *folder = sl_path_join(*state, ".globus_compute");
	sl_auto_free char *path = sl_path_join(folder, "storage.db");
	char text[4096];
	struct sl_error err = {0};

	assert_int_equal(mkdir(folder, 0700), 0);
	memset(text, 'x', sizeof text);
	assert_true(sl_store_file(path, text, sizeof text, 0600, SL_OUTPUT_REPLACE, &err));
	must_refuse(SL_E_INPUT, "damaged");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	must_refuse(SL_E_INPUT, "no regular file");
}

// ---- whose file it is ----------------------------------------------------------------------

static void t39_others_who_can_read_it_are_a_warning_and_who_can_write_it_an_error(void **state)
{
	sl_auto_free char *path = sdk_make(*state, "2");
	sl_auto_free char *row = sdk_row("CANARYa", "", LATER);
	struct stored stored;
	struct sl_strings warnings = {0};

	sdk_put(path, "user/production", row);
	assert_int_equal(chmod(path, 0644), 0);
	must_load("production", &stored, &warnings);
	stored_release(&stored);
	must_load("production", &stored, &warnings);
	stored_release(&stored);
	assert_int_equal(warnings.len, 1);
	assert_non_null(strstr(warnings.items[0], "can be read by others"));
	sl_strings_release(&warnings);
	assert_int_equal(chmod(path, 0620), 0);
	must_refuse(SL_E_INPUT, "can be written by others");
}

static void t39_a_link_or_the_file_of_another_account_is_refused(void **state)
{
	sl_auto_free char *path = sdk_make(*state, "2");
	sl_auto_free char *moved = sl_path_join(*state, "moved.db");

	if (geteuid() == 0) {
		assert_int_equal(chown(path, 65534, 65534), 0);
		must_refuse(SL_E_INPUT, "another account");
		assert_int_equal(chown(path, 0, 0), 0);
	}
	assert_int_equal(rename(path, moved), 0);
	assert_int_equal(symlink(moved, path), 0);
	must_refuse(SL_E_INPUT, "symbolic link");
}

// ---- writing -------------------------------------------------------------------------------

static void must_save(const struct stored *stored, const char *used_text)
{
	auto_secret struct secret used = {0};
	struct sl_error err = {0};

	secret_set(&used, used_text, strlen(used_text));
	if (!storage_save("production", stored, &used, &err))
		fail_msg("%s", err.text);
}

static void a_refreshed_token_replaces_the_old_one_and_nothing_else(void **state)
{
	sl_auto_free char *path = sdk_make(*state, "1");
	struct stored stored;
	struct sl_strings warnings = {0};
	struct stat before, after;

	sdk_put(path, "user/production",
		"{\"resource_server\":\"funcx_service\",\"identity_id\":\"" PERSON
		"\",\"scope\":\"" AUTH_COMPUTE_SCOPE
		"\",\"access_token\":\"CANARYa\",\"refresh_token\":\"CANARYr\","
		"\"expires_at_seconds\":5,\"token_type\":\"Bearer\",\"later\":[1,null]}");
	must_load("production", &stored, &warnings);
	refreshed(&stored, "CANARYa2", "");
	assert_int_equal(stat(path, &before), 0);
	must_save(&stored, "CANARYr");
	assert_int_equal(stat(path, &after), 0);
	assert_true(before.st_ino == after.st_ino && before.st_mode == after.st_mode);
	stored_release(&stored);

	sl_auto_json json_t *row = sdk_get(path, "user/production");
	assert_string_equal(text_at(row, "access_token"), "CANARYa2");
	assert_string_equal(text_at(row, "refresh_token"), "CANARYr");
	assert_string_equal(text_at(row, "identity_id"), PERSON);
	assert_string_equal(text_at(row, "resource_server"), "funcx_service");
	assert_int_equal(json_integer_value(json_object_get(row, "expires_at_seconds")), LATER + 5);
	assert_int_equal(json_array_size(json_object_get(row, "later")), 2);
	must_find("production", "CANARYa2");
}

static void a_new_refresh_token_is_stored(void **state)
{
	sl_auto_free char *path = sdk_make(*state, "2");
	sl_auto_free char *old = sdk_row("CANARYa", "CANARYr", 5);
	struct stored stored;
	struct sl_strings warnings = {0};

	sdk_put(path, "user/production", old);
	must_load("production", &stored, &warnings);
	refreshed(&stored, "CANARYa2", "CANARYr2");
	must_save(&stored, "CANARYr");
	stored_release(&stored);
	sl_auto_json json_t *row = sdk_get(path, "user/production");
	assert_string_equal(text_at(row, "refresh_token"), "CANARYr2");
}

static void a_login_that_came_meanwhile_is_not_overwritten(void **state)
{
	sl_auto_free char *path = sdk_make(*state, "2");
	sl_auto_free char *old = sdk_row("CANARYa", "CANARYr", 5);
	sl_auto_free char *newer = sdk_row("CANARYb", "CANARYs", LATER);
	struct stored stored;
	struct sl_strings warnings = {0};
	struct stat before, after;

	sdk_put(path, "user/production", old);
	must_load("production", &stored, &warnings);
	sdk_put(path, "user/production", newer);
	refreshed(&stored, "CANARYa2", "CANARYr2");
	assert_int_equal(stat(path, &before), 0);
	must_save(&stored, "CANARYr");
	assert_int_equal(stat(path, &after), 0);
	assert_true(before.st_mtim.tv_sec == after.st_mtim.tv_sec &&
		    before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
	stored_release(&stored);
	must_find("production", "CANARYb");
}

// ---- another program -----------------------------------------------------------------------

static FILE *hold(const char *path, const char *seconds)
{
	sl_auto_free char *line =
		sl_format("python3 '%s/tests/uploader/auth/sdk_storage.py' hold '%s' %s",
			  SEALIFT_SOURCE_DIR, path, seconds);
	FILE *other = popen(line, "r");
	char word[8];

	assert_non_null(other);
	assert_int_equal(fscanf(other, "%7s", word), 1);
	assert_string_equal(word, "held");
	return other;
}

static void who_has_it_locked_for_a_moment_is_waited_for(void **state)
{
	sl_auto_free char *path = sdk_make(*state, "2");
	sl_auto_free char *old = sdk_row("CANARYa", "CANARYr", 5);
	struct stored stored;
	struct sl_strings warnings = {0};

	sdk_put(path, "user/production", old);
	FILE *other = hold(path, "0.3");
	must_load("production", &stored, &warnings);
	assert_int_equal(pclose(other), 0);
	refreshed(&stored, "CANARYa2", "");
	other = hold(path, "0.3");
	must_save(&stored, "CANARYr");
	assert_int_equal(pclose(other), 0);
	stored_release(&stored);
	must_find("production", "CANARYa2");
	sl_auto_free char *theirs = sdk_storage("get", path, "user/other funcx_service");
	assert_string_equal(theirs, "{}\n");
}

int main(void)
{
#define in_home(function) cmocka_unit_test_setup_teardown(function, home, scratch_remove)
	const struct CMUnitTest tests[] = {
		in_home(both_schemas_are_read),
		in_home(t49_each_environment_has_a_login_of_its_own),
		in_home(the_folder_and_the_client_can_be_named),
		in_home(nothing_is_made_where_nothing_is),
		in_home(t87_rows_that_cannot_be_used_are_refused_without_repeating_them),
		in_home(a_later_schema_is_not_guessed_at),
		in_home(what_is_no_database_is_refused),
		in_home(t39_others_who_can_read_it_are_a_warning_and_who_can_write_it_an_error),
		in_home(t39_a_link_or_the_file_of_another_account_is_refused),
		in_home(a_refreshed_token_replaces_the_old_one_and_nothing_else),
		in_home(a_new_refresh_token_is_stored),
		in_home(a_login_that_came_meanwhile_is_not_overwritten),
		in_home(who_has_it_locked_for_a_moment_is_waited_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
