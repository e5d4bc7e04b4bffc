// SPDX-License-Identifier: Apache-2.0
// The filter proven from inside, in a child: EPERM, from a second thread too, Seccomp: 2.
#include "bundles/base/sandbox.h"
#include "tests/cmocka_all.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static bool is_denied(long result)
{
	return result == -1 && errno == EPERM;
}

static bool network_is_denied(void)
{
	int pair[2];
	return is_denied(socket(AF_INET, SOCK_STREAM, 0)) &&
	       is_denied(socket(AF_UNIX, SOCK_STREAM, 0)) &&
	       is_denied(socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) &&
	       is_denied(syscall(SYS_io_uring_setup, 1, NULL));
}

static void *second_thread(void *result)
{
	*(bool *)result = network_is_denied();
	return NULL;
}

static bool status_says_filtered(void)
{
	FILE *status = fopen("/proc/self/status", "r");
	if (!status)
		return false;
	char line[256];
	bool found = false;
	while (fgets(line, sizeof line, status))
		found = found || strcmp(line, "Seccomp:\t2\n") == 0;
	fclose(status);
	return found;
}

static int inside(void)
{
	struct sl_error err = {0};
	int before = socket(AF_UNIX, SOCK_STREAM, 0);
	if (before < 0)
		return 1; // the test could not fail
	close(before);
	if (!sl_sandbox_no_network(&err))
		return 2;
	if (!network_is_denied())
		return 3;
	bool thread_denied = false;
	pthread_t thread;
	if (pthread_create(&thread, NULL, second_thread, &thread_denied) ||
	    pthread_join(thread, NULL) || !thread_denied)
		return 4;
	if (!status_says_filtered())
		return 5;
	pid_t child = fork();
	if (child == 0)
		_exit(network_is_denied() ? 0 : 1);
	int status;
	return waitpid(child, &status, 0) == child && status == 0 ? 0 : 6;
}

static void no_socket_from_any_thread_or_child(void **state)
{
	(void)state;
	pid_t child = fork();
	if (child == 0)
		_exit(inside());
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_socket_from_any_thread_or_child),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
