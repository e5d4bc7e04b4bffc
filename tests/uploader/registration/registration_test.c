// SPDX-License-Identifier: Apache-2.0
#include "uploader/registration/registration.h"

#include "tests/uploader/scratch.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// A file system that knows no flags of renameat2, as NFS does not, where `plain_renames_only`.
static bool plain_renames_only;

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	if (!plain_renames_only)
		return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
	errno = EINVAL;
	return -1;
}

// Ctrl-C at the fsync of that number; 0 is never.
static unsigned interrupt_at;

int fsync(int fd)
{
	if (interrupt_at > 0 && --interrupt_at == 0)
		raise(SIGINT);
	return (int)syscall(SYS_fsync, fd);
}

static const char id_text[] = "abababababababababababababababababababababababababababababababab";

#define RECEIPT(path)                                                                       \
	"{\"bundle\":\"abababababababababababababababababababababababababababababababab\"," \
	"\"image\":{\"path\":\"" path "\"}}\n"

static struct registration example(const char *folder)
{
	struct registration registration = {
		.name = "pandas",
		.version = "1.0.0",
		.receipt = RECEIPT("/srv/images/pandas-1.0.0.sif"),
		.template = "engine: {{ image }}\n",
		.schema = "{\"type\": \"object\"}\n",
		.folder = folder,
	};
	assert_true(sl_digest_parse(id_text, &registration.bundle));
	return registration;
}

static char *registered(const struct registration *registration)
{
	struct sl_error err = {0};
	char *path = NULL;
	if (!registration_write(registration, &path, &err))
		fail_msg("%s", err.text);
	return path;
}

static void refused(const struct registration *registration, enum sl_kind kind, const char *words)
{
	struct sl_error err = {0};
	char *path = NULL;
	assert_false(registration_write(registration, &path, &err));
	assert_null(path);
	assert_int_equal(err.kind, kind);
	if (!strstr(err.text, words))
		fail_msg("'%s' does not say '%s'", err.text, words);
}

static void assert_names(const char *folder, const char *leaf, const char *wanted)
{
	sl_auto_free char *path = sl_path_join(folder, leaf);
	sl_auto_buf struct sl_buf found = {0};
	struct sl_strings names = {0};
	struct sl_error err = {0};
	sl_auto_fd int fd = -1;
	sl_buf_init(&found, 4096);
	assert_true(sl_open_dir(path, &fd, &err));
	assert_true(sl_list_dir(fd, path, 100, &names, &err));
	for (size_t i = 0; i < names.len; i++)
		sl_buf_addf(&found, "%s%s", i ? " " : "", names.items[i]);
	assert_string_equal(found.data, wanted);
	sl_strings_release(&names);
}

static char *text_of(const char *folder, const char *leaf)
{
	sl_auto_free char *path = sl_path_join(folder, leaf);
	sl_auto_buf struct sl_buf text = {0};
	struct sl_error err = {0};
	sl_buf_init(&text, SL_MIB);
	assert_true(sl_read_file(path, &text, &err));
	return sl_buf_steal(&text, NULL);
}

static void writes_one_folder_with_all_of_it(void **state)
{
	struct registration registration = example(*state);
	sl_auto_free char *path = registered(&registration);
	sl_auto_free char *wanted = sl_path_join(*state, "pandas-1.0.0");
	struct stat st;
	assert_string_equal(path, wanted);
	assert_names(*state, ".", "pandas-1.0.0");
	assert_names(path, ".",
		     "README.md receipt.json user_config_schema.json user_config_template.yaml.j2"
		     " user_endpoint_config.json");
	sl_auto_free char *values = text_of(path, "user_endpoint_config.json");
	assert_string_equal(values, "{\n  \"image\": \"/srv/images/pandas-1.0.0.sif\"\n}\n");
	sl_auto_free char *receipt = text_of(path, "receipt.json");
	assert_string_equal(receipt, registration.receipt);
	sl_auto_free char *template = text_of(path, "user_config_template.yaml.j2");
	assert_string_equal(template, registration.template);
	sl_auto_free char *readme = text_of(path, "README.md");
	assert_non_null(strstr(readme, "{% if image is defined %}"));
	assert_non_null(strstr(readme, id_text));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0755);
}

