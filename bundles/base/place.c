// SPDX-License-Identifier: Apache-2.0
// Paths as text: joining them, making folders, and where a person's state lives.
#include "bundles/base/fs.h"
#include "bundles/base/text.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

char *sl_path_join(const char *dir, const char *leaf)
{
	size_t len = strlen(dir);
	if (len == 0 || leaf[0] == '/')
		return sl_strdup(leaf);
	return sl_format(dir[len - 1] == '/' ? "%s%s" : "%s/%s", dir, leaf);
}

char *sl_path_dir(const char *path)
{
	const char *slash = strrchr(path, '/');
	if (!slash)
		return sl_strdup(".");
	return slash == path ? sl_strdup("/") : sl_strndup(path, (size_t)(slash - path));
}

const char *sl_path_leaf(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static bool make_dir(const char *path, mode_t mode, struct sl_error *err)
{
	if (mkdir(path, 0700) == 0) {
		if (chmod(path, mode) == 0)
			return true;
	} else if (errno == EEXIST) {
		struct stat st;
		if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
			return true;
		errno = ENOTDIR;
	}
	sl_auto_free char *shown = sl_text_shown(path);
	return sl_fail_errno(err, "cannot make folder '%s'", shown);
}

bool sl_make_dirs(const char *path, mode_t mode, struct sl_error *err)
{
	sl_auto_free char *copy = sl_strdup(path);
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (!make_dir(copy, mode, err))
			return false;
		*slash = '/';
	}
	return make_dir(copy, mode, err);
}

// HOME comes from the environment: getpw* would ask a name service through a socket.
static const struct {
	const char *variable, *below_home, *leaf;
} places[] = {
	[SL_PLACE_CONFIG] = {"XDG_CONFIG_HOME", ".config", "config"},
	[SL_PLACE_STATE] = {"XDG_STATE_HOME", ".local/state", "state"},
	[SL_PLACE_DATA] = {"XDG_DATA_HOME", ".local/share", "data"},
};

static const char *absolute_variable(const char *name)
{
	const char *value = getenv(name);
	return value && value[0] == '/' ? value : NULL;
}

bool sl_place(enum sl_place place, char **path_out, struct sl_error *err)
{
	const char *own = getenv("SEALIFT_HOME");
	if (own && own[0] && own[0] != '/')
		return sl_fail(err, SL_E_INPUT, "SEALIFT_HOME must be an absolute path");
	if (own && own[0]) {
		*path_out = sl_path_join(own, places[place].leaf);
		return true;
	}
	const char *xdg = absolute_variable(places[place].variable);
	if (xdg) {
		*path_out = sl_path_join(xdg, "sealift");
		return true;
	}
	const char *home = absolute_variable("HOME");
	if (!home)
		return sl_fail(err, SL_E_INPUT,
			       "cannot tell where your files are: set SEALIFT_HOME or HOME to an "
			       "absolute path");
	sl_auto_free char *base = sl_path_join(home, places[place].below_home);
	*path_out = sl_path_join(base, "sealift");
	return true;
}
