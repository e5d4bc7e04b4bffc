// SPDX-License-Identifier: Apache-2.0
// The list is made once per target (700 to 1100 tags), and a table from tag to rank beside it: a
// wheel is judged by a look-up for each of its tags.
#include "bundles/packaging/tags.h"

#include "bundles/packaging/scan.h"

#include <string.h>

// Above any release so far, and low enough for the list to stay short.
#define MINOR_MAX 99U

struct tag_set {
	struct sl_strings list;
	uint32_t *table; // rank + 1; 0 = empty
	size_t mask;
};

static uint64_t hash_add(uint64_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3U; // FNV-1a
	return hash;
}

static uint64_t hash_tag(const char *python, const char *abi, const char *platform)
{
	uint64_t hash = hash_add(0xcbf29ce484222325U, python);
	hash = hash_add(hash_add(hash, "-"), abi);
	return hash_add(hash_add(hash, "-"), platform);
}

static bool tag_equals(const char *tag, const char *python, const char *abi, const char *platform)
{
	const char *const parts[] = {python, abi, platform};
	for (int i = 0; i < 3; i++) {
		size_t len = strlen(parts[i]);
		if (strncmp(tag, parts[i], len) != 0)
			return false;
		tag += len;
		if (*tag != (i < 2 ? '-' : '\0'))
			return false;
		tag++;
	}
	return true;
}

static void make_table(struct tag_set *tags)
{
	size_t size = 64;
	while (size < 2 * tags->list.len)
		size *= 2;
	tags->mask = size - 1;
	tags->table = sl_alloc_array(size, sizeof *tags->table);
	for (size_t rank = 0; rank < tags->list.len; rank++) {
		size_t slot = (size_t)hash_add(0xcbf29ce484222325U, tags->list.items[rank]);
		while (tags->table[slot & tags->mask])
			slot++;
		tags->table[slot & tags->mask] = (uint32_t)rank + 1;
	}
}

static void add_platform(struct sl_strings *platforms, const char *family, unsigned major,
			 unsigned minor, const char *machine)
{
	*sl_list_add(platforms) = sl_format("%s_%u_%u_%s", family, major, minor, machine);
}

// The names that manylinux policies had before PEP 600, each right after the tag it stands for.
static const char *manylinux_alias(unsigned minor)
{
	switch (minor) {
	case 17:
		return "manylinux2014";
	case 12:
		return "manylinux2010";
	case 5:
		return "manylinux1";
	default:
		return NULL;
	}
}

static void add_manylinux(struct sl_strings *platforms, unsigned newest, const char *machine)
{
	bool intel = strcmp(machine, "x86_64") == 0 || strcmp(machine, "i686") == 0;
	unsigned oldest = intel ? 5 : 17;
	for (unsigned minor = newest; minor >= oldest; minor--) {
		add_platform(platforms, "manylinux", 2, minor, machine);
		const char *alias = manylinux_alias(minor);
		if (alias)
			*sl_list_add(platforms) = sl_format("%s_%s", alias, machine);
	}
}

static void add_linux(struct sl_strings *platforms, const struct tag_target *target)
{
	const char *machines[3] = {target->machine};
	if (strcmp(target->machine, "armv8l") == 0)
		machines[1] = "armv7l";
	for (const char **machine = machines; *machine; machine++) {
		if (target->libc == TAG_GLIBC) {
			add_manylinux(platforms, target->libc_minor, *machine);
			continue;
		}
		for (unsigned minor = target->libc_minor + 1; minor-- > 0;)
			add_platform(platforms, "musllinux", target->libc_major, minor, *machine);
	}
	for (const char **machine = machines; *machine; machine++)
		*sl_list_add(platforms) = sl_format("linux_%s", *machine);
}

static void add_macos(struct sl_strings *platforms, const struct tag_target *target)
{
	for (unsigned major = target->libc_major; major >= 11; major--) {
		add_platform(platforms, "macosx", major, 0, target->machine);
		add_platform(platforms, "macosx", major, 0, "universal2");
	}
	for (unsigned minor = 16; minor >= 4; minor--)
		add_platform(platforms, "macosx", 10, minor, "universal2");
}

static void add_tags(struct tag_set *tags, const char *python, const char *abi,
		     const struct sl_strings *platforms)
{
	for (size_t i = 0; i < platforms->len; i++)
		*sl_list_add(&tags->list) = sl_format("%s-%s-%s", python, abi, platforms->items[i]);
}

// What any interpreter of this Python takes: pyXY, pyX, then pyX(Y-1) down to pyX0.
static void add_generic(struct tag_set *tags, const struct tag_target *target,
			const struct sl_strings *platforms)
{
	char python[32];
	snprintf(python, sizeof python, "py%u%u", target->major, target->minor);
	add_tags(tags, python, "none", platforms);
	snprintf(python, sizeof python, "py%u", target->major);
	add_tags(tags, python, "none", platforms);
	for (unsigned minor = target->minor; minor-- > 0;) {
		snprintf(python, sizeof python, "py%u%u", target->major, minor);
		add_tags(tags, python, "none", platforms);
	}
}

