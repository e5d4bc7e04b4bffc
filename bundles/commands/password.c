// SPDX-License-Identifier: Apache-2.0
#include "bundles/commands/password.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <termios.h>

void password_free(char *password)
{
	if (password)
		sodium_free(password);
}

// One line of at most SL_LIMIT_PASSWORD bytes, into locked memory.
static bool read_line(int fd, const char *shown, char **line_out, struct sl_error *err)
{
	char *line = sodium_malloc(SL_LIMIT_PASSWORD + 1);
	if (!line)
		return sl_fail(err, SL_E_INTERNAL, "cannot get locked memory for a password");
	size_t len = 0;
	for (;;) {
		ssize_t got = read(fd, line + len, 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			sodium_free(line);
			return sl_fail_errno(err, "cannot read '%s'", shown);
		}
		if (got == 0 || line[len] == '\n')
			break;
		if (++len > SL_LIMIT_PASSWORD) {
			sodium_free(line);
			return sl_fail(err, SL_E_LIMIT,
				       "the password in '%s' is longer than %d bytes", shown,
				       SL_LIMIT_PASSWORD);
		}
	}
	line[len] = '\0';
	*line_out = line;
	return true;
}

static bool read_from_file(const char *file, char **password_out, struct sl_error *err)
{
	sl_auto_fd int fd = -1;
	if (!sl_open_input(file, &fd, NULL, err) || !read_line(fd, file, password_out, err))
		return false;
	if ((*password_out)[0])
		return true;
	password_free(sl_take(*password_out));
	return sl_fail(err, SL_E_INPUT, "the first line of '%s' is empty: no password there", file);
}

// Waits for a line or for a signal that would end the program, so that the terminal can have its
// echo back first. The signals are blocked; `signals` becomes readable when one is pending.
static bool wait_for_line(int terminal, int signals, struct sl_error *err)
{
	struct pollfd waits[] = {{terminal, POLLIN, 0}, {signals, POLLIN, 0}};
	while (poll(waits, 2, -1) < 0)
		if (errno != EINTR)
			return sl_fail_errno(err, "cannot ask for a password on the terminal");
	return !(waits[1].revents & POLLIN) || sl_fail(err, SL_E_USAGE, "no password was given");
}

static bool read_silently(int terminal, const char *prompt, int signals, char **password_out,
			  struct sl_error *err)
{
	struct termios before, silent;
	if (tcgetattr(terminal, &before) != 0)
		return sl_fail_errno(err, "cannot ask for a password on the terminal");
	silent = before;
	silent.c_lflag &= (tcflag_t)~ECHO;
	sl_auto_free char *text = sl_format("%s: ", prompt);
	if (tcsetattr(terminal, TCSAFLUSH, &silent) != 0 || write(terminal, text, strlen(text)) < 0)
		return sl_fail_errno(err, "cannot ask for a password on the terminal");
	bool ok = wait_for_line(terminal, signals, err) &&
		  read_line(terminal, "the terminal", password_out, err);
	bool restored =
		tcsetattr(terminal, TCSAFLUSH, &before) == 0 && write(terminal, "\n", 1) == 1;
	if (ok && !restored) {
		password_free(sl_take(*password_out));
		return sl_fail_errno(err, "cannot restore the terminal");
	}
	return ok;
}

static bool ask(int terminal, const char *prompt, char **password_out, struct sl_error *err)
{
	sigset_t ending, before;
	sigemptyset(&ending);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGHUP);
	sigaddset(&ending, SIGQUIT);
	if (sigprocmask(SIG_BLOCK, &ending, &before) != 0)
		return sl_fail_errno(err, "cannot ask for a password on the terminal");
	sl_auto_fd int signals = signalfd(-1, &ending, SFD_CLOEXEC);
	bool ok = signals >= 0 ? read_silently(terminal, prompt, signals, password_out, err)
			       : sl_fail_errno(err, "cannot ask for a password on the terminal");
	sigprocmask(SIG_SETMASK, &before, NULL); // a pending signal ends the program here
	return ok;
}

static bool ask_twice(int terminal, const char *prompt, char **password_out, struct sl_error *err)
{
	char *again = NULL;
	if (!ask(terminal, prompt, password_out, err))
		return false;
	bool ok = ask(terminal, "the same again", &again, err);
	if (ok && strcmp(*password_out, again) != 0)
		ok = sl_fail(err, SL_E_INPUT, "the two passwords differ");
	else if (ok && !again[0])
		ok = sl_fail(err, SL_E_INPUT,
			     "an empty password: say --no-password if the key is to have none");
	password_free(again);
	if (!ok)
		password_free(sl_take(*password_out));
	return ok;
}

bool password_read(const char *file, const char *prompt, bool twice, char **password_out,
		   struct sl_error *err)
{
	if (sodium_init() < 0)
		return sl_fail(err, SL_E_INTERNAL, "libsodium cannot be set up on this machine");
	if (file)
		return read_from_file(file, password_out, err);
	sl_auto_fd int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
	if (terminal < 0)
		return sl_fail(err, SL_E_USAGE,
			       "no terminal to ask for a password on: give --password-file");
	return twice ? ask_twice(terminal, prompt, password_out, err)
		     : ask(terminal, prompt, password_out, err);
}

bool key_default_path(char **path_out, struct sl_error *err)
{
	sl_auto_free char *folder = NULL;
	if (!sl_place(SL_PLACE_CONFIG, &folder, err))
		return false;
	*path_out = sl_path_join(folder, "sealift.key");
	return true;
}

static bool check_file(const char *path, const char *shown, struct sl_error *err)
{
	struct stat st;
	if (stat(path, &st) != 0) {
		if (errno == ENOENT)
			return sl_fail(
				err, SL_E_IO,
				"no secret key at '%s': `sealift key new` makes one, --key names "
				"another",
				shown);
		return sl_fail_errno(err, "cannot read '%s'", shown);
	}
	return true;
}

struct asking {
	const char *password_file, *shown;
};

static bool ask_for_password(void *context, char **password_out, struct sl_error *err)
{
	const struct asking *asking = context;
	sl_auto_free char *prompt = sl_format("password of '%s'", asking->shown);
	if (!password_read(asking->password_file, prompt, false, password_out, err))
		return false;
	sl_note("unlocking '%s' (takes 1 GiB of memory for a moment)", asking->shown);
	return true;
}

bool password_load_key(const char *path, const char *password_file, struct secret_key **key_out,
		       struct sl_error *err)
{
	sl_auto_free char *shown = sl_text_shown(path);
	struct asking asking = {password_file, shown};
	if (!check_file(path, shown, err) ||
	    !secret_key_load(path, ask_for_password, &asking, key_out, err))
		return false;
	if (secret_key_warning(*key_out))
		sl_warn("secret key '%s': %s", shown, secret_key_warning(*key_out));
	return true;
}