static void an_image_without_a_worker_has_no_template(void **state)
{
	struct registration registration = example(*state);
	registration.template = registration.schema = NULL;
	sl_auto_free char *path = registered(&registration);
	assert_names(path, ".", "README.md receipt.json user_endpoint_config.json");
	sl_auto_free char *readme = text_of(path, "README.md");
	assert_non_null(strstr(readme, "apptainer run /srv/images/pandas-1.0.0.sif"));
}

static void the_same_again_changes_nothing(void **state)
{
	struct registration registration = example(*state);
	sl_auto_free char *first = registered(&registration);
	struct stat before, after;
	assert_int_equal(stat(first, &before), 0);
	sl_auto_free char *second = registered(&registration);
	assert_int_equal(stat(second, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_names(*state, ".", "pandas-1.0.0");
}

static void another_receipt_of_the_same_bundle_replaces_it_whole(void **state)
{
	struct registration registration = example(*state);
	free(registered(&registration));
	registration.receipt = RECEIPT("/srv/elsewhere/pandas-1.0.0.sif");
	sl_auto_free char *path = registered(&registration);
	sl_auto_free char *values = text_of(path, "user_endpoint_config.json");
	assert_non_null(strstr(values, "/srv/elsewhere/"));
	assert_names(*state, ".", "pandas-1.0.0");
}

static void a_file_system_without_exchange_will_do(void **state)
{
	struct registration registration = example(*state);
	struct sl_error err = {0};
	plain_renames_only = true;
	free(registered(&registration));
	registration.receipt = RECEIPT("/srv/elsewhere/pandas-1.0.0.sif");
	sl_auto_free char *path = registered(&registration);
	sl_auto_free char *values = text_of(path, "user_endpoint_config.json");
	assert_non_null(strstr(values, "/srv/elsewhere/"));
	assert_names(*state, ".", "pandas-1.0.0");
	// Killed between the two renames, and once more before the older one was removed.
	sl_auto_free char *older = sl_path_join(*state, ".pandas-1.0.0.abababababababab.older");
	sl_auto_free char *file = sl_path_join(older, "receipt.json");
	assert_int_equal(rename(path, older), 0);
	free(registered(&registration));
	assert_names(*state, ".", "pandas-1.0.0");
	assert_int_equal(mkdir(older, 0700), 0);
	assert_true(sl_store_file(file, "{", 1, 0600, SL_OUTPUT_NEW, &err));
	registration.receipt = RECEIPT("/srv/again/pandas-1.0.0.sif");
	free(registered(&registration));
	assert_names(*state, ".", "pandas-1.0.0");
	plain_renames_only = false;
}

static void what_a_killed_process_left_behind_is_cleared_away(void **state)
{
	struct registration registration = example(*state);
	struct sl_error err = {0};
	sl_auto_free char *part =
		sl_path_join(*state, ".pandas-1.0.0.abababababababab.part/receipt.json");
	sl_auto_free char *folder = sl_path_dir(part);
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_true(sl_store_file(part, "{", 1, 0600, SL_OUTPUT_NEW, &err));
	free(registered(&registration));
	assert_names(*state, ".", "pandas-1.0.0");
}

// Registers in a child that is interrupted at the fsync `number`; true if that ended it.
static bool interrupted(const struct registration *registration, unsigned number)
{
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct sl_error err = {0};
		char *path = NULL;
		interrupt_at = number;
		bool good = registration_write(registration, &path, &err);
		free(path);
		_exit(good ? 0 : 90);
	}
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGINT : WEXITSTATUS(status) == 0);
	return WIFSIGNALED(status);
}