static void add_cpython(struct tag_set *tags, const struct tag_target *target,
			const struct sl_strings *platforms, const struct sl_strings *any)
{
	const char *stable = target->free_threaded ? "abi3t" : "abi3";
	char python[32], abi[40];
	snprintf(python, sizeof python, "cp%u%u", target->major, target->minor);
	snprintf(abi, sizeof abi, "%s%s", python, target->free_threaded ? "t" : "");
	add_tags(tags, python, abi, platforms);
	add_tags(tags, python, stable, platforms);
	add_tags(tags, python, "none", platforms);
	for (unsigned minor = target->minor - 1; minor >= 2 && minor < target->minor; minor--) {
		char older[32];
		snprintf(older, sizeof older, "cp%u%u", target->major, minor);
		add_tags(tags, older, stable, platforms);
	}
	add_generic(tags, target, platforms);
	add_tags(tags, python, "none", any);
	add_generic(tags, target, any);
}

static void add_pypy(struct tag_set *tags, const struct tag_target *target,
		     const struct sl_strings *platforms, const struct sl_strings *any)
{
	char python[32], abi[40];
	snprintf(python, sizeof python, "pp%u%u", target->major, target->minor);
	snprintf(abi, sizeof abi, "pypy%u%u_pp73", target->major, target->minor);
	add_tags(tags, python, abi, platforms);
	add_tags(tags, python, "none", platforms);
	add_generic(tags, target, platforms);
	snprintf(python, sizeof python, "pp%u", target->major);
	add_tags(tags, python, "none", any);
	add_generic(tags, target, any);
}

static bool machine_is_plain(const char *machine)
{
	size_t len = strlen(machine);
	for (size_t i = 0; i < len; i++) {
		if (!scan_is_alnum(machine[i]) && machine[i] != '_')
			return false;
	}
	return len > 0 && len <= 32;
}

static bool check_target(const struct tag_target *target, struct sl_error *err)
{
	if (strcmp(target->implementation, "cpython") != 0 &&
	    strcmp(target->implementation, "pypy") != 0)
		return sl_fail(err, SL_E_INPUT,
			       "no wheel tags are known for the Python implementation '%s'",
			       target->implementation);
	if (target->major != 3 || target->minor > MINOR_MAX)
		return sl_fail(err, SL_E_INPUT, "no wheel tags are known for Python %u.%u",
			       target->major, target->minor);
	if (!machine_is_plain(target->machine))
		return sl_fail(err, SL_E_INPUT,
			       "the machine of a target is a word such as x86_64 or aarch64");
	if (target->libc == TAG_MACOS) {
		if (target->libc_major < 11 || target->libc_major > MINOR_MAX ||
		    strcmp(target->machine, "arm64") != 0)
			return sl_fail(err, SL_E_INPUT,
				       "wheel tags for macOS are known for arm64 from version 11");
		return true;
	}
	unsigned major = target->libc == TAG_GLIBC ? 2 : 1;
	if (target->libc_major != major || target->libc_minor > MINOR_MAX)
		return sl_fail(err, SL_E_INPUT, "no wheel tags are known for %s %u.%u",
			       target->libc == TAG_GLIBC ? "glibc" : "musl", target->libc_major,
			       target->libc_minor);
	return true;
}

bool tags_generate(const struct tag_target *target, struct tag_set **out, struct sl_error *err)
{
	*out = NULL;
	if (!check_target(target, err))
		return false;
	struct tag_set *tags = sl_alloc(sizeof *tags);
	struct sl_strings platforms = {0}, any = {0};
	sl_strings_add(&any, "any");
	if (target->libc == TAG_MACOS)
		add_macos(&platforms, target);
	else
		add_linux(&platforms, target);
	if (strcmp(target->implementation, "pypy") == 0)
		add_pypy(tags, target, &platforms, &any);
	else
		add_cpython(tags, target, &platforms, &any);
	sl_strings_release(&platforms);
	sl_strings_release(&any);
	make_table(tags);
	*out = tags;
	return true;
}

void tags_free(struct tag_set *tags)
{
	if (!tags)
		return;
	sl_strings_release(&tags->list);
	free(tags->table);
	free(tags);
}

size_t tags_count(const struct tag_set *tags)
{
	return tags->list.len;
}

const char *tags_at(const struct tag_set *tags, size_t rank)
{
	return tags->list.items[rank];
}

long tags_rank(const struct tag_set *tags, const char *python, const char *abi,
	       const char *platform)
{
	size_t slot = (size_t)hash_tag(python, abi, platform);
	for (;; slot++) {
		uint32_t found = tags->table[slot & tags->mask];
		if (!found)
			return -1;
		if (tag_equals(tags->list.items[found - 1], python, abi, platform))
			return (long)found - 1;
	}
}
