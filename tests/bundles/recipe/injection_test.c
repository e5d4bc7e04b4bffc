// SPDX-License-Identifier: Apache-2.0
// Every injection of the definition format, tried through every value of a plan or lock that a
// stranger chooses. Each is either refused, or the definition still means the same: read as
// Apptainer reads it (written out here once more, without the recipe's own parser), it has the
// recipe's sections and one stage, no build argument, and the number of lines that belong to the
// plan.
#include "support.h"

#include <ctype.h>

// ---- a definition as Apptainer sees it -----------------------------------------------------

struct seen {
	unsigned stages, sections, templates, longest;
	char names[512]; // of the sections, each followed by a blank
};

static const char *const blanks[] = {
	"\t",		"\v",		"\f",		"\r",		" ",
	"\302\205",	"\302\240",	"\341\232\200", "\342\200\200", "\342\200\201",
	"\342\200\202", "\342\200\203", "\342\200\204", "\342\200\205", "\342\200\206",
	"\342\200\207", "\342\200\210", "\342\200\211", "\342\200\212", "\342\200\250",
	"\342\200\251", "\342\200\257", "\342\201\237", "\343\200\200"};

static const char *skip_blanks(const char *line)
{
	for (size_t i = 0; i < sizeof blanks / sizeof *blanks; i++)
		if (strncmp(line, blanks[i], strlen(blanks[i])) == 0)
			return skip_blanks(line + strlen(blanks[i]));
	return line;
}

// Line start, then bootstrap: in any case, with U+017F for the s.
static bool opens_stage(const char *line)
{
	for (const char *word = "bootstrap:"; *word; word++) {
		if (*word == 's' && strncmp(line, "\305\277", 2) == 0)
			line += 2;
		else if (tolower((unsigned char)*line) == *word)
			line++;
		else
			return false;
	}
	return true;
}

static bool opens_template(const char *at)
{
	if (strncmp(at, "{{", 2) != 0)
		return false;
	at += 2 + strspn(at + 2, " \t\n\v\f\r");
	size_t word = 0;
	while (isalnum((unsigned char)at[word]) || at[word] == '_')
		word++;
	at += word + strspn(at + word, " \t\n\v\f\r");
	return word > 0 && strncmp(at, "}}", 2) == 0;
}

static void look_at_line(const char *line, size_t len, struct seen *seen)
{
	seen->stages += opens_stage(line);
	const char *first = skip_blanks(line);
	if (first >= line + len || *first != '%')
		return;
	char name[64];
	snprintf(name, sizeof name, "%.*s ", (int)(line + len - first - 1), first + 1);
	if (!strstr(seen->names, name) && strlen(seen->names) + strlen(name) < sizeof seen->names)
		strcat(seen->names, name);
	seen->sections++;
}

static struct seen look_at(const char *text)
{
	struct seen seen = {0};
	for (const char *line = text; *line;) {
		size_t len = strcspn(line, "\n");
		look_at_line(line, len, &seen);
		seen.longest = len > seen.longest ? (unsigned)len : seen.longest;
		line += len + (line[len] == '\n');
	}
	for (const char *at = text; *at; at++)
		seen.templates += opens_template(at);
	return seen;
}

// ---- the attacks ---------------------------------------------------------------------------