static void an_interruption_leaves_nothing_half_made(void **state)
{
	struct registration registration = example(*state);
	sl_auto_free char *folder = sl_path_join(*state, "pandas-1.0.0");
	unsigned number = 1, ended = 0, nothing = 0;
	for (; interrupted(&registration, number); number++, ended++) {
		if (access(folder, F_OK) != 0) {
			assert_names(*state, ".", "");
			nothing++;
			continue;
		}
		// The name was taken before the process could be ended: then it is all there.
		assert_names(*state, ".", "pandas-1.0.0");
		sl_auto_free char *values = text_of(folder, "user_endpoint_config.json");
		assert_non_null(strstr(values, "/srv/images/"));
		assert_int_equal(nftw(folder, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
	}
	assert_true(ended >= 6 && nothing >= 5 && nothing < number);
}

static void an_interruption_keeps_the_older_registration(void **state)
{
	struct registration registration = example(*state);
	free(registered(&registration));
	registration.receipt = RECEIPT("/srv/elsewhere/pandas-1.0.0.sif");
	assert_true(interrupted(&registration, 2));
	assert_names(*state, ".", "pandas-1.0.0");
	sl_auto_free char *folder = sl_path_join(*state, "pandas-1.0.0");
	sl_auto_free char *values = text_of(folder, "user_endpoint_config.json");
	assert_non_null(strstr(values, "/srv/images/"));
}

static void values_and_notes_are_the_callers(void **state)
{
	struct registration registration = example(*state);
	sl_auto_json json_t *values = json_pack("{s:s}", "container_uri", "/srv/a.sif");
	registration.values = values;
	registration.notes = "## The runner's own template\n";
	sl_auto_free char *path = registered(&registration);
	sl_auto_free char *text = text_of(path, "user_endpoint_config.json");
	assert_string_equal(text, "{\n  \"container_uri\": \"/srv/a.sif\"\n}\n");
	sl_auto_free char *readme = text_of(path, "README.md");
	assert_non_null(strstr(readme, "\n\n## The runner's own template\n"));
}

static void what_is_not_ours_is_left_alone(void **state)
{
	struct registration registration = example(*state);
	struct sl_error err = {0};
	sl_auto_free char *folder = sl_path_join(*state, "pandas-1.0.0");
	sl_auto_free char *file = sl_path_join(folder, "receipt.json");
	assert_int_equal(symlink("/etc", folder), 0);
	refused(&registration, SL_E_INPUT, "is not a registration of this bundle");
	assert_int_equal(remove(folder), 0);
	assert_int_equal(mkdir(folder, 0755), 0);
	refused(&registration, SL_E_INPUT, "is not a registration of this bundle");
	assert_true(sl_store_file(file, "{\"bundle\":\"00\"}", 15, 0644, SL_OUTPUT_NEW, &err));
	refused(&registration, SL_E_INPUT, "--out");
	assert_names(*state, ".", "pandas-1.0.0");
	assert_names(folder, ".", "receipt.json");
}

static void a_link_under_the_hidden_name_is_not_followed(void **state)
{
	struct registration registration = example(*state);
	sl_auto_free char *part = sl_path_join(*state, ".pandas-1.0.0.abababababababab.part");
	assert_int_equal(symlink("/", part), 0);
	refused(&registration, SL_E_IO, "cannot register pandas 1.0.0");
	assert_int_equal(unlink(part), 0);
}

static void a_receipt_that_does_not_fit_is_refused(void **state)
{
	struct registration registration = example(*state);
	registration.receipt = "{\"bundle\":\"00\"}";
	refused(&registration, SL_E_FORMAT, "another bundle");
	registration.receipt = "nonsense";
	refused(&registration, SL_E_FORMAT, "receipt:1");
	registration.receipt =
		"{\"bundle\":\"abababababababababababababababababababababababababababababababab\"}";
	refused(&registration, SL_E_FORMAT, "names no image");
	registration.receipt = RECEIPT("relative.sif");
	refused(&registration, SL_E_INPUT, "must be absolute");
	// The engine's launch line knows no quotes: this would start another image, with an option.
	registration.receipt = RECEIPT("/srv/my images/--nv a.sif");
	refused(&registration, SL_E_INPUT, "cannot start containers from");
	registration.receipt = RECEIPT("/srv/$(reboot).sif");
	refused(&registration, SL_E_INPUT, "cannot start containers from");
	// The bundle's own schema refuses it, at the endpoint.
	registration.receipt = RECEIPT("/srv/100%.sif");
	refused(&registration, SL_E_INPUT, "cannot start containers from");
	assert_names(*state, ".", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(writes_one_folder_with_all_of_it),
		scratch_test(an_image_without_a_worker_has_no_template),
		scratch_test(the_same_again_changes_nothing),
		scratch_test(another_receipt_of_the_same_bundle_replaces_it_whole),
		scratch_test(a_file_system_without_exchange_will_do),
		scratch_test(what_a_killed_process_left_behind_is_cleared_away),
		scratch_test(an_interruption_leaves_nothing_half_made),
		scratch_test(an_interruption_keeps_the_older_registration),
		scratch_test(values_and_notes_are_the_callers),
		scratch_test(what_is_not_ours_is_left_alone),
		scratch_test(a_link_under_the_hidden_name_is_not_followed),
		scratch_test(a_receipt_that_does_not_fit_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
