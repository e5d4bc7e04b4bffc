// SPDX-License-Identifier: Apache-2.0
#include "bundles/commands/signer.h"

#include "bundles/base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

// What goes to the helper, and what comes back.
struct question {
	uint64_t comment_len, message_len;
};

enum outcome { RAN, NOT_STARTED, TOO_LONG };
struct reply {
	uint32_t outcome;
	int32_t status; // of waitpid(), or errno when it was not started
	uint64_t len;	// bytes that follow
};

static bool read_all(int fd, void *data, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t got = read(fd, (char *)data + done, len - done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		done += (size_t)got;
	}
	return true;
}

static bool write_all(int fd, const void *data, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t put = write(fd, (const char *)data + done, len - done);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return false;
		done += (size_t)put;
	}
	return true;
}

// ---- the helper's side ---------------------------------------------------------------------

struct job {
	const char *command;
	char *comment, *message;
	size_t message_len;
	char text[SL_LIMIT_SIGNATURE + 1];
	size_t text_len;
};

// The program, with both pipes in their places. Tells why it could not be started through `told`,
// which closes by itself when it could.
static _Noreturn void become_program(const struct job *job, const int in[2], const int out[2],
				     int told)
{
	char *const argv[] = {(char *)(uintptr_t)job->command, job->comment, NULL};
	int why;

	signal(SIGPIPE, SIG_DFL);
	if (dup2(in[0], 0) == 0 && dup2(out[1], 1) == 1)
		execvp(job->command, argv);
	why = errno;
	(void)write_all(told, &why, sizeof why);
	_exit(127);
}

// Feeds and drains at the same time: a program may write before it has read all (T86).
static bool converse(struct job *job, int to, int from)
{
	size_t sent = 0;
	bool fed = job->message_len == 0;

	if (fed)
		close(to);
	while (true) {
		struct pollfd ends[2] = {{from, POLLIN, 0}, {fed ? -1 : to, POLLOUT, 0}};
		if (poll(ends, 2, -1) < 0 && errno != EINTR)
			return false;
		if (ends[1].revents) {
			ssize_t put = write(to, job->message + sent, job->message_len - sent);
			sent += put > 0 ? (size_t)put : 0;
			fed = sent == job->message_len ||
			      (put < 0 && errno != EINTR && errno != EAGAIN);
			if (fed)
				close(to); // it need not have wanted all
		}
		if (!ends[0].revents)
			continue;
		ssize_t got =
			read(from, job->text + job->text_len, sizeof job->text - job->text_len);
		if (got < 0 && errno == EINTR)
			continue;
		job->text_len += got > 0 ? (size_t)got : 0;
		if (got <= 0 || job->text_len == sizeof job->text)
			break;
	}
	if (!fed)
		close(to);
	return true;
}

static struct reply run_program(struct job *job)
{
	struct reply reply = {.outcome = NOT_STARTED, .status = EIO};
	int in[2], out[2], told[2], why;

	if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 || pipe2(told, O_CLOEXEC) != 0)
		return reply;
	(void)fcntl(in[1], F_SETFL, O_NONBLOCK);
	pid_t pid = fork();
	if (pid == 0)
		become_program(job, in, out, told[1]);
	reply.status = errno;
	close(in[0]);
	close(out[1]);
	close(told[1]);
	if (pid < 0)
		return reply;
	bool failed = read_all(told[0], &why, sizeof why);
	bool good = converse(job, in[1], out[0]);
	close(out[0]);
	while (waitpid(pid, &reply.status, 0) < 0 && errno == EINTR)
		;
	if (failed)
		reply.status = why;
	else
		reply.outcome = good && job->text_len <= SL_LIMIT_SIGNATURE ? RAN : TOO_LONG;
	reply.len = reply.outcome == RAN ? job->text_len : 0;
	return reply;
}

static char *read_text(int fd, uint64_t len)
{
	char *text = len <= SL_LIMIT_MANIFEST ? sl_alloc((size_t)len + 1) : NULL;

	if (text && read_all(fd, text, (size_t)len))
		return text;
	free(text);
	return NULL;
}

// One question, or none when the program that asks has ended before.
static _Noreturn void help(const char *command, int from, int to)
{
	struct job job = {.command = command};
	struct question question;

	// The terminal's signals are for the program that asks: when it ends, so does the pipe.
	signal(SIGPIPE, SIG_IGN);
	if (!read_all(from, &question, sizeof question))
		_exit(0);
	job.comment = read_text(from, question.comment_len);
	job.message = read_text(from, question.message_len);
	job.message_len = (size_t)question.message_len;
	if (!job.comment || !job.message)
		_exit(0);
	struct reply reply = run_program(&job);
	(void)(write_all(to, &reply, sizeof reply) && write_all(to, job.text, (size_t)reply.len));
	_exit(0);
}

// ---- this side -----------------------------------------------------------------------------

bool signer_start(const char *command, struct signer *out, struct sl_error *err)
{
	int to[2], from[2];

	*out = (struct signer){-1, -1};
	if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0)
		return sl_fail_errno(err, "cannot start the signer's helper");
	pid_t pid = fork();
	if (pid < 0)
		return sl_fail_errno(err, "cannot start the signer's helper");
	if (pid == 0) {
		close(to[1]);
		close(from[0]);
		help(command, to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	*out = (struct signer){to[1], from[0]};
	return true;
}

static bool explain(const struct reply *reply, struct sl_error *err)
{
	if (reply->outcome == NOT_STARTED)
		return sl_fail(err, SL_E_IO, "cannot start the signer: %s",
			       strerror(reply->status));
	if (reply->outcome == TOO_LONG)
		return sl_fail(
			err, SL_E_IO,
			"the signer wrote more than %d bytes: a signature is expected on its "
			"standard output, and nothing else",
			SL_LIMIT_SIGNATURE);
	if (WIFSIGNALED(reply->status))
		return sl_fail(err, SL_E_IO, "the signer was ended by signal %d",
			       WTERMSIG(reply->status));
	if (WEXITSTATUS(reply->status) != 0)
		return sl_fail(err, SL_E_IO, "the signer failed with exit status %d",
			       WEXITSTATUS(reply->status));
	return true;
}

static bool ask(const struct signer *signer, const char *comment, const void *message, size_t len)
{
	struct question question = {strlen(comment), len};

	return write_all(signer->to, &question, sizeof question) &&
	       write_all(signer->to, comment, strlen(comment)) &&
	       write_all(signer->to, message, len);
}

bool signer_sign(const struct signer *signer, const char *comment, const void *message, size_t len,
		 char **text_out, size_t *len_out, struct sl_error *err)
{
	struct reply reply;
	char text[SL_LIMIT_SIGNATURE];

	if (signer->to <= 0)
		return sl_fail(err, SL_E_INTERNAL, "the signer's helper was not started");

	void (*before)(int) = signal(SIGPIPE, SIG_IGN);
	bool asked = ask(signer, comment, message, len);
	signal(SIGPIPE, before);
	if (!asked || !read_all(signer->from, &reply, sizeof reply) || reply.len > sizeof text ||
	    !read_all(signer->from, text, (size_t)reply.len))
		return sl_fail(err, SL_E_IO, "the signer's helper has ended");
	if (!explain(&reply, err))
		return false;
	*text_out = sl_strndup(text, (size_t)reply.len);
	*len_out = (size_t)reply.len;
	return true;
}
