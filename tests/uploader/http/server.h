// SPDX-License-Identifier: Apache-2.0
// server.py as a child of a test, which tells it how to misbehave through a pipe.
#ifndef TESTS_UPLOADER_HTTP_SERVER_H
#define TESTS_UPLOADER_HTTP_SERVER_H

#include "bundles/base/base.h"
#include "tests/cmocka_all.h"
#include "uploader/http/http.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

struct server {
	pid_t pid;
	FILE *tell, *hear;
	unsigned port;
};

// With a certificate and its key it speaks TLS; NULL for plain.
static inline void server_start(struct server *server, char *certificate, char *key)
{
	char *path = sl_format("%s/tests/uploader/http/server.py", SEALIFT_SOURCE_DIR);
	char *argv[] = {(char[]){"python3"}, path, (char[]){"--tls"}, certificate, key, NULL};
	posix_spawn_file_actions_t files;
	int in[2], out[2];

	signal(SIGPIPE, SIG_IGN);
	if (!certificate)
		argv[2] = NULL;
	assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC), 0);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, in[0], 0);
	posix_spawn_file_actions_adddup2(&files, out[1], 1);
	assert_int_equal(posix_spawnp(&server->pid, argv[0], &files, NULL, argv, environ), 0);
	posix_spawn_file_actions_destroy(&files);
	free(path);
	close(in[0]);
	close(out[1]);
	server->tell = fdopen(in[1], "w");
	server->hear = fdopen(out[0], "r");
	assert_int_equal(fscanf(server->hear, "%u", &server->port), 1);
	assert_int_equal(fgetc(server->hear), '\n');
}

static inline void server_stop(struct server *server)
{
	fclose(server->tell);
	fclose(server->hear);
	assert_int_equal(waitpid(server->pid, NULL, 0), server->pid);
}

static inline json_t *server_say(struct server *server, const char *line)
{
	char *answer = NULL;
	size_t size = 0;

	fprintf(server->tell, "%s\n", line);
	fflush(server->tell);
	ssize_t len = getline(&answer, &size, server->hear);
	assert_true(len > 0);
	json_t *json = json_loadb(answer, (size_t)len, 0, NULL);
	assert_non_null(json);
	free(answer);
	return json;
}

// What requests to /NAME/… get from now on; `steps` is JSON.
static inline void server_script(struct server *server, const char *name, const char *steps)
{
	char *line = sl_format("script %s %s", name, steps);

	json_decref(server_say(server, line));
	free(line);
}

// The requests to /NAME/… so far, an array. Owned.
static inline json_t *server_log(struct server *server, const char *name)
{
	char *line = sl_format("log %s", name);
	json_t *log = server_say(server, line);

	free(line);
	return log;
}

static inline size_t server_count(struct server *server, const char *name)
{
	json_t *log = server_log(server, name);
	size_t count = json_array_size(log);

	json_decref(log);
	return count;
}

// A pool that never waits for its bucket, and for next to nothing before it repeats.
static inline struct http_options server_haste(void)
{
	return (struct http_options){
		.burst = 64, .period_ms = 1, .timeout = 20, .pause_ms = 1, .busy_ms = 1};
}

static inline struct http *server_pool(const struct http_options *options)
{
	struct http *http = NULL;
	struct sl_error err = {0};

	if (!http_new(options, &http, &err))
		fail_msg("%s", err.text);
	return http;
}

#endif
