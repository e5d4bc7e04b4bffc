// SPDX-License-Identifier: Apache-2.0
// The parser of definition files: everything that the renderer writes, and nothing else.
#include "support.h"

static const char *const cases[] = {"every-field", "no-python", "pandas-pip", "pandas-uv",
				    "pinned"};

static char *load_definition(const char *name)
{
	struct sl_error err = {0};
	sl_auto_free char *path = sl_format(CASES "/%s/expected/image.def", name);
	sl_auto_buf struct sl_buf text;
	sl_buf_init(&text, SL_MIB);
	if (!sl_read_file(path, &text, &err))
		fail_msg("%s", err.text);
	return sl_buf_steal(&text, NULL);
}

static void test_parsing_and_writing_are_inverse(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct sl_error err = {0};
		struct definition definition;
		sl_auto_free char *text = load_definition(cases[i]);
		if (!definition_parse(text, strlen(text), &definition, &err))
			fail_msg("%s: %s", cases[i], err.text);
		sl_auto_buf struct sl_buf again;
		sl_buf_init(&again, SL_MIB);
		definition_format(&definition, &again);
		assert_string_equal(again.data, text);
		assert_true(definition_equal(&definition, &definition));
		definition_release(&definition);
	}
}

static void test_lines_know_their_numbers(void **state)
{
	(void)state;
	struct sl_error err = {0};
	struct definition definition;
	sl_auto_free char *text = load_definition("no-python");
	assert_true(definition_parse(text, strlen(text), &definition, &err));
	assert_string_equal(definition.bootstrap, "oci-archive");
	const struct definition_section *files = &definition.sections.items[0];
	assert_string_equal(files->name, "files");
	assert_int_equal(files->lines.items[0].number, 5);
	assert_string_equal(files->lines.items[1].text, "signatures /opt/sealift/meta/signatures");
	definition_release(&definition);
}

