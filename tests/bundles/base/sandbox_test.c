// SPDX-License-Identifier: Apache-2.0
// Both halves proven from inside, in a child: what is refused is refused in a second thread too,
// also one that was started before, and what a command needs still works.
#include "bundles/base/base.h"
#include "bundles/base/reach.h"
#include "tests/cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

// ---- system calls ---------------------------------------------------------------------------

static bool is_denied(long result)
{
	return result == -1 && errno == EPERM;
}

static const char *network_hole(void)
{
	int pair[2];
	if (!is_denied(socket(AF_INET, SOCK_STREAM, 0)) ||
	    !is_denied(socket(AF_UNIX, SOCK_STREAM, 0)))
		return "socket";
	if (!is_denied(socketpair(AF_UNIX, SOCK_STREAM, 0, pair)))
		return "socketpair";
	if (!is_denied(syscall(SYS_connect, 0, NULL, 0)) ||
	    !is_denied(syscall(SYS_sendto, 0, "", 1, 0, NULL, 0)) ||
	    !is_denied(syscall(SYS_recvmsg, 0, NULL, 0)))
		return "an inherited socket";
	return is_denied(syscall(425, 1, NULL)) ? NULL : "io_uring_setup";
}

// As root each of these would do something, or fail for another reason.
static const char *machine_hole(void)
{
	if (!is_denied(mount("none", "/nowhere", "tmpfs", 0, NULL)) ||
	    !is_denied(umount2("/nowhere", 0)) || !is_denied(syscall(430, "tmpfs", 0)))
		return "mount";
	if (!is_denied(syscall(SYS_unshare, 0)) || !is_denied(syscall(SYS_setns, -1, 0)))
		return "unshare or setns";
	if (!is_denied(setuid(getuid())) || !is_denied(setgid(getgid())) ||
	    !is_denied(chroot("/nowhere")))
		return "who it is";
	if (!is_denied(syscall(SYS_keyctl, 0)) || !is_denied(syscall(SYS_bpf, -1, NULL, 0)) ||
	    !is_denied(syscall(SYS_perf_event_open, NULL, 0, 0, 0, 0)) ||
	    !is_denied(syscall(SYS_userfaultfd, 0)))
		return "keyctl, bpf, perf_event_open or userfaultfd";
	if (!is_denied(syscall(SYS_open_by_handle_at, -1, NULL, 0)) ||
	    !is_denied(syscall(SYS_personality, 0xffffffff)) ||
	    !is_denied(syscall(SYS_init_module, NULL, 0, "")) ||
	    !is_denied(syscall(SYS_swapon, "/nowhere", 0)))
		return "open_by_handle_at, personality, init_module or swapon";
	char byte = '!';
	return is_denied(ioctl(0, TIOCSTI, &byte)) ? NULL : "typing into the terminal";
}

static const char *process_hole(void)
{
	if (!is_denied(syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0)) ||
	    !is_denied(kill(getppid(), 0)) ||
	    !is_denied(syscall(SYS_tgkill, getppid(), getppid(), 0)))
		return "another process";
	if (SL_SANITIZED)
		return NULL;
	char *const argv[] = {"true", NULL};
	if (!is_denied(execve("/bin/true", argv, NULL)))
		return "execve";
	if (!is_denied(fork()) || !is_denied(vfork()) ||
	    !is_denied(syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0)))
		return "a child";
	if (syscall(435, NULL, 0) != -1 || errno != ENOSYS)
		return "clone3";
	if (!is_denied(ptrace(PTRACE_TRACEME, 0, NULL, NULL)))
		return "ptrace";
	if (!is_denied((long)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
				  -1, 0)))
		return "new code";
	return NULL;
}

static bool status_says(const char *path, const char *wanted)
{
	FILE *status = fopen(path, "r");
	if (!status)
		return false;
	char line[256];
	bool found = false;
	while (fgets(line, sizeof line, status))
		found = found || strcmp(line, wanted) == 0;
	fclose(status);
	return found;
}