static const char *const attacks[] = {
	"%setup",
	"x\n%setup\ntouch /tmp/owned",
	"x\n%post -c /bin/bash\nid",
	"\n%pre\nid\n",
	"x\n    %files\n/etc/shadow /shadow",
	"x\n\302\240%setup\nid",
	"x\n\302\205%setup\nid",
	"x\n\342\200\250%setup",
	"x\342\200\250%setup\nid",
	"x\n\v%setup",
	"x\n\f%setup",
	"x\r%setup",
	"x\r\n%setup\r\nid",
	"x\n\343\200\200%setup",
	"x\n\342\200\213%setup",
	"\357\273\277%setup",
	"x\nbootstrap: docker\nfrom: evil",
	"x\nBOOTSTRAP: docker\nFrom: evil",
	"boot\305\277trap: docker",
	"x\nboot\305\277trap: docker\nFrom: evil",
	"bootstrap: docker",
	"Bootstrap: docker",
	"{{ x }}",
	"{{x}}",
	"{{{ x }}}",
	"{{\tx\t}}",
	"{{\nx\n}}",
	"{ { x } }",
	"{{ x.y }}",
	"{{{{",
	"a{{b}}c",
	"# {{ x }}",
	"$(id)",
	"`id`",
	"${HOME}",
	"$HOME",
	"~root",
	"*",
	"?",
	"[a-z]",
	"{a,b}",
	"a;id",
	"a&&id",
	"a|id",
	"a>b",
	"a<b",
	"(id)",
	"!x",
	"\\",
	"a\\",
	"a\\\n",
	"\"",
	"'",
	"a\" ; id ; \"",
	"a' ; id ; '",
	"\"; id #",
	"-e",
	"--version",
	"--index-url=https://example.org",
	"-oAPT::Sandbox::User=root",
	"-t/bin",
	"-",
	"--",
	"#",
	"a#b",
	"",
	" ",
	" a",
	"a ",
	"\ta",
	"../../etc/passwd",
	"/etc/../../x",
	"/",
	".",
	"..",
	"/.",
	"//",
	"/.singularity.d/env/99-x.sh",
	"/opt/sealift/x",
	"/.sealift/manifest.json",
	"/dev/null",
	"/tmp/x",
	"\033[2J",
	"\001",
	"\177",
	"\302\233",
	"a\tb",
	"a\nb",
	"a\rb",
	"\342\200\256evil",
	"\\u000A%setup",
	"\\n%setup",
	"exit",
	"a=b",
	"a b",
	"a:b",
	"A@B",
	"\303\251\303\251",
	"https://example.org/x.whl",
	"a @ https://example.org/x.whl",
	"a --hash=sha256:00",
	"git+ssh://example.org/x",
	"x\n-r /etc/passwd",
	"x \\\n--index-url https://example.org",
};

struct field {
	const char *path;
	bool script;	    // of several lines by nature; lives in a file of its own
	const char *before; // written in front of the attack
	const char *behind;
};

static const struct field plan_fields[] = {
	{"name", false, "", ""},
	{"version", false, "", ""},
	{"description", false, "", ""},
	{"worker", false, "", ""},
	{"base/file", false, "", ""},
	{"target/python", false, "", ""},
	{"target/glibc", false, "", ""},
	{"target/platform", false, "", ""},
	{"pip/requirements/0", false, "", ""},
	{"pip/lock", false, "", ""},
	{"pip/wheelhouses/0", false, "", ""},
	{"files/0/from", false, "", ""},
	{"files/0/to", false, "", ""},
	{"files/3/to", false, "/usr/x", ""},
	{"files/0/mode", false, "", ""},
	{"env/5/name", false, "", ""},
	{"env/5/name", false, "_x", ""},
	{"env/1/value", false, "", ""},
	{"env/1/value", false, "text ", " text"},
	{"labels/1/name", false, "", ""},
	{"labels/1/name", false, "z", ""},
	{"labels/1/value", false, "", ""},
	{"labels/1/value", false, "text ", " text"},
	{"build/options/0", false, "", ""},
	{"post/0/run", true, "", ""},
	{"post/0/run", true, "", "\n"},
	{"test/run", true, "", "\n"},
	{"runscript", true, "", "\n"},
	{"help", false, "", ""},
	{"help", false, "text\n", "\ntext"},
};

static const struct field lock_fields[] = {
	{"packages/1/name", false, "", ""},
	{"packages/1/version", false, "", ""},
	{"packages/1/version", false, "1.0", ""},
	{"packages/1/file", false, "", ""},
	{"packages/1/file", false, "numpy-1!2.3.0+cu118-2-cp313-cp313-", ".whl"},
	{"packages/1/requires", false, "", ""},
	{"packages/1/hashes/0", false, "", ""},
	{"packages/1/wheel/sha256", false, "", ""},
	{"installer/name", false, "", ""},
	{"installer/version", false, "", ""},
	{"installer/file", false, "", ""},
	{"installer/file", false, "pip-26.0-py3-none-", ".whl"},
	{"base/sha256", false, "", ""},
	{"files/0/sha256", false, "", ""},
};

#define EXPECTED "files post environment runscript test labels help "

