// SPDX-License-Identifier: Apache-2.0
// 1. One thread, one poll(2) over all three pipes: whoever is slow, nobody blocks (T86).
// 2. The deadline counts silence, not work: every byte that moves starts it again (T79).
// 3. The child is ended and reaped by its own number, and only while it has not been reaped yet.
// 4. A process that the child leaves behind may keep the pipes open, so the end of the child is
//    told by waitpid, never by the end of a pipe alone.
#include "uploader/transport/child.h"

#include "uploader/transport/transport.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#define PIECE	  65536
#define GRACE_MS  5000 // to end by itself after the end of its input
#define TERM_MS	  2000 // after SIGTERM
#define LAST_WORD 200  // ms for the status of a child whose output ended

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(sl_take_fd(fd));
}

// ---- starting ------------------------------------------------------------------------------

struct pipes {
	int in[2], out[2], err[2];
};

static void close_pipes(struct pipes *pipes)
{
	for (int i = 0; i < 2; i++) {
		close_end(&pipes->in[i]);
		close_end(&pipes->out[i]);
		close_end(&pipes->err[i]);
	}
}

static bool make_pipes(struct pipes *pipes)
{
	*pipes = (struct pipes){{-1, -1}, {-1, -1}, {-1, -1}};
	return pipe2(pipes->in, O_CLOEXEC) == 0 && pipe2(pipes->out, O_CLOEXEC) == 0 &&
	       pipe2(pipes->err, O_CLOEXEC) == 0 && fcntl(pipes->in[1], F_SETFL, O_NONBLOCK) == 0 &&
	       fcntl(pipes->out[0], F_SETFL, O_NONBLOCK) == 0 &&
	       fcntl(pipes->err[0], F_SETFL, O_NONBLOCK) == 0;
}

