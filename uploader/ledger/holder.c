// SPDX-License-Identifier: Apache-2.0
// Telling a living process from a dead one that had the same number.
//
// A process is known by the boot it runs in, its process id namespace, its number and its start
// time. Where all but the last two are ours, /proc knows; another boot on a disk of this machine is
// over; everything else can only be judged by the clock.
#include "uploader/ledger/private.h"

#include <string.h>

static bool read_word(const char *path, char *out, size_t size, struct sl_error *err)
{
	sl_auto_buf struct sl_buf text;

	sl_buf_init(&text, 4096);
	if (!sl_read_file(path, &text, err))
		return false;
	text.data[strcspn(text.data, "\n")] = '\0';
	snprintf(out, size, "%s", text.data);
	return true;
}

// Field 22 of /proc/PID/stat, the start in clock ticks after boot; the name in field 2 may hold
// anything, so counting starts after the last ')'. A zombie has ended.
static bool process_start(int64_t pid, int64_t *start_out)
{
	sl_auto_buf struct sl_buf text;
	sl_auto_free char *path = sl_format("/proc/%lld/stat", (long long)pid);
	struct sl_error ignored = {0};
	const char *at;

	sl_buf_init(&text, 8192);
	if (!sl_read_file(path, &text, &ignored) || !(at = strrchr(text.data, ')')))
		return false;
	if (strlen(at) < 3 || strchr("ZXx", at[2]))
		return false;
	for (int field = 2; field < 22; field++) {
		at = strchr(at + 1, ' ');
		if (!at)
			return false;
	}
	*start_out = strtoll(at + 1, NULL, 10);
	return true;
}

bool holder_self(struct holder *out, struct sl_error *err)
{
	ssize_t len;

	memset(out, 0, sizeof *out);
	out->pid = getpid();
	if (gethostname(out->host, sizeof out->host - 1) != 0)
		snprintf(out->host, sizeof out->host, "localhost");
	if (!read_word("/proc/sys/kernel/random/boot_id", out->boot, sizeof out->boot, err))
		return sl_prefix(err, "cannot tell this boot from others");
	len = readlink("/proc/self/ns/pid", out->space, sizeof out->space - 1);
	if (len < 0 || !process_start(out->pid, &out->start))
		return sl_fail(err, SL_E_IO, "cannot read this process's own entry in '/proc'");
	return true;
}

enum holder_state holder_look(const struct holder *holder, const struct holder *self, bool shared)
{
	int64_t start;

	if (strcmp(holder->boot, self->boot) != 0)
		return shared ? HOLDER_UNKNOWN : HOLDER_DEAD;
	if (strcmp(holder->space, self->space) != 0)
		return HOLDER_UNKNOWN;
	if (!process_start(holder->pid, &start))
		return HOLDER_DEAD;
	return start == holder->start ? HOLDER_ALIVE : HOLDER_DEAD;
}
