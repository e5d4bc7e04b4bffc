// SPDX-License-Identifier: Apache-2.0
// Paths by Landlock, through its raw system calls: the kernel's header of the machine that builds
// says nothing about the kernel that runs.
#include "bundles/base/sandbox.h"

#include "bundles/base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// The same numbers on every architecture.
#define CALL_CREATE   444
#define CALL_ADD_RULE 445
#define CALL_RESTRICT 446

#define CREATE_VERSION	  (1U << 0)
#define RULE_PATH_BENEATH 1

enum right {
	EXECUTE = 1 << 0,
	WRITE_FILE = 1 << 1,
	READ_FILE = 1 << 2,
	READ_DIR = 1 << 3,
	REMOVE_DIR = 1 << 4,
	REMOVE_FILE = 1 << 5,
	MAKE_DIR = 1 << 7,
	MAKE_REG = 1 << 8,
	REFER = 1 << 13,
	TRUNCATE = 1 << 14,
	IOCTL_DEV = 1 << 15,
};

#define READING (READ_FILE | READ_DIR)
#define WRITING \
	(READING | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | REFER | TRUNCATE)
#define DEVICE	  (READ_FILE | WRITE_FILE | IOCTL_DEV)
#define FOR_FILES (EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV)

// What a later version of the interface adds stands behind; an older kernel is told the size.
struct rules {
	uint64_t paths, network, scoped;
};

struct path_rule {
	uint64_t rights;
	int32_t folder;
} __attribute__((packed));

// All that a kernel of this version can deny: first the rights to paths, then TCP (4), then
// abstract sockets and signals of processes outside (6).
static struct rules all_of(long version)
{
	static const unsigned char paths[] = {0, 13, 14, 15, 15, 16};
	size_t last = sizeof paths - 1;
	unsigned bits = paths[(size_t)version < last ? (size_t)version : last];
	return (struct rules){
		.paths = (UINT64_C(1) << bits) - 1,
		.network = version >= 4 ? 3 : 0,
		.scoped = version >= 6 ? 3 : 0,
	};
}

static size_t size_of(long version)
{
	return version >= 6   ? sizeof(struct rules)
	       : version >= 4 ? offsetof(struct rules, scoped)
			      : offsetof(struct rules, network);
}

// What cannot be opened gives no right: whoever needs it will say so.
static bool allow(int ruleset, const char *path, uint64_t rights)
{
	struct stat st;
	sl_auto_fd int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0)
		return true;
	if (!S_ISDIR(st.st_mode))
		rights &= FOR_FILES;
	struct path_rule rule = {rights, fd};
	// EBADFD: a pipe and the like, which have no path and need no right.
	return syscall(CALL_ADD_RULE, ruleset, RULE_PATH_BENEATH, &rule, 0) == 0 || errno == EBADFD;
}

static bool allow_all(int ruleset, const struct sl_strings *paths, uint64_t rights)
{
	sl_list_each (paths, path)
		if (!allow(ruleset, *path, rights))
			return false;
	return true;
}

static bool restrict_to(const struct sl_reach *reach, long version)
{
	struct rules all = all_of(version);
	sl_auto_fd int ruleset = (int)syscall(CALL_CREATE, &all, size_of(version), 0);
	return ruleset >= 0 && allow_all(ruleset, &reach->read, all.paths & READING) &&
	       allow_all(ruleset, &reach->write, all.paths & WRITING) &&
	       allow_all(ruleset, &reach->make, MAKE_DIR) &&
	       allow_all(ruleset, &reach->device, all.paths & DEVICE) &&
	       prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       syscall(CALL_RESTRICT, ruleset, 0) == 0;
}

bool sl_sandbox_paths(const struct sl_reach *reach, bool *done_out, struct sl_error *err)
{
	*done_out = false;
	if (!reach->confined)
		return true;
	// ENOSYS, EOPNOTSUPP: not built in, or not switched on. E2BIG: as many layers as there can
	// be, so something has confined us already.
	long version = syscall(CALL_CREATE, NULL, 0, CREATE_VERSION);
	if (version < 1)
		return true;
	*done_out = restrict_to(reach, version);
	return *done_out || errno == E2BIG ||
	       sl_fail(err, SL_E_INTERNAL,
		       "the kernel refuses to confine this program to the files that it was "
		       "given: %s",
		       strerror(errno));
}

void sl_reach_release(struct sl_reach *reach)
{
	sl_strings_release(&reach->read);
	sl_strings_release(&reach->write);
	sl_strings_release(&reach->make);
	sl_strings_release(&reach->device);
}