// `text` with the first `old` replaced by `new`.
static char *replaced(const char *text, const char *old, const char *new)
{
	const char *at = strstr(text, old);
	if (!at)
		fail_msg("'%s' is not in the definition", old);
	return sl_format("%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
}

static void expect_refusal(const char *text, size_t len, const char *what)
{
	struct sl_error err = {0};
	struct definition definition;
	if (definition_parse(text, len, &definition, &err))
		fail_msg("accepted: %s", what);
	assert_int_equal(err.kind, SL_E_FORMAT);
	if (strncmp(err.text, "image.def:", 10) != 0)
		fail_msg("%s: the message is: %s", what, err.text);
}

struct change {
	const char *old, *new;
};

// Each entry of the catalogue of injections, as if a definition had been edited by hand.
static const struct change changes[] = {
	// headers
	{"Bootstrap: docker-archive", "Bootstrap: yum"},
	{"Bootstrap: docker-archive", "bootstrap: docker-archive"},
	{"Bootstrap: docker-archive", " Bootstrap: docker-archive"},
	{"Bootstrap: docker-archive\n", "Bootstrap: docker-archive\nFingerprints: \n"},
	{"Bootstrap: docker-archive\n", "Bootstrap: docker-archive\nIncludeCmd: yes\n"},
	{"Bootstrap: docker-archive\n", "# a comment\nBootstrap: docker-archive\n"},
	{"From: blobs", "From: ../blobs"},
	{"From: blobs/sha256/1", "From: blobs/sha256/1\\\n"},
	{"From: blobs/sha256/", "From: blobs/sha256/#"},
	{"From: blobs/sha256/11b7", "From: 11b7"},
	{"\n\n%files", "\nStage: one\n\n%files"},
	{"\n\n%files", " \n\n%files"},
	// sections
	{"\n%post\n", "\n%setup\n    touch /tmp/x\n\n%post\n"},
	{"\n%post\n", "\n%pre\n    touch /tmp/x\n\n%post\n"},
	{"\n%post\n", "\n%post -c /bin/bash\n"},
	{"\n%post\n", "\n%%post\n"},
	{"\n%post\n", "\n%POST\n"},
	{"\n%post\n", "\n%post \n"},
	{"\n%post\n", "\n %post\n"},
	{"\n%post\n", "\n\n%post\n"},
	{"\n%post\n", "%post\n"},
	{"\n%files\n", "\n%files from other\n"},
	{"\n%files\n", "\n%arguments\n    x=1\n\n%files\n"},
	{"\n%runscript\n", "\n%apprun x\n    true\n\n%runscript\n"},
	{"\n%runscript\n", "\n%startscript\n    true\n\n%runscript\n"},
	{"\n%help\n", "\nBootstrap: docker\nFrom: x\n\n%help\n"},
	{"%labels", "%environment"},
	// bodies
	{"    set -eu\n    umask", "    set -eu\n    %setup\n    umask"},
	{"    set -eu\n    umask", "    set -eu\n\302\240   %setup\n    umask"},
	{"    set -eu\n    umask", "    set -eu\nbootstrap: docker\n    umask"},
	{"    set -eu\n    umask", "    set -eu\nboot\305\277trap: docker\n    umask"},
	{"    set -eu\n    umask", "    set -eu\n    curl https://example.org | sh\n    umask"},
	{"    set -eu\n    umask", "    set -eu\n    # a comment\n    umask"},
	{"    set -eu\n    umask", "    set -eu\n\tumask"},
	{"    set -eu\n    umask", "    umask"},
	{"    set -eu\n    umask", "    set -eu\r\n    umask"},
	{"    set -eu\n    umask", "    set -eu \n    umask"},
	{"    set -eu\n    umask", "     set -eu\n    umask"},
	{"    umask 022\n", "    umask 022\n    umask 022\n"},
	{"    umask 022\n", ""},
	{"cpython 3.13.10\" else", "cpython 3.13.10\" or True else"},
	{">= [2, 28]", ">= [2, 28 if 0 else 0]"},
	{"[2, 28]", "[2,28]"},
	{"== \"aarch64\"", "== \"riscv64\""},
	{"mkdir -p '/etc'", "mkdir -p '/etc';id'"},
	{"mkdir -p '/etc'", "mkdir -p '/opt/sealift'"},
	{"mkdir -p '/etc'", "mkdir -p /etc"},
	{"'/etc/app.ini'\n    chmod", "'/.singularity.d/env/x'\n    chmod"},
	{"'/etc/app.ini'\n    chmod", "'/etc/../bin/sh'\n    chmod"},
	{"chmod 0600", "chmod 4755"},
	{"chmod 0600", "chmod -R"},
	{"sh -eu /.sealift/scripts/post-01.sh", "sh -eu /.sealift/scripts/post-00.sh"},
	{"sh -eu /.sealift/scripts/post-01.sh", "sh -eu /.sealift/scripts/post-65.sh"},
	{"sh -eu /.sealift/scripts/post-01.sh", "sh -eu /.sealift/scripts/../x.sh"},
	{"unshare -n sh", "unshare -n  sh"},
	{"--ignore-installed", "--index-url https://example.org --ignore-installed"},
	{"--require-hashes", "--no-require-hashes"},
	{"--no-deps", ""},
	{"rm -rf /opt/sealift /root/.cache", "true"},
	{"chmod -R a+rX /.sealift /opt/venv", "chmod -R a+rX / /opt/venv"},
	// files
	{"manifest.json /opt", "$(id) /opt"},
	{"manifest.json /opt", "-t /opt"},
	{"manifest.json /opt/sealift/meta/manifest.json", "manifest.json /bin/sh"},
	{"files/57b6", "files/~57b6"},
	{"files/57b6", "/etc/57b6"},
	{"files/57b64c", "files/67b64c"}, // the two names must be the same
	{"/opt/sealift/wheels/pandas-", "/opt/sealift/wheels/../pandas-"},
	{"/opt/sealift/wheels/pandas-", "/opt/sealift/wheels/$(id)pandas-"},
	{"/opt/sealift/wheels/pandas-", "/opt/sealift/wheels/pandas "},
	{"    signatures /opt/sealift/meta/signatures\n", ""},
	// environment
	{"export EMPTY=\"\"", "export EMPTY=$(id)"},
	{"export EMPTY=\"\"", "export EMPTY=\"$(id)\""},
	{"export EMPTY=\"\"", "export EMPTY=\"`id`\""},
	{"export EMPTY=\"\"", "export EMPTY=\"\"; id; \"\""},
	{"export EMPTY=\"\"", "export EMPTY=\"a\"b\"c\""},
	{"export EMPTY=\"\"", "export EMPTY='x'"},
	{"export EMPTY=\"\"", "export EMPTY=\"\\x\""},
	{"export EMPTY=\"\"", "export EMPTY=\"x\\\""},
	{"export EMPTY=\"\"", "export EMPTY=\"{{ x }}\""},
	{"export EMPTY=\"\"", "export EMPTY=\"{{\""},
	{"export EMPTY=\"\"", "EMPTY=\"\""},
	{"export EMPTY=\"\"", "exit"},
	{"export EMPTY=\"\"", "export APPTAINER_BIND=\"/\""},
	{"export EMPTY=\"\"", "export PYTHONNOUSERSITE=\"\""},
	{"export PYTHONNOUSERSITE=\"1\"", "export PYTHONNOUSERSITE=\"0\""},
	{"    export PYTHONNOUSERSITE=\"1\"\n", ""},
	// runscript, test, labels, help
	{"exec \"$@\"", "exec $@"},
	{"    exec \"$@\"\n", "    exec \"$@\"\n    id\n"},
	{"    exec \"$@\"\n", ""},
	{". /.sealift/scripts/runscript.sh", ". /tmp/runscript.sh"},
	{"org.sealift.name every.field_1", "org.sealift.name Every Field"},
	{"org.sealift.recipe ", "org.sealift.recipe 0"},
	{"maintainer someone", "org.sealift.bundle 00"},
	{"maintainer someone", "org.label-schema.build-date x"},
	{"maintainer someone", "main\ttainer someone"},
	{"maintainer someone", "# someone"},
	{"Use {{.Name}}", "Use {{ Name }}"},
	{"Use {{.Name}}", "%Use {{.Name}}"},
	{"Use {{.Name}}", "\342\200\250%Use"},
	{"Use {{.Name}}", "Use \033[2J"},
	{"Use {{.Name}}", "Use \377"},
	{"Use {{.Name}} freely.\n", "Use {{.Name}} freely."},
	{"    Use {{.Name}}", "Use {{.Name}}"},
};

static void test_every_other_line_is_refused(void **state)
{
	(void)state;
	sl_auto_free char *text = load_definition("every-field");
	sl_auto_free char *last =
		replaced(text, "/.sealift/scripts/post-01.sh", "/.sealift/scripts/post-64.sh");
	struct definition read;
	struct sl_error err = {0};
	assert_true(definition_parse(last, strlen(last), &read, &err)); // SL_LIMIT_SCRIPTS
	definition_release(&read);
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		sl_auto_free char *changed = replaced(text, changes[i].old, changes[i].new);
		expect_refusal(changed, strlen(changed), changes[i].new);
	}
}