static size_t count_lines(const char *text)
{
	size_t lines = 0;
	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

// What the definition says besides %help, which may have lines of its own.
static size_t count_lines_before_help(const char *text)
{
	const char *help = strstr(text, "\n%help\n");
	sl_auto_free char *head = sl_strndup(text, help ? (size_t)(help - text) : strlen(text));
	return count_lines(head);
}

static size_t untouched_lines(void)
{
	struct sl_error err = {0};
	auto_plan struct plan *plan = load_plan("every-field");
	auto_lock struct lock *lock = load_lock("every-field");
	struct content content = {0};
	assert_true(recipe_render(plan, lock, &content, &err));
	size_t lines = count_lines_before_help(content_find(&content, "image.def")->data);
	content_release(&content);
	return lines;
}

static void check_definition(const char *text, const char *path, const char *attack, size_t lines)
{
	struct seen seen = look_at(text);
	sl_auto_free char *shown = sl_text_shown(attack);
	if (seen.stages != 1 || seen.sections != 7 || seen.templates != 0 ||
	    strcmp(seen.names, EXPECTED) != 0)
		fail_msg("%s = %s: %u stages, %u sections (%s), %u templates", path, shown,
			 seen.stages, seen.sections, seen.names, seen.templates);
	// An empty description or a new folder of a file is a line less or more.
	size_t now = count_lines_before_help(text);
	if (now + 1 < lines || now > lines + 1)
		fail_msg("%s = %s: %zu lines instead of %zu", path, shown, now, lines);
}

// No line of a requirements file is anything but a comment, a pin or a hash (T56).
static void check_requirements(const char *text, const char *attack)
{
	sl_auto_free char *copy = sl_strdup(text);
	char *rest = NULL;
	for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		bool hash = strncmp(line, "    --hash=sha256:", 18) == 0;
		bool pin = islower((unsigned char)*line) && strstr(line, "==") &&
			   !strpbrk(line, ";@'\"$`%&|<>()~/");
		bool comment = strncmp(line, "# ", 2) == 0;
		if (!hash && !pin && !comment)
			fail_msg("%s: requirements.txt has the line '%s'", attack, line);
	}
}

static json_t *attacked(const struct field *field, const char *attack, const char *file)
{
	json_t *json = load_json("every-field", file);
	sl_auto_free char *value = sl_format("%s%s%s", field->before, attack, field->behind);
	json_t *text = json_string(value);
	if (!text) { // jansson takes UTF-8 only, as the loader does
		json_decref(json);
		return NULL;
	}
	put_path(json, field->path, text);
	return json;
}

// True if the attack was refused, by the readers or the renderer, as an error of the input.
static bool try_attack(const struct field *field, const char *attack, bool on_plan, size_t lines)
{
	struct sl_error err = {0};
	sl_auto_json json_t *plan_json = on_plan ? attacked(field, attack, "plan.json")
						 : load_json("every-field", "plan.json");
	sl_auto_json json_t *lock_json = on_plan ? load_json("every-field", "lock.json")
						 : attacked(field, attack, "lock.json");
	if (!plan_json || !lock_json)
		return true;
	auto_plan struct plan *plan = plan_from_json(plan_json, &err);
	auto_lock struct lock *lock = plan ? lock_from_json(lock_json, &err) : NULL;
	struct content content = {0};
	bool rendered = plan && lock && recipe_render(plan, lock, &content, &err);
	if (rendered) {
		check_definition(content_find(&content, "image.def")->data, field->path, attack,
				 lines);
		check_requirements(content_find(&content, "requirements.txt")->data, attack);
		check_requirements(content_find(&content, "endpoint/requirements.txt")->data,
				   attack);
	} else if (err.kind != SL_E_FORMAT) {
		sl_auto_free char *shown = sl_text_shown(attack);
		fail_msg("%s = %s: refused as %s: %s", field->path, shown, sl_kind_name(err.kind),
			 err.text);
	}
	content_release(&content);
	return !rendered;
}

static void try_all(const struct field *fields, size_t len, bool on_plan, unsigned *refused,
		    unsigned *rendered)
{
	size_t lines = untouched_lines();
	for (size_t i = 0; i < len; i++)
		for (size_t j = 0; j < sizeof attacks / sizeof *attacks; j++)
			++*(try_attack(&fields[i], attacks[j], on_plan, lines) ? refused
									       : rendered);
}

