// SPDX-License-Identifier: Apache-2.0
// How well a wheel fits a target, and the one reason why it does not.
#include "bundles/packaging/wheel.h"

#include "bundles/packaging/scan.h"

#include <stdio.h>
#include <string.h>

long wheel_rank(const struct wheel_name *wheel, const struct tag_set *tags)
{
	long best = -1;
	for (size_t p = 0; p < wheel->pythons.len; p++) {
		for (size_t a = 0; a < wheel->abis.len; a++) {
			for (size_t f = 0; f < wheel->platforms.len; f++) {
				long rank =
					tags_rank(tags, wheel->pythons.items[p],
						  wheel->abis.items[a], wheel->platforms.items[f]);
				if (rank >= 0 && (best < 0 || rank < best))
					best = rank;
			}
		}
	}
	return best;
}

static int compare_builds(const struct wheel_name *a, const struct wheel_name *b)
{
	if (a->has_build != b->has_build)
		return a->has_build ? 1 : -1;
	size_t len_a = strlen(a->build_number), len_b = strlen(b->build_number);
	if (len_a != len_b)
		return len_a < len_b ? -1 : 1;
	int order = strcmp(a->build_number, b->build_number);
	return order ? order : strcmp(a->build_rest, b->build_rest);
}

int wheel_prefer(const struct wheel_name *a, long rank_a, const char *leaf_a,
		 const struct wheel_name *b, long rank_b, const char *leaf_b)
{
	if (rank_a != rank_b)
		return rank_a < rank_b ? -1 : 1;
	int builds = compare_builds(b, a);
	return builds ? builds : strcmp(leaf_a, leaf_b);
}

// How near a tag came: a tag that fails at its platform is nearer than one that fails at its ABI,
// and that is nearer than one for another Python.
enum nearness { FAR_PYTHON, FAR_ABI, FAR_PLATFORM };

struct python_tag {
	char implementation[3]; // "py", "cp", "pp", …
	unsigned major, minor;
	bool has_minor;
};

// "cp311", "py3"; false for anything of another shape.
static bool read_python(const char *tag, struct python_tag *out)
{
	*out = (struct python_tag){0};
	if (strlen(tag) < 3 || strlen(tag) > 8 || !scan_is_digit(tag[2]))
		return false;
	memcpy(out->implementation, tag, 2);
	out->major = (unsigned)(tag[2] - '0');
	for (const char *c = tag + 3; *c; c++) {
		if (!scan_is_digit(*c))
			return false;
		out->has_minor = true;
		out->minor = out->minor * 10 + (unsigned)(*c - '0');
	}
	return true;
}

static const char *implementation_tag(const struct tag_target *target)
{
	return strcmp(target->implementation, "pypy") == 0 ? "pp" : "cp";
}

static bool abi_is_stable(const char *abi)
{
	return strcmp(abi, "abi3") == 0 || strcmp(abi, "abi3t") == 0;
}

// The Python side of one tag: NULL when it fits, else the reason (owned).
static char *python_misfit(const char *tag, const char *abi, const struct tag_target *target)
{
	struct python_tag python;
	if (!read_python(tag, &python))
		return sl_format("built for '%s', which is no Python of the target", tag);
	bool generic = strcmp(python.implementation, "py") == 0;
	if (!generic && strcmp(python.implementation, implementation_tag(target)) != 0)
		return sl_format("built for another implementation of Python ('%s'), target has %s",
				 tag, target->implementation);
	if (python.major != target->major)
		return sl_format("needs Python %u, target has %u.%u", python.major, target->major,
				 target->minor);
	if (!python.has_minor || python.minor == target->minor)
		return NULL;
	if (python.minor > target->minor)
		return sl_format("needs Python %u.%u, target has %u.%u", python.major, python.minor,
				 target->major, target->minor);
	if (generic || abi_is_stable(abi))
		return NULL;
	return sl_format("built for Python %u.%u only, target has %u.%u", python.major,
			 python.minor, target->major, target->minor);
}

static char *abi_misfit(const char *python, const char *abi, const struct tag_target *target)
{
	if (strcmp(abi, "none") == 0)
		return NULL;
	const char *have = target->free_threaded ? "abi3t" : "abi3";
	if (abi_is_stable(abi) && strcmp(abi, have) != 0)
		return sl_format("built for %s Python",
				 target->free_threaded ? "ordinary" : "free-threaded");
	if (abi_is_stable(abi))
		return NULL;
	size_t len = strlen(python);
	bool same = strncmp(abi, python, len) == 0;
	if (same && strcmp(abi + len, target->free_threaded ? "t" : "") == 0)
		return NULL;
	if (same && strcmp(abi + len, target->free_threaded ? "" : "t") == 0)
		return sl_format("built for %s Python",
				 target->free_threaded ? "ordinary" : "free-threaded");
	if (strncmp(abi, "pypy", 4) == 0 && strcmp(target->implementation, "pypy") == 0)
		return NULL;
	return sl_format("built for the ABI '%s', which the target does not have", abi);
}

