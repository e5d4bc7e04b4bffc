// SPDX-License-Identifier: Apache-2.0
// The ledger's file before SQLite sees it.
//
// 1. SQLite takes a file of no bytes for a new database. A ledger of ours never is one: its bytes
//    are made in memory and get their name in one step (T72). So an empty file has lost what it
//    held, and taking it for a new ledger would lose the queue from view.
// 2. What others can write to, they can give back changed: folder and file belong to this account
//    alone (T39).
#include "uploader/ledger/private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static bool check_owner(const struct stat *stat, const char *path, const char *what,
			struct sl_error *err)
{
	if (stat->st_uid != geteuid())
		return sl_fail(err, SL_E_IO,
			       "cannot use the ledger's %s '%s': it belongs to another account "
			       "(user id %u); name a folder of your own with --state-dir",
			       what, path, (unsigned)stat->st_uid);
	if (stat->st_mode & (S_IWGRP | S_IWOTH))
		return sl_fail(
			err, SL_E_IO,
			"cannot use the ledger's %s '%s': others can write to it (mode "
			"%04o), and so change what is built; 'chmod go-w' it, or name another "
			"folder with --state-dir",
			what, path, (unsigned)stat->st_mode & 07777);
	return true;
}

bool ledger_check_folder(const char *folder, int fd, struct sl_error *err)
{
	struct stat stat;

	if (fstat(fd, &stat) != 0)
		return sl_fail_errno(err, "cannot look at the folder '%s'", folder);
	return check_owner(&stat, folder, "folder", err);
}

static bool check_file(const char *path, const struct stat *stat, struct sl_error *err)
{
	if (!S_ISREG(stat->st_mode))
		return sl_fail(err, SL_E_IO, "cannot open the ledger '%s': not a regular file",
			       path);
	if (stat->st_size == 0)
		return sl_fail(err, SL_E_FORMAT,
			       "the ledger '%s' is empty: whatever was queued in it is lost from "
			       "view; bring the file back from a copy, or move it away together "
			       "with any '%s-wal' to start a new one and 'add' the bundles again "
			       "(a finished build is not repeated)",
			       path, sl_path_leaf(path));
	return check_owner(stat, path, "file", err);
}

// SQLite deletes the journal of a database that is not there, with what was committed in it.
static bool check_journal(const char *path, const char *suffix, struct sl_error *err)
{
	sl_auto_free char *journal = sl_format("%s%s", path, suffix);
	struct stat stat;

	if (lstat(journal, &stat) != 0 || stat.st_size == 0)
		return true;
	return sl_fail(err, SL_E_FORMAT,
		       "'%s' is there, but the ledger it belongs to is not; bring '%s' back, or "
		       "move the first away to start a new ledger",
		       journal, sl_path_leaf(path));
}

static bool store_schema(sqlite3 *memory, const char *path, struct sl_error *err)
{
	sqlite3_int64 len = 0;

	if (sqlite3_exec(memory, ledger_schema, NULL, NULL, NULL) != SQLITE_OK)
		return sl_fail(err, SL_E_INTERNAL, "cannot make the ledger '%s': %s", path,
			       sqlite3_errmsg(memory));
	unsigned char *bytes = sqlite3_serialize(memory, "main", &len, 0);
	if (!bytes)
		return sl_fail(err, SL_E_INTERNAL, "cannot make the ledger '%s'", path);
	bool good = sl_store_file(path, bytes, (size_t)len, 0600, SL_OUTPUT_NEW, err);
	sqlite3_free(bytes);
	return good;
}

static bool make_file(const char *path, struct sl_error *err)
{
	sqlite3 *memory = NULL;
	struct stat stat;
	bool good;

	if (!check_journal(path, "-wal", err) || !check_journal(path, "-journal", err))
		return false;
	if (sqlite3_open(":memory:", &memory) != SQLITE_OK)
		good = sl_fail(err, SL_E_INTERNAL, "cannot make the ledger '%s'", path);
	else
		good = store_schema(memory, path, err);
	sqlite3_close(memory);
	if (good || lstat(path, &stat) != 0)
		return good;
	sl_error_clear(err); // another process has made it meanwhile: theirs is as good
	return check_file(path, &stat, err);
}

bool ledger_check_file(const char *path, struct sl_error *err)
{
	struct stat stat;

	if (lstat(path, &stat) == 0)
		return check_file(path, &stat, err);
	return errno == ENOENT ? make_file(path, err)
			       : sl_fail_errno(err, "cannot open the ledger '%s'", path);
}
