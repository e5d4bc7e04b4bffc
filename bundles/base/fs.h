// SPDX-License-Identifier: Apache-2.0
// Reading files and folders, always through a descriptor.
//
// Inputs are opened read-only and must be regular files (never a FIFO that would block, never a
// device). Names that come from input are opened with sl_open_beneath(): relative to a folder's
// descriptor, no "..", no symbolic link on the way (T01-T03, T05, T73).
#ifndef SL_BASE_FS_H
#define SL_BASE_FS_H

#include "bundles/base/buf.h"

#include <stdint.h>
#include <sys/types.h>

// Opens a file named by the user (links are followed). A folder, a FIFO or a device is SL_E_IO, as
// a file is that cannot be read. `*size_out` may be NULL.
bool sl_open_input(const char *path, int *fd_out, uint64_t *size_out,
		   struct sl_error *err) SL_MUST_USE;

// Opens a folder named by the user.
bool sl_open_dir(const char *path, int *fd_out, struct sl_error *err) SL_MUST_USE;

// True if `path` is relative with only plain components: none empty, "." or "..", no NUL,
// no control character, no backslash; at most SL_LIMIT_PATH bytes.
bool sl_path_is_plain(const char *path);

// Opens the regular file `path` below `dirfd`; refuses links, "..", devices (SL_E_INPUT), and
// reports absence as SL_E_IO. `shown` is how messages call it.
bool sl_open_beneath(int dirfd, const char *path, const char *shown, int *fd_out,
		     uint64_t *size_out, struct sl_error *err) SL_MUST_USE;

// The same for a folder. "." is not a plain path: a caller that allows it handles it.
bool sl_open_dir_beneath(int dirfd, const char *path, const char *shown, int *fd_out,
			 struct sl_error *err) SL_MUST_USE;

// Reads all of a file into `out` (initialised by the caller, whose ceiling is obeyed).
bool sl_read_fd(int fd, const char *shown, struct sl_buf *out, struct sl_error *err) SL_MUST_USE;
bool sl_read_file(const char *path, struct sl_buf *out, struct sl_error *err) SL_MUST_USE;

bool sl_pread_all(int fd, void *data, size_t len, uint64_t offset, const char *shown,
		  struct sl_error *err) SL_MUST_USE;
bool sl_pwrite_all(int fd, const void *data, size_t len, uint64_t offset, const char *shown,
		   struct sl_error *err) SL_MUST_USE;

// Names in a folder without "." and "..", sorted by bytes; SL_E_LIMIT past `max`.
bool sl_list_dir(int dirfd, const char *shown, size_t max, struct sl_strings *names_out,
		 struct sl_error *err) SL_MUST_USE;

// Makes the folder `path` and its missing parents, each with `mode` whatever the umask.
bool sl_make_dirs(const char *path, mode_t mode, struct sl_error *err) SL_MUST_USE;

// "a/b" from "a" and "b"; `leaf` alone when `dir` is "" or `leaf` is absolute. Owned.
char *sl_path_join(const char *dir, const char *leaf);
// The part before the last slash ("." without one), and the part after it (not owned).
char *sl_path_dir(const char *path);
const char *sl_path_leaf(const char *path);

// Where state lives (design: configuration, state, data), below $SEALIFT_HOME when that is set,
// else the XDG folders, else $HOME. Owned; SL_E_INPUT names the variable when none is set.
enum sl_place { SL_PLACE_CONFIG, SL_PLACE_STATE, SL_PLACE_DATA };
bool sl_place(enum sl_place place, char **path_out, struct sl_error *err) SL_MUST_USE;

#endif