// "manylinux_2_28_x86_64" with `family` "manylinux": the version and what follows it.
static bool read_platform(const char *tag, const char *family, unsigned *major, unsigned *minor,
			  const char **machine)
{
	static const struct {
		const char *name;
		unsigned minor;
	} old[] = {{"manylinux2014_", 17}, {"manylinux2010_", 12}, {"manylinux1_", 5}};
	for (size_t i = 0; i < sizeof old / sizeof *old; i++) {
		if (strcmp(family, "manylinux") == 0 &&
		    strncmp(tag, old[i].name, strlen(old[i].name)) == 0) {
			*major = 2;
			*minor = old[i].minor;
			*machine = tag + strlen(old[i].name);
			return true;
		}
	}
	int used = 0;
	size_t len = strlen(family);
	if (strncmp(tag, family, len) != 0 ||
	    sscanf(tag + len, "_%9u_%9u_%n", major, minor, &used) != 2 || used == 0)
		return false;
	*machine = tag + len + used;
	return true;
}

static const char *system_of(const char *tag)
{
	static const char *const systems[][2] = {{"manylinux", "Linux"}, {"musllinux", "Linux"},
						 {"linux_", "Linux"},	 {"macosx_", "macOS"},
						 {"win", "Windows"},	 {"ios_", "iOS"},
						 {"android_", "Android"}};
	for (size_t i = 0; i < sizeof systems / sizeof *systems; i++) {
		if (strncmp(tag, systems[i][0], strlen(systems[i][0])) == 0)
			return systems[i][1];
	}
	return NULL;
}

static char *libc_misfit(const char *tag, const struct tag_target *target)
{
	unsigned major, minor;
	const char *machine;
	bool glibc = read_platform(tag, "manylinux", &major, &minor, &machine);
	if (!glibc && !read_platform(tag, "musllinux", &major, &minor, &machine)) {
		machine = tag + strcspn(tag, "_");
		if (strncmp(tag, "linux_", 6) != 0)
			return sl_format("built for '%s', which the target is not", tag);
		machine++;
		major = minor = 0;
	} else if (glibc != (target->libc == TAG_GLIBC)) {
		return sl_format("built for %s, target has %s", glibc ? "glibc" : "musl",
				 glibc ? "musl" : "glibc");
	}
	if (strcmp(machine, target->machine) != 0)
		return sl_format("built for %s, target is %s", machine, target->machine);
	if (major > target->libc_major ||
	    (major == target->libc_major && minor > target->libc_minor))
		return sl_format("needs %s %u.%u, target has %u.%u", glibc ? "glibc" : "musl",
				 major, minor, target->libc_major, target->libc_minor);
	return sl_format("built for '%s', which the target is not", tag);
}

static char *platform_misfit(const char *tag, const struct tag_target *target)
{
	const char *have = target->libc == TAG_MACOS ? "macOS" : "Linux";
	const char *system = system_of(tag);
	if (system && strcmp(system, have) != 0)
		return sl_format("built for %s, target is %s", system, have);
	if (!system || target->libc == TAG_MACOS)
		return sl_format("built for '%s', which the target is not", tag);
	return libc_misfit(tag, target);
}

static char *tag_misfit(const char *python, const char *abi, const char *platform,
			const struct tag_target *target, enum nearness *nearness_out)
{
	*nearness_out = FAR_PYTHON;
	char *reason = python_misfit(python, abi, target);
	if (reason)
		return reason;
	*nearness_out = FAR_ABI;
	reason = abi_misfit(python, abi, target);
	if (reason)
		return reason;
	*nearness_out = FAR_PLATFORM;
	return platform_misfit(platform, target);
}

char *wheel_misfit(const struct wheel_name *wheel, const struct tag_target *target)
{
	char *best = NULL;
	enum nearness best_nearness = FAR_PYTHON;
	for (size_t p = 0; p < wheel->pythons.len; p++) {
		for (size_t a = 0; a < wheel->abis.len; a++) {
			for (size_t f = 0; f < wheel->platforms.len; f++) {
				enum nearness nearness;
				char *reason =
					tag_misfit(wheel->pythons.items[p], wheel->abis.items[a],
						   wheel->platforms.items[f], target, &nearness);
				if (best && nearness <= best_nearness) {
					free(reason);
					continue;
				}
				free(best);
				best = reason;
				best_nearness = nearness;
			}
		}
	}
	return best;
}
