// SPDX-License-Identifier: Apache-2.0
// The login room as a program, for tests against a token service: one step per argument, one line
// per step.
#include "uploader/auth/auth.h"

#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static int usage(void)
{
	fputs("usage: uploader_auth_emit COMPUTE-URL AUTH-URL TOKEN-FILE|- STEP...\n"
	      "steps: token     print a token\n"
	      "       refused   say that the service refused it\n"
	      "       kind      print which login it is\n"
	      "       warnings  print them\n"
	      "       dumps     print whether this process can be looked into\n"
	      "       wait      until a line comes in\n",
	      stderr);
	return 2;
}

static void print_error(const struct sl_error *err)
{
	printf("error %s: %s\n", sl_kind_name(err->kind), err->text);
}

static void print_token(struct auth *auth)
{
	const char *token;
	struct sl_error err = {0};

	if (auth_token(auth, &token, &err))
		printf("token %s\n", token);
	else
		print_error(&err);
}

static void refuse(struct auth *auth)
{
	struct sl_error err = {0};

	if (auth_refused(auth, &err))
		puts("another");
	else
		print_error(&err);
}

static void print_warnings(const struct auth *auth)
{
	const struct sl_strings *list = auth_warnings(auth);

	printf("warnings %zu\n", list->len);
	for (size_t i = 0; i < list->len; i++)
		printf("warning: %s\n", list->items[i]);
}

static void print_dumps(void)
{
	struct rlimit limit = {1, 1};

	getrlimit(RLIMIT_CORE, &limit);
	printf("dumpable %d core %llu %llu\n", prctl(PR_GET_DUMPABLE),
	       (unsigned long long)limit.rlim_cur, (unsigned long long)limit.rlim_max);
}

static bool step(struct auth *auth, const char *word)
{
	char line[8];

	if (strcmp(word, "token") == 0)
		print_token(auth);
	else if (strcmp(word, "refused") == 0)
		refuse(auth);
	else if (strcmp(word, "kind") == 0)
		printf("kind %s\n", auth_kind_name(auth_kind(auth)));
	else if (strcmp(word, "warnings") == 0)
		print_warnings(auth);
	else if (strcmp(word, "dumps") == 0)
		print_dumps();
	else if (strcmp(word, "wait") == 0)
		return printf("waiting\n") > 0 && fflush(stdout) == 0 &&
		       fgets(line, sizeof line, stdin);
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	struct auth_places places = {0};
	struct auth *auth = NULL;
	struct http *http = NULL;
	struct sl_error err = {0};
	// Failures are to be seen at once.
	const struct http_options options = {
		.timeout = 5, .connect_timeout = 5, .pause_ms = 1, .busy_ms = 1};

	if (argc < 4)
		return usage();
	const char *file = strcmp(argv[3], "-") == 0 ? NULL : argv[3];
	bool good = auth_places_find(argv[1], argv[2], &places, &err) &&
		    http_new(&options, &http, &err) && auth_open(&places, file, http, &auth, &err);
	if (!good)
		print_error(&err);
	for (int i = 4; i < argc && good; i++)
		if (!step(auth, argv[i]))
			good = usage() == 0;
	auth_free(auth);
	http_free(http);
	auth_places_release(&places);
	return good ? 0 : 1;
}
