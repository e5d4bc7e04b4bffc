// SPDX-License-Identifier: Apache-2.0
// What the ledger knows of objects that were left in folders for agents.
#include "uploader/ledger/ledger.h"

#include "tests/uploader/scratch.h"
#include "uploader/ledger/private.h"

#include <sys/wait.h>

static struct ledger *open_in(const char *folder)
{
	struct sl_error err = {0};
	struct ledger *ledger = NULL;
	if (!ledger_open(folder, &ledger, &err))
		fail_msg("%s", err.text);
	return ledger;
}

static struct sl_digest digest_of(char letter)
{
	return sl_sha256_bytes(&letter, 1);
}

static void begin(struct ledger *ledger, const char *folder, char letter)
{
	struct sl_digest sha256 = digest_of(letter);
	struct sl_error err = {0};
	assert_true(ledger_drop_begin(ledger, folder, &sha256, &err));
}

static size_t left(struct ledger *ledger, struct ledger_drops *out)
{
	struct sl_error err = {0};
	if (!ledger_drops_left(ledger, out, &err))
		fail_msg("%s", err.text);
	return out->len;
}

static size_t count_left(const char *folder)
{
	struct ledger *ledger = open_in(folder);
	struct ledger_drops drops;
	size_t len = left(ledger, &drops);
	ledger_drops_release(&drops);
	ledger_close(ledger);
	return len;
}

static void what_was_left_is_found_once_it_is_written_down(void **state)
{
	struct ledger *ledger = open_in(*state);
	struct sl_digest second = digest_of('b');
	struct ledger_drops drops;
	struct sl_error err = {0};
	assert_int_equal(left(ledger, &drops), 0);
	begin(ledger, "/mnt/drop", 'a');
	begin(ledger, "/mnt/drop", 'b');
	begin(ledger, "/mnt/drop", 'b'); // twice is once
	begin(ledger, "/mnt/other", 'b');
	assert_int_equal(left(ledger, &drops), 3);
	assert_string_equal(drops.items[0].folder, "/mnt/drop");
	assert_string_equal(drops.items[2].folder, "/mnt/other");
	ledger_drops_release(&drops);
	assert_true(ledger_drop_end(ledger, "/mnt/drop", &second, &err));
	assert_true(ledger_drop_end(ledger, "/mnt/drop", &second, &err));
	ledger_close(ledger);
	assert_int_equal(count_left(*state), 2);
}

// A child leaves something and waits in `fd` for its end.
static pid_t leave_from_a_child(const char *folder, int *ready_out, int *go_out)
{
	int ready[2], go[2];
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(go), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct ledger *ledger = open_in(folder);
		char byte;
		begin(ledger, "/mnt/drop", 'c');
		if (write(ready[1], "r", 1) != 1)
			_exit(1);
		close(go[1]);
		_exit(read(go[0], &byte, 1) < 0); // like a kill: nothing is given back
	}
	close(ready[1]);
	close(go[0]);
	*ready_out = ready[0];
	*go_out = go[1];
	return pid;
}

static void t72_what_a_killed_process_left_is_taken_over_and_what_a_living_one_left_is_not(
	void **state)
{
	int ready, go, status;
	char byte;
	pid_t pid = leave_from_a_child(*state, &ready, &go);
	assert_int_equal(read(ready, &byte, 1), 1);
	assert_int_equal(count_left(*state), 0);
	close(go);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(count_left(*state), 1);
	close(ready);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(what_was_left_is_found_once_it_is_written_down),
		scratch_test(
			t72_what_a_killed_process_left_is_taken_over_and_what_a_living_one_left_is_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