static const char *hole(void)
{
	const char *found = network_hole();
	found = found ? found : machine_hole();
	found = found ? found : process_hole();
	if (!found && !status_says("/proc/thread-self/status", "Seccomp:\t2\n"))
		found = "the thread's status does not say Seccomp: 2";
	return found;
}

static void *look_for_hole(void *result)
{
	*(const char **)result = hole();
	return NULL;
}

static int go[2];

static void *look_when_told(void *result)
{
	char byte;
	return read(go[0], &byte, 1) == 1 ? look_for_hole(result) : NULL;
}

// Says on stderr what is wrong; a status would say little.
static int judge(const char *where, const char *found)
{
	if (found)
		fprintf(stderr, "%s: %s is not refused\n", where, found);
	return found != NULL;
}

static int confined_calls(void)
{
	struct sl_error err = {0};
	const char *earlier = "nothing was tried, so it", *later = earlier;
	pthread_t early, late;
	if (pipe(go) != 0 || pthread_create(&early, NULL, look_when_told, &earlier) != 0)
		return judge("before", "making a pipe and a thread");
	if (!network_hole()) // else the test could not fail
		return judge("before", "a network without a filter");
	if (!sl_sandbox_calls(&err))
		return judge(err.text, "the filter");
	if (pthread_create(&late, NULL, look_for_hole, &later) != 0 || write(go[1], "", 1) != 1)
		return judge("after", "a thread");
	pthread_join(early, NULL);
	pthread_join(late, NULL);
	return judge("main", hole()) + judge("earlier thread", earlier) +
	       judge("later thread", later);
}

// ---- paths ----------------------------------------------------------------------------------

