// SPDX-License-Identifier: Apache-2.0
#include "tests/uploader/scratch.h"
#include "uploader/transport/transport.h"

static char *write_config(const char *folder, const char *text)
{
	struct sl_error err = {0};
	char *path = sl_path_join(folder, "builder.json");
	assert_true(sl_store_file(path, text, strlen(text), 0600, SL_OUTPUT_REPLACE, &err));
	return path;
}

static void without_a_file_it_is_the_python_of_this_machine(void **state)
{
	struct builder_config config;
	struct sl_error err = {0};
	(void)state;
	assert_true(builder_config_load(NULL, &config, &err));
	assert_int_equal(config.launcher.len, 1);
	assert_string_equal(config.launcher.items[0], "python3");
	assert_int_equal(config.timeout, 600);
	assert_int_equal(config.poll_ms, 200);
	builder_config_release(&config);
}

static void a_first_word_with_a_slash_is_relative_to_the_file(void **state)
{
	sl_auto_free char *path = write_config(
		*state, "{\"launcher\": [\"bin/enter\", \"python3\", \"a/b\"], \"timeout\": 5}");
	sl_auto_free char *expected = sl_path_join(*state, "bin/enter");
	struct builder_config config;
	struct sl_error err = {0};
	assert_true(builder_config_load(path, &config, &err));
	assert_int_equal(config.launcher.len, 3);
	assert_string_equal(config.launcher.items[0], expected);
	assert_string_equal(config.launcher.items[1], "python3");
	assert_string_equal(config.launcher.items[2], "a/b");
	assert_int_equal(config.timeout, 5);
	assert_int_equal(config.poll_ms, 200);
	builder_config_release(&config);
}

static void refuse(const char *folder, const char *text, const char *words)
{
	sl_auto_free char *path = write_config(folder, text);
	struct builder_config config;
	struct sl_error err = {0};
	if (builder_config_load(path, &config, &err))
		fail_msg("taken: %s", text);
	assert_int_equal(err.kind, SL_E_INPUT);
	if (!strstr(err.text, words) || !strstr(err.text, "builder.json"))
		fail_msg("'%s' does not say '%s'", err.text, words);
	builder_config_release(&config);
}

static void what_it_does_not_know_is_refused(void **state)
{
	refuse(*state, "", "builder.json:1");
	refuse(*state, "[]", "object");
	refuse(*state, "{\"launcher\": []}", "launcher");
	refuse(*state, "{\"launcher\": \"python3\"}", "launcher");
	refuse(*state, "{\"launcher\": [\"\"]}", "launcher");
	refuse(*state, "{\"launcher\": [\"python3\", 3]}", "launcher");
	refuse(*state, "{\"timeout\": 0}", "timeout");
	refuse(*state, "{\"timeout\": 604801}", "timeout");
	refuse(*state, "{\"timeout\": 1.5}", "timeout");
	refuse(*state, "{\"poll_ms\": 60001}", "poll_ms");
	refuse(*state, "{\"time_out\": 5}", "unknown key 'time_out' (did you mean 'timeout'?)");
	refuse(*state, "{\"luancher\": []}", "(did you mean 'launcher'?)");
	refuse(*state, "{\"poll\": 5}", "unknown key 'poll'");
	refuse(*state, "{\"colour\": 5}", "unknown key 'colour'");
	refuse(*state, "{\"timeout\": 5, \"timeout\": 6}", "timeout");
	refuse(*state, "{} {}", "builder.json:1");
	refuse(*state, "{\"user_endpoint_config\": []}", "user_endpoint_config");
	refuse(*state, "{\"user_endpoint_config\": {\"_GC\": 1}}", "must not have '_GC'");
	refuse(*state, "{\"function\": 5}", "function");
	refuse(*state, "{\"user_endpoint_confg\": {}}", "did you mean 'user_endpoint_config'?");
}

static void what_an_endpoint_is_told_is_kept_as_it_is(void **state)
{
	sl_auto_free char *path = write_config(
		*state, "{\"user_endpoint_config\": {\"image\": \"/a.sif\", \"part\": 0.5, "
			"\"none\": null}, \"function\": \"5d1f0000-0000-4000-8000-000000000001\"}");
	struct builder_config config;
	struct sl_error err = {0};
	if (!builder_config_load(path, &config, &err))
		fail_msg("%s", err.text);
	assert_string_equal(config.function, "5d1f0000-0000-4000-8000-000000000001");
	assert_int_equal(json_object_size(config.user_endpoint_config), 3);
	assert_true(json_is_null(json_object_get(config.user_endpoint_config, "none")));
	builder_config_release(&config);
}

static void a_folder_has_a_name_here_and_one_there(void **state)
{
	static const char *const texts[] = {
		"{\"path\": {\"here\": \"/mnt/drop\", \"there\": \"/shared/drop\"}}",
		"{\"path\": {\"here\": \"/mnt/drop\"}}"};
	static const char *const there[] = {"/shared/drop", "/mnt/drop"};
	for (size_t i = 0; i < 2; i++) {
		sl_auto_free char *path = write_config(*state, texts[i]);
		struct builder_config config;
		struct sl_error err = {0};
		assert_true(builder_config_load(path, &config, &err));
		assert_string_equal(config.drop_here, "/mnt/drop");
		assert_string_equal(config.drop_there, there[i]);
		builder_config_release(&config);
	}
	refuse(*state, "{\"path\": \"/mnt/drop\"}", "path");
	refuse(*state, "{\"path\": {}}", "path.here");
	refuse(*state, "{\"path\": {\"here\": \"drop\"}}", "path.here: must be an absolute path");
	refuse(*state, "{\"path\": {\"here\": \"/a\", \"there\": \"\"}}", "path.there");
	refuse(*state, "{\"path\": {\"here\": \"/a\", \"their\": \"/b\"}}", "their");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_file_it_is_the_python_of_this_machine),
		scratch_test(a_first_word_with_a_slash_is_relative_to_the_file),
		scratch_test(what_it_does_not_know_is_refused),
		scratch_test(what_an_endpoint_is_told_is_kept_as_it_is),
		scratch_test(a_folder_has_a_name_here_and_one_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
