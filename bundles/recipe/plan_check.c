// SPDX-License-Identifier: Apache-2.0
// The rules on single values of a plan. Spec checker and plan reader share them, so a value that a
// person may write is exactly a value that a foreign bundle may hold.
#include "bundles/recipe/plan.h"
#include "bundles/recipe/rules.h"

#include <string.h>

#define QUOTED_MAX (48 * SL_KIB) // one line of %environment; a section holds 65,535 bytes
#define HELP_MAX   (56 * SL_KIB) // %help with its indentation

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

// True if `path` is `place` or lies below it, by whole components (T48).
static bool is_within(const char *path, const char *place)
{
	size_t len = strlen(place);
	return strncmp(path, place, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

const char *plan_check_env_name(const char *name)
{
	if (!rules_is_of(name, "_") || (*name >= '0' && *name <= '9') || strlen(name) > 255)
		return "must be a variable name: letters, digits and _, not beginning with a digit";
	static const char *const runtime[] = {"APPTAINER", "SINGULARITY", "SEALIFT_"};
	for (size_t i = 0; i < sizeof runtime / sizeof *runtime; i++)
		if (starts_with(name, runtime[i]))
			return "must not be a variable of the container runtime or of sealift "
			       "(APPTAINER…, SINGULARITY…, SEALIFT_…)";
	if (strcmp(name, "PYTHONNOUSERSITE") == 0 || strcmp(name, "PYTHONHOME") == 0)
		return "must not be PYTHONNOUSERSITE or PYTHONHOME, which belong to the recipe";
	return NULL;
}

const char *plan_check_env_value(const char *value)
{
	if (!rules_is_clean(value, "\t"))
		return "must be one line of text without control characters; longer text belongs "
		       "into a file";
	if (strlen(value) > SL_LIMIT_VALUE || rules_quoted_length(value) > QUOTED_MAX)
		return "must be at most 32 KiB, and 48 KiB once quoted for the shell";
	if (strstr(value, "\\u000A"))
		return "must not contain the text \\u000A, which Apptainer turns into a line break";
	return NULL;
}

const char *plan_check_label_name(const char *name)
{
	if (strlen(name) > 128 || !rules_is_of(name, "._-") || !rules_is_of((char[]){*name, 0}, ""))
		return "must be letters, digits and . _ -, beginning with a letter or digit, at "
		       "most 128 of them";
	if (starts_with(name, "org.sealift.") || starts_with(name, "org.label-schema."))
		return "must not begin with org.sealift. or org.label-schema., which the build "
		       "sets";
	return NULL;
}

// One line that a definition keeps as it is: blanks at the ends would be lost.
static const char *check_line(const char *text, size_t max)
{
	if (!rules_is_clean(text, "") || strlen(text) > max)
		return "must be one line of text without control characters, at most 4096 bytes";
	if (rules_has_outer_blank(text))
		return "must not begin or end with a blank";
	if (rules_has_template(text))
		return "must not contain {{ word }}, which Apptainer takes for a build argument";
	return NULL;
}

const char *plan_check_label_value(const char *value)
{
	return *value ? check_line(value, 4096) : "must not be empty";
}

const char *plan_check_description(const char *text)
{
	return check_line(text, 4096);
}

const char *plan_check_image_path(const char *path)
{
	if (*path != '/' || !sl_path_is_plain(path + 1))
		return "must be an absolute path of plain components, like /etc/app.ini";
	if (strlen(path) > 1024 || !rules_is_of(path, "/._+=@,:~-"))
		return "must be made of letters, digits and . _ + = @ , : ~ -, at most 1024 of "
		       "them";
	static const char *const reserved[] = {"/.sealift", "/.singularity.d", "/opt/sealift",
					       "/opt/venv", "/proc",	       "/sys",
					       "/dev"};
	for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
		if (is_within(path, reserved[i]))
			return "must not lie in /.sealift, /.singularity.d, /opt/sealift, "
			       "/opt/venv, "
			       "/proc, /sys or /dev";
	if (is_within(path, "/tmp") || is_within(path, "/var/tmp"))
		return "must not lie in /tmp or /var/tmp: those are the host's during a build and "
		       "in a running container";
	return NULL;
}

const char *plan_check_script(const char *text)
{
	size_t len = strlen(text);
	if (len == 0 || strspn(text, " \t\n") == len)
		return "must not be empty";
	if (len > SL_LIMIT_SCRIPT)
		return "must be at most 256 KiB";
	if (!rules_is_clean(text, "\n\t"))
		return "must be text without control characters other than tab and line feed "
		       "(no carriage returns)";
	return text[len - 1] == '\n' ? NULL : "must end with a line feed";
}

static size_t indented_length(const char *text)
{
	size_t len = 0;
	for (; *text; text++)
		len += *text == '\n' ? 5 : 1;
	return len + 4;
}

const char *plan_check_help(const char *text)
{
	if (strspn(text, " \t\n") == strlen(text))
		return "must not be empty";
	if (strlen(text) > SL_LIMIT_HELP || indented_length(text) > HELP_MAX)
		return "must be at most 48 KiB, and 56 KiB with each line indented by four blanks";
	if (!rules_is_clean(text, "\n\t"))
		return "must be text without control characters other than tab and line feed";
	if (rules_has_section_line(text))
		return "must not have a line whose first character is %, which begins a section of "
		       "a definition file";
	if (rules_has_template(text))
		return "must not contain {{ word }}, which Apptainer takes for a build argument";
	return NULL;
}

static size_t span_lower(const char *text)
{
	return strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789");
}

// Between two words of a repository's component: one dot, one or two underlines, any dashes.
static size_t span_joint(const char *text)
{
	if (*text == '.')
		return 1;
	size_t underlines = strspn(text, "_");
	return underlines > 0 ? (underlines <= 2 ? underlines : 0) : strspn(text, "-");
}

static bool is_repository_part(const char *part, size_t len)
{
	for (const char *at = part;;) {
		size_t word = span_lower(at);
		at += word;
		if (word == 0 || at >= part + len)
			return word > 0 && at == part + len;
		size_t joint = span_joint(at);
		if (joint == 0)
			return false;
		at += joint;
	}
}

// A registry's host, with a port or without: it holds a dot or a port, or is localhost.
static bool is_registry(const char *host, size_t len)
{
	const char *colon = memchr(host, ':', len);
	size_t name = colon ? (size_t)(colon - host) : len;
	if (colon) {
		size_t digits = strspn(colon + 1, "0123456789");
		if (digits == 0 || digits > 5 || name + 1 + digits != len)
			return false;
	}
	bool dot = memchr(host, '.', name) != NULL;
	bool local = name == 9 && memcmp(host, "localhost", 9) == 0;
	return (dot || colon || local) && is_repository_part(host, name) &&
	       !memchr(host, '_', name);
}

const char *plan_check_reference(const char *reference)
{
	const char *slash = strchr(reference, '/');
	if (!slash || !is_registry(reference, (size_t)(slash - reference)))
		return "must name its registry, like docker.io/library/python";
	if (strlen(reference) > 255)
		return "must be at most 255 characters";
	for (const char *part = slash + 1;; part = slash + 1) {
		slash = strchr(part, '/');
		size_t len = slash ? (size_t)(slash - part) : strlen(part);
		if (!is_repository_part(part, len))
			return "must be a repository in lower case without tag and digest, like "
			       "docker.io/library/python";
		if (!slash)
			return NULL;
	}
}

const char *plan_check_tag(const char *tag)
{
	if (strlen(tag) > 128 || !rules_is_of(tag, "._-") || *tag == '.' || *tag == '-')
		return "must be a tag: letters, digits and . _ -, at most 128 of them";
	return NULL;
}

static const char *const build_options[] = {
	"--disable-cache",
	"--fix-perms",
	"--ignore-fakeroot-command",
	"--ignore-subuid",
	"--ignore-userns",
	"--mksquashfs-args=-comp gzip",
	"--mksquashfs-args=-comp lz4",
	"--mksquashfs-args=-comp xz",
	"--mksquashfs-args=-comp zstd -Xcompression-level 3",
	"--nv",
	"--rocm",
	"--userns",
	NULL,
};

const char *const *plan_build_options(void)
{
	return build_options;
}

const char *plan_check_build_option(const char *option)
{
	for (size_t i = 0; build_options[i]; i++)
		if (strcmp(option, build_options[i]) == 0)
			return NULL;
	return "must be one of --disable-cache, --fix-perms, --ignore-fakeroot-command, "
	       "--ignore-subuid, --ignore-userns, --mksquashfs-args=-comp gzip (or lz4, or xz, or "
	       "zstd -Xcompression-level 3), --nv, --rocm, --userns";
}

const char *plan_check_python(const char *version)
{
	if (!rules_is_numbers(version, 3) || strncmp(version, "3.", 2) != 0)
		return "must be a full version of Python 3, like 3.11.2";
	return NULL;
}

const char *plan_check_glibc(const char *version)
{
	if (!rules_is_numbers(version, 2) || strncmp(version, "2.", 2) != 0)
		return "must be a version of glibc, like 2.36";
	return NULL;
}

const char *plan_check_platform(const char *platform)
{
	if (strcmp(platform, "linux/x86_64") != 0 && strcmp(platform, "linux/aarch64") != 0)
		return "must be linux/x86_64 or linux/aarch64";
	return NULL;
}