static bool can_read(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool can_make(const char *path)
{
	struct sl_error err = {0};
	return sl_store_file(path, "x", 1, 0600, SL_OUTPUT_REPLACE, &err);
}

static const char *path_hole(void)
{
	if (can_read("other") || can_read("/etc/passwd") || can_read("."))
		return "reading what was not named";
	if (can_make("new") || can_make("in/new") || open("given", O_WRONLY | O_CLOEXEC) >= 0)
		return "writing where nothing is to be written";
	if (mkdir("folder", 0700) == 0 || unlink("other") == 0 || rename("other", "out/other") == 0)
		return "changing a folder";
	return NULL;
}

static const char *path_loss(void)
{
	if (!can_read("given") || !can_read("link") || !can_read("in/below"))
		return "reading what was named";
	if (!can_make("out/new") || !can_make("out/new") || !can_read("out/new"))
		return "writing where it may";
	if (mkdir("out/a", 0700) != 0 || rename("out/a", "out/b") != 0 || rmdir("out/b") != 0)
		return "folders where it may write";
	return NULL;
}

static void *look_for_path_hole(void *result)
{
	*(const char **)result = path_hole();
	return NULL;
}

static int confined_paths(void)
{
	struct sl_error err = {0};
	struct sl_reach reach = {.confined = true};
	const char *in_thread = "nothing was tried, so it";
	bool done = false;
	pthread_t thread;
	sl_strings_add(&reach.read, "link");
	sl_strings_add(&reach.read, "in");
	sl_strings_add(&reach.read, "not-there");
	sl_strings_add(&reach.write, "out");
	if (SL_SANITIZED)
		sl_strings_add(&reach.read, "/proc");
	if (!sl_sandbox_paths(&reach, &done, &err))
		return judge(err.text, "Landlock");
	sl_reach_release(&reach);
	if (!done)
		return 77;
	if (pthread_create(&thread, NULL, look_for_path_hole, &in_thread) != 0)
		return judge("after", "a thread");
	pthread_join(thread, NULL);
	const char *loss = path_loss();
	if (loss)
		fprintf(stderr, "%s is refused\n", loss);
	return judge("main", path_hole()) + judge("second thread", in_thread) + (loss != NULL);
}

static char folder[] = "/tmp/sealift-sandbox-XXXXXX";

static int in_folder(void)
{
	struct sl_error err = {0};
	if (chdir(folder) != 0)
		return judge(folder, "a folder for the test");
	bool made = mkdir("in", 0700) == 0 && mkdir("out", 0700) == 0 &&
		    sl_store_file("given", "x", 1, 0600, SL_OUTPUT_NEW, &err) &&
		    sl_store_file("other", "x", 1, 0600, SL_OUTPUT_NEW, &err) &&
		    sl_store_file("in/below", "x", 1, 0600, SL_OUTPUT_NEW, &err) &&
		    symlink("given", "link") == 0;
	if (!made || path_hole() == NULL) // else the test could not fail
		return judge(err.text, "making files");
	return confined_paths();
}

// ---- from a command line --------------------------------------------------------------------

struct values {
	const char *policy, *output, *name;
	struct sl_words folders;
};

static const struct sl_option options[] = {
	{"policy", 0, SL_OPT_POLICY_IN, offsetof(struct values, policy), "FILE", "a"},
	{"output", 0, SL_OPT_PATH_OUT, offsetof(struct values, output), "FILE", "b"},
	{"name", 0, SL_OPT_STRING, offsetof(struct values, name), "N", "c"},
	{"folder", 0, SL_OPT_PATHS_IN, offsetof(struct values, folders), "DIR", "d"},
	SL_OPTION_END,
};

static const struct sl_program program = {.name = "x"};

static void assert_paths(const struct sl_strings *paths, const char *wanted)
{
	char joined[256] = "";
	sl_list_each (paths, path)
		snprintf(joined + strlen(joined), sizeof joined - strlen(joined), "%s ", *path);
	assert_string_equal(joined, wanted);
}

static void the_command_line_says_what_can_be_opened(void **state)
{
	(void)state;
	const char *words[] = {"d1", "d2"};
	char first[] = "some/spec.yaml", second[] = "member";
	char *operands[] = {first, second};
	struct values values = {"p/policy.json", "made/here//", "a-name", {words, 2, 2}};
	struct sl_command command = {
		.options = options,
		.reach = SL_REACH_NAMED | SL_REACH_BESIDE | SL_REACH_TERMINAL,
		.path_operands = 1,
	};
	sl_auto_reach struct sl_reach reach = {0};
	sl_reach_of(&program, &command, &values, 2, operands, &reach);
	assert_true(reach.confined);
	assert_paths(&reach.read, SL_SANITIZED ? "p/policy.json p/signatures d1 d2 some/spec.yaml "
						 "some /proc "
					       : "p/policy.json p/signatures d1 d2 some/spec.yaml "
						 "some ");
	assert_paths(&reach.write, "made ");
	assert_paths(&reach.device, "/dev/tty ");
	sl_reach_release(&reach);
	command.reach = 0;
	sl_reach_of(&program, &command, &values, 2, operands, &reach);
	assert_false(reach.confined);
	assert_paths(&reach.read, "");
}

// ---- tests ----------------------------------------------------------------------------------

static int in_child(int (*inside)(void))
{
	int status;
	pid_t child = fork();
	if (child == 0)
		_exit(inside());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void no_network_and_no_program_from_any_thread(void **state)
{
	(void)state;
	assert_int_equal(in_child(confined_calls), 0);
}

// Where the kernel has no Landlock, everything works as without it; tests/cli/sandbox_paths_test.py
// says so when it skips.
static void no_path_but_those_named(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	int status = in_child(in_folder);
	sl_auto_free char *clean = sl_format("rm -r %s", folder);
	assert_int_equal(system(clean), 0);
	assert_true(status == 0 || status == 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_network_and_no_program_from_any_thread),
		cmocka_unit_test(no_path_but_those_named),
		cmocka_unit_test(the_command_line_says_what_can_be_opened),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