// Logins and their settings are ours: an agent, and whatever a launcher starts, needs none of them.
static bool is_about_login(const char *variable)
{
	static const char *const prefixes[] = {"GLOBUS_", "FUNCX_", "SEALIFT_CLIENT_"};

	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
		if (strncmp(variable, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

// Borrows from `environ`; the array is owned.
static char **environment_without_logins(void)
{
	size_t len = 0, kept = 0;

	while (environ[len])
		len++;
	char **out = sl_alloc_array(len + 1, sizeof *out);
	for (size_t i = 0; i < len; i++)
		if (!is_about_login(environ[i]))
			out[kept++] = environ[i];
	out[kept] = NULL;
	return out;
}

// 0 or an errno. The child starts with default SIGPIPE whatever our own parent chose.
static int spawn(pid_t *pid, const struct pipes *pipes, char *const argv[])
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t usual;
	sl_auto_free char **variables = environment_without_logins();

	sigemptyset(&usual);
	sigaddset(&usual, SIGPIPE);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_adddup2(&files, pipes->in[0], 0);
	posix_spawn_file_actions_adddup2(&files, pipes->out[1], 1);
	posix_spawn_file_actions_adddup2(&files, pipes->err[1], 2);
	posix_spawnattr_setsigdefault(&attributes, &usual);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	int status = posix_spawnp(pid, argv[0], &files, &attributes, argv, variables);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&files);
	return status;
}

bool child_start(struct child *child, char *const argv[], struct sl_error *err)
{
	struct pipes pipes;

	*child = (struct child){.in = -1, .out = -1, .err = -1};
	if (!make_pipes(&pipes)) {
		sl_fail_errno(err, "cannot make a pipe");
		close_pipes(&pipes);
		return false;
	}
	errno = spawn(&child->pid, &pipes, argv);
	if (errno != 0) {
		child->pid = 0;
		sl_fail_errno(err, "cannot start '%s'", argv[0]);
		close_pipes(&pipes);
		return false;
	}
	child->in = sl_take_fd(&pipes.in[1]);
	child->out = sl_take_fd(&pipes.out[0]);
	child->err = sl_take_fd(&pipes.err[0]);
	close_pipes(&pipes);
	sl_buf_init(&child->heard, TRANSPORT_LIMIT_ANSWER + 1);
	return true;
}

// ---- ending --------------------------------------------------------------------------------

static bool reap(struct child *child, int options)
{
	if (child->pid && waitpid(child->pid, &child->status, options) == child->pid)
		child->pid = 0;
	return child->pid == 0;
}

static void hear_stderr(struct child *child);
static void hear_stdout(struct child *child);

// Keeps draining, so that a child that still has something to say can say it and end.
static bool wait_for_end(struct child *child, int64_t ms)
{
	for (int64_t until = now_ms() + ms; !reap(child, WNOHANG);) {
		if (now_ms() >= until)
			return false;
		struct pollfd ends[] = {{child->err, POLLIN, 0}, {child->out, POLLIN, 0}};
		poll(ends, 2, 10);
		hear_stderr(child);
		hear_stdout(child);
		// An ended pipe is always ready: do not spin on it.
		if ((ends[0].revents | ends[1].revents) & (POLLHUP | POLLERR))
			nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
	}
	return true;
}

void child_stop(struct child *child)
{
	if (!child->heard.data) // never started, or stopped before
		return;
	close_end(&child->in);
	if (!wait_for_end(child, GRACE_MS)) {
		kill(child->pid, SIGTERM);
		if (!wait_for_end(child, TERM_MS)) {
			kill(child->pid, SIGKILL);
			reap(child, 0);
		}
	}
	close_end(&child->out);
	close_end(&child->err);
	sl_buf_release(&child->heard);
}

// The last line of stderr usually says why.
static char *last_words(const struct child *child)
{
	size_t end = child->said_len, begin;

	while (end > 0 && strchr("\r\n \t", child->said[end - 1]))
		end--;
	for (begin = end; begin > 0 && child->said[begin - 1] != '\n';)
		begin--;
	sl_auto_free char *line = sl_strndup(child->said + begin, end - begin);
	return sl_text_shown(line);
}

static bool fail_ended(struct child *child, struct sl_error *err)
{
	if (!wait_for_end(child, LAST_WORD))
		return sl_fail(err, SL_E_NETWORK, "the agent closed its output without an answer");
	sl_auto_free char *words = last_words(child);
	const char *colon = words[0] ? ": " : "";
	if (WIFSIGNALED(child->status))
		return sl_fail(err, SL_E_NETWORK, "the agent was ended by signal %d%s%s",
			       WTERMSIG(child->status), colon, words);
	return sl_fail(err, SL_E_NETWORK, "the agent ended with status %d before it answered%s%s",
		       WEXITSTATUS(child->status), colon, words);
}

// ---- moving bytes --------------------------------------------------------------------------

static void hear_stderr(struct child *child)
{
	char piece[4096];
	ssize_t got;

	while (child->err >= 0 && (got = read(child->err, piece, sizeof piece)) > 0) {
		size_t len = (size_t)got, room = sizeof child->said - 1;
		const char *from = piece;
		if (len > room) {
			from += len - room;
			len = room;
		}
		size_t keep = child->said_len + len > room ? room - len : child->said_len;
		memmove(child->said, child->said + child->said_len - keep, keep);
		memcpy(child->said + keep, from, len);
		child->said_len = keep + len;
	}
	if (child->err >= 0 && got == 0)
		close_end(&child->err);
}

static void hear_stdout(struct child *child)
{
	char piece[PIECE];
	ssize_t got;

	if (child->out < 0)
		return;
	while ((got = read(child->out, piece, sizeof piece)) > 0)
		sl_buf_add(&child->heard, piece, (size_t)got);
	if (got == 0)
		close_end(&child->out);
}

// A write to a pipe that nobody reads any more must be an error here, not the end of the program;
// the signal is held back for this thread alone and taken away again.
static ssize_t write_quietly(int fd, const void *data, size_t len)
{
	sigset_t pipe_only, old, pending;
	struct timespec at_once = {0};

	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	sigpending(&pending);
	pthread_sigmask(SIG_BLOCK, &pipe_only, &old);
	ssize_t wrote = write(fd, data, len);
	int saved = errno;
	if (wrote < 0 && saved == EPIPE && !sigismember(&pending, SIGPIPE))
		sigtimedwait(&pipe_only, NULL, &at_once);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	errno = saved;
	return wrote;
}

static bool is_passing(int error)
{
	return error == EAGAIN || error == EINTR;
}

// Writes what the pipe takes. False with errno when it takes nothing for good.
static bool push(struct child *child, const char **data, size_t *len, bool *moved)
{
	ssize_t wrote = write_quietly(child->in, *data, *len < PIECE ? *len : PIECE);

	if (wrote < 0)
		return is_passing(errno);
	*data += wrote;
	*len -= (size_t)wrote;
	*moved = true;
	return true;
}

static bool has_line(const struct child *child)
{
	return memchr(child->heard.data, '\n', child->heard.len) != NULL;
}

// One round: waits up to `ms`, moves what can be moved. `*len` 0 means there is nothing to write.
static bool pump(struct child *child, const char **data, size_t *len, int ms, bool *moved,
		 struct sl_error *err)
{
	struct pollfd ends[] = {{*len ? child->in : -1, POLLOUT, 0},
				{child->out, POLLIN, 0},
				{child->err, POLLIN, 0}};
	size_t before = child->heard.len;

	*moved = false;
	if (poll(ends, 3, ms) < 0 && !is_passing(errno))
		return sl_fail_errno(err, "cannot wait for the agent");
	hear_stderr(child);
	hear_stdout(child);
	if (!sl_buf_ok(&child->heard, "the agent's answer", err))
		return false;
	*moved = child->heard.len != before;
	if (*len && ends[0].revents && !push(child, data, len, moved))
		close_end(&child->in);
	return true;
}

// Until all is written, or, when `line`, until a line is there.
static bool exchange(struct child *child, const char *data, size_t len, bool line, unsigned seconds,
		     struct sl_error *err)
{
	int64_t silent_since = now_ms(), limit = (int64_t)seconds * 1000;
	bool moved;

	while (line ? !has_line(child) : len > 0) {
		int64_t left = silent_since + limit - now_ms();
		// Its input is closed: whatever it wrote before that is the answer to come.
		if (!line && child->in < 0)
			return has_line(child) || child->out >= 0 || fail_ended(child, err);
		if (line && child->out < 0)
			return fail_ended(child, err);
		if (left <= 0)
			return sl_fail(err, SL_E_NETWORK,
				       "no word from the agent for %u seconds; \"timeout\" in the "
				       "builder configuration sets how long to wait",
				       seconds);
		if (!pump(child, &data, &len, left > 1000 ? 1000 : (int)left, &moved, err))
			return false;
		if (moved)
			silent_since = now_ms();
	}
	return true;
}

bool child_send(struct child *child, const void *data, size_t len, unsigned seconds,
		struct sl_error *err)
{
	return exchange(child, data, len, false, seconds, err);
}

bool child_line(struct child *child, unsigned seconds, char **line_out, size_t *len_out,
		struct sl_error *err)
{
	if (!exchange(child, NULL, 0, true, seconds, err))
		return false;
	struct sl_buf *heard = &child->heard;
	const char *end = memchr(heard->data, '\n', heard->len);
	*len_out = (size_t)(end - heard->data);
	*line_out = sl_strndup(heard->data, *len_out);
	size_t rest = heard->len - *len_out - 1;
	memmove(heard->data, end + 1, rest);
	heard->len = rest;
	heard->data[rest] = '\0';
	return true;
}