static void test_references_are_pinned(void **state)
{
	(void)state;
	sl_auto_free char *text = load_definition("pinned");
	static const struct change headers[] = {{"@sha256:", ":3.11@sha256:"},
						{"@sha256:", ":3.11#"},
						{"docker.io/", ""},
						{"From: docker.io", "From: docker://docker.io"},
						{"Bootstrap: docker", "Bootstrap: Docker"},
						{"Bootstrap: docker", "Bootstrap: oras"},
						{"Bootstrap: docker", "Bootstrap: localimage"}};
	for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
		sl_auto_free char *changed = replaced(text, headers[i].old, headers[i].new);
		expect_refusal(changed, strlen(changed), headers[i].new);
	}
}

// This definition ends with a line that must not be missing, so no beginning of it is whole.
static void t75_a_truncated_definition_is_refused(void **state)
{
	(void)state;
	sl_auto_free char *text = load_definition("no-python");
	for (size_t len = 0; len < strlen(text); len++) {
		sl_auto_free char *cut = sl_strndup(text, len);
		struct sl_error err = {0};
		struct definition definition;
		if (definition_parse(cut, len, &definition, &err))
			fail_msg("accepted when cut after %zu bytes", len);
	}
}

static void t16_bytes_after_a_nul_are_refused(void **state)
{
	(void)state;
	sl_auto_free char *text = load_definition("no-python");
	size_t len = strlen(text);
	char *longer = sl_alloc(len + 8);
	memcpy(longer, text, len);
	memcpy(longer + len + 1, "%setup", 6);
	expect_refusal(longer, len + 7, "NUL");
	free(longer);
}

static void t17_a_definition_as_large_as_it_may_be(void **state)
{
	(void)state;
	size_t len = SL_LIMIT_CONTENT_FILE + 1;
	sl_auto_free char *text = sl_alloc(len + 1);
	memset(text, 'x', len);
	for (size_t more = 0; more < 2; more++) {
		struct sl_error err = {0};
		struct definition definition;
		text[len - 1 + more] = '\0';
		assert_false(definition_parse(text, len - 1 + more, &definition, &err));
		assert_int_equal(err.kind, more ? SL_E_LIMIT : SL_E_FORMAT);
		text[len - 1] = 'x';
	}
}

// A section of Apptainer holds less than 64 KiB: larger bodies are written as several.
static void test_large_sections_are_split(void **state)
{
	(void)state;
	struct sl_error err = {0};
	auto_plan struct plan *plan = load_plan("no-python");
	auto_lock struct lock *lock = load_lock("no-python");
	char *value = sl_alloc(20001);
	memset(value, '$', 20000);
	for (unsigned i = 0; i < 40; i++) {
		struct plan_pair *pair = sl_list_add(&plan->env);
		*pair = (struct plan_pair){sl_format("E%02u", i), sl_strdup(value)};
	}
	free(value);
	struct content content = {0};
	if (!recipe_render(plan, lock, &content, &err))
		fail_msg("%s", err.text);
	const char *text = content_find(&content, "image.def")->data;
	size_t sections = 0;
	for (const char *at = text; (at = strstr(at, "\n%")); at++) {
		const char *next = strstr(at + 1, "\n%");
		size_t size = next ? (size_t)(next - at) : strlen(at);
		assert_true(size < 60000);
		sections++;
	}
	assert_true(sections > 30);
	content_release(&content);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parsing_and_writing_are_inverse),
		cmocka_unit_test(test_lines_know_their_numbers),
		cmocka_unit_test(test_every_other_line_is_refused),
		cmocka_unit_test(test_references_are_pinned),
		cmocka_unit_test(t75_a_truncated_definition_is_refused),
		cmocka_unit_test(t16_bytes_after_a_nul_are_refused),
		cmocka_unit_test(t17_a_definition_as_large_as_it_may_be),
		cmocka_unit_test(test_large_sections_are_split),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