static void t52_t53_t54_values_of_a_plan_stay_values(void **state)
{
	(void)state;
	unsigned refused = 0, rendered = 0;
	try_all(plan_fields, sizeof plan_fields / sizeof *plan_fields, true, &refused, &rendered);
	assert_true(refused > 1000);
	assert_true(rendered > 300); // environment, scripts, labels and help take most texts
}

static void t55_t56_t58_values_of_a_lock_stay_values(void **state)
{
	(void)state;
	unsigned refused = 0, rendered = 0;
	try_all(lock_fields, sizeof lock_fields / sizeof *lock_fields, false, &refused, &rendered);
	assert_true(refused > 1000);
}

// Environment values reach the container unchanged: what /bin/sh makes of the line is the value.
static void t55_quoted_values_are_what_a_shell_reads(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
		if (plan_check_env_value(attacks[i]))
			continue;
		struct sl_error err = {0};
		auto_plan struct plan *plan = load_plan("every-field");
		auto_lock struct lock *lock = load_lock("every-field");
		free(plan->env.items[1].value);
		plan->env.items[1].value = sl_strdup(attacks[i]);
		struct content content = {0};
		if (!recipe_render(plan, lock, &content, &err))
			fail_msg("%s: %s", attacks[i], err.text);
		const char *text = content_find(&content, "image.def")->data;
		const char *line = strstr(text, "    export EMPTY=");
		sl_auto_free char *command =
			sl_format("unset EMPTY\n%.*s\nprintf '%%s.' \"$EMPTY\"",
				  (int)strcspn(line, "\n"), line);
		setenv("SCRIPT", command, 1);
		FILE *shell = popen("/bin/sh -euc \"$SCRIPT\"", "r");
		assert_non_null(shell);
		char said[256] = "";
		size_t len = fread(said, 1, sizeof said - 1, shell);
		assert_int_equal(pclose(shell), 0);
		sl_auto_free char *wanted = sl_format("%s.", attacks[i]);
		said[len] = '\0';
		assert_string_equal(said, wanted);
		content_release(&content);
	}
}

// Scripts are files of their own, byte for byte, and never text of the definition.
static void t52_scripts_are_files(void **state)
{
	(void)state;
	struct sl_error err = {0};
	auto_plan struct plan *plan = load_plan("every-field");
	auto_lock struct lock *lock = load_lock("every-field");
	struct content content = {0};
	assert_true(recipe_render(plan, lock, &content, &err));
	assert_string_equal(content_find(&content, "scripts/post-01.sh")->data,
			    plan->post.items[0].run);
	assert_string_equal(content_find(&content, "scripts/test.sh")->data,
			    plan->test.items[0].run);
	assert_string_equal(content_find(&content, "scripts/runscript.sh")->data, plan->runscript);
	assert_null(strstr(content_find(&content, "image.def")->data, "not a template"));
	content_release(&content);
}

// A value that reached the renderer past the readers is stopped there.
static void t52_the_renderer_does_not_trust_its_values(void **state)
{
	(void)state;
	static const char *const values[] = {"x\n%setup\n    id", "x\nbootstrap: docker",
					     "{{ x }}"};
	for (size_t i = 0; i < 3; i++) {
		struct sl_error err = {0};
		auto_plan struct plan *plan = load_plan("every-field");
		auto_lock struct lock *lock = load_lock("every-field");
		free(plan->labels.items[0].value);
		plan->labels.items[0].value = sl_strdup(values[i]);
		struct content content = {0};
		assert_false(recipe_render(plan, lock, &content, &err));
		assert_int_equal(content.files.len, 0);
		assert_int_equal(err.kind, SL_E_FORMAT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t52_t53_t54_values_of_a_plan_stay_values),
		cmocka_unit_test(t55_t56_t58_values_of_a_lock_stay_values),
		cmocka_unit_test(t55_quoted_values_are_what_a_shell_reads),
		cmocka_unit_test(t52_scripts_are_files),
		cmocka_unit_test(t52_the_renderer_does_not_trust_its_values),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
