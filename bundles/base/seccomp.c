// SPDX-License-Identifier: Apache-2.0
// The system calls that a confined process has lost, as a classic BPF program.
//
// It is written here and not asked of a library, since the library takes longer to put the same
// list together than the rest of a short command takes.
#include "bundles/base/sandbox.h"

#include <assert.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCH AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define ARCH AUDIT_ARCH_PPC64LE
#else
#error "the system call filter does not know this architecture's AUDIT_ARCH number"
#endif

// Calls from 424 on have the same number on every architecture, and some are newer than the headers
// that this may be built with.
enum newer {
	CALL_PIDFD_SEND_SIGNAL = 424,
	CALL_IO_URING_SETUP,
	CALL_IO_URING_ENTER,
	CALL_IO_URING_REGISTER,
	CALL_OPEN_TREE,
	CALL_MOVE_MOUNT,
	CALL_FSOPEN,
	CALL_FSCONFIG,
	CALL_FSMOUNT,
	CALL_FSPICK,
	CALL_CLONE3 = 435,
	CALL_PIDFD_GETFD = 438,
	CALL_PROCESS_MADVISE = 440,
	CALL_MOUNT_SETATTR = 442,
	CALL_QUOTACTL_FD = 443,
	CALL_PROCESS_MRELEASE = 448,
	CALL_OPEN_TREE_ATTR = 467,
};

static const int denied[] = {
	// the network; io_uring can open sockets without the socket call
	SYS_socket,
	SYS_socketpair,
	SYS_connect,
	SYS_bind,
	SYS_listen,
	SYS_accept,
	SYS_accept4,
	SYS_sendto,
	SYS_sendmsg,
	SYS_sendmmsg,
	SYS_recvfrom,
	SYS_recvmsg,
	SYS_recvmmsg,
	CALL_IO_URING_SETUP,
	CALL_IO_URING_ENTER,
	CALL_IO_URING_REGISTER,

	// other processes
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_kcmp,
	SYS_kill,
	SYS_rt_sigqueueinfo,
	SYS_rt_tgsigqueueinfo,
	CALL_PIDFD_SEND_SIGNAL,
	CALL_PIDFD_GETFD,
	CALL_PROCESS_MADVISE,
	CALL_PROCESS_MRELEASE,
	SYS_shmget,
	SYS_shmat,
	SYS_semget,
	SYS_msgget,
	SYS_mq_open,

	// who the process is, and in which spaces it lives
	SYS_setuid,
	SYS_setgid,
	SYS_setreuid,
	SYS_setregid,
	SYS_setresuid,
	SYS_setresgid,
	SYS_setfsuid,
	SYS_setfsgid,
	SYS_setgroups,
	SYS_capset,
	SYS_unshare,
	SYS_setns,
	SYS_chroot,
	SYS_pivot_root,
	SYS_personality,

	// what is mounted, and files by other ways than their paths
	SYS_mount,
	SYS_umount2,
	CALL_OPEN_TREE,
	CALL_OPEN_TREE_ATTR,
	CALL_MOVE_MOUNT,
	CALL_FSOPEN,
	CALL_FSCONFIG,
	CALL_FSMOUNT,
	CALL_FSPICK,
	CALL_MOUNT_SETATTR,
	SYS_name_to_handle_at,
	SYS_open_by_handle_at,
	SYS_fanotify_init,
	SYS_mknodat,
	SYS_symlinkat,
	SYS_fchown,
	SYS_fchownat,
	SYS_quotactl,
	CALL_QUOTACTL_FD,

	// the kernel and the machine
	SYS_bpf,
	SYS_perf_event_open,
	SYS_userfaultfd,
	SYS_keyctl,
	SYS_add_key,
	SYS_request_key,
	SYS_init_module,
	SYS_finit_module,
	SYS_delete_module,
	SYS_kexec_load,
	SYS_reboot,
	SYS_swapon,
	SYS_swapoff,
	SYS_syslog,
	SYS_acct,
	SYS_vhangup,
	SYS_sethostname,
	SYS_setdomainname,
	SYS_settimeofday,
	SYS_clock_settime,
	SYS_clock_adjtime,
	SYS_adjtimex,

// what only some architectures have
#ifdef SYS_kexec_file_load
	SYS_kexec_file_load,
#endif
#ifdef SYS_lookup_dcookie
	SYS_lookup_dcookie,
#endif
#ifdef SYS_mknod
	SYS_mknod,
#endif
#ifdef SYS_symlink
	SYS_symlink,
#endif
#ifdef SYS_chown
	SYS_chown,
#endif
#ifdef SYS_lchown
	SYS_lchown,
#endif
#ifdef SYS_socketcall
	SYS_socketcall,
#endif
#ifdef SYS_create_module
	SYS_create_module,
#endif
#ifdef SYS_iopl
	SYS_iopl,
	SYS_ioperm,
#endif
#ifdef SYS_modify_ldt
	SYS_modify_ldt,
#endif
#ifdef SYS_uselib
	SYS_uselib,
#endif
};

// Other programs and processes of our own.
static const int denied_children[] = {
	SYS_execve, SYS_execveat, SYS_ptrace,
#ifdef SYS_fork
	SYS_fork,
#endif
#ifdef SYS_vfork
	SYS_vfork,
#endif
};

// ---- the program ----------------------------------------------------------------------------

#define CODE_MAX 400
#define ALLOW	 SECCOMP_RET_ALLOW
#define REFUSE	 (SECCOMP_RET_ERRNO | EPERM)

struct filter {
	struct sock_filter code[CODE_MAX];
	unsigned short len;
};

static void add(struct filter *filter, unsigned code, uint32_t value, unsigned char when_true,
		unsigned char when_false)
{
	assert(filter->len < CODE_MAX);
	filter->code[filter->len++] =
		(struct sock_filter){(unsigned short)code, when_true, when_false, value};
}

static void load(struct filter *filter, size_t offset)
{
	add(filter, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void answer(struct filter *filter, uint32_t action)
{
	add(filter, BPF_RET | BPF_K, action, 0, 0);
}

static void deny_call(struct filter *filter, int call, uint32_t action)
{
	add(filter, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 1);
	answer(filter, action);
}

// Refuses `call` when the low half of its argument passes (or, with `unless`, does not pass) the
// test `jump`: BPF_JEQ with or BPF_JSET of `value`. All that is asked here are ints.
static void deny_argument(struct filter *filter, int call, size_t argument, unsigned jump,
			  uint32_t value, bool unless)
{
	add(filter, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 4);
	load(filter, offsetof(struct seccomp_data, args) + argument * sizeof(uint64_t));
	add(filter, BPF_JMP | jump | BPF_K, value, unless, !unless);
	answer(filter, REFUSE);
	load(filter, offsetof(struct seccomp_data, nr));
}

// A foreign ABI has other numbers for everything.
static void deny_foreign(struct filter *filter)
{
	load(filter, offsetof(struct seccomp_data, arch));
	add(filter, BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
	answer(filter, REFUSE);
	load(filter, offsetof(struct seccomp_data, nr));
#ifdef __x86_64__
	add(filter, BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1); // x32, under the same ARCH
	answer(filter, REFUSE);
#endif
}

// The flags of clone3 lie in memory, where a filter cannot look: without it the C library uses
// clone.
static void deny_children(struct filter *filter)
{
	deny_argument(filter, SYS_clone, 0, BPF_JSET, CLONE_THREAD, true);
	deny_call(filter, CALL_CLONE3, SECCOMP_RET_ERRNO | ENOSYS);
	for (size_t i = 0; i < sizeof denied_children / sizeof *denied_children; i++)
		deny_call(filter, denied_children[i], REFUSE);
}

static void deny_new_code(struct filter *filter)
{
	deny_argument(filter, SYS_mmap, 2, BPF_JSET, PROT_EXEC, false);
	deny_argument(filter, SYS_mprotect, 2, BPF_JSET, PROT_EXEC, false);
	deny_argument(filter, SYS_pkey_mprotect, 2, BPF_JSET, PROT_EXEC, false);
}

static void fill(struct filter *filter)
{
	deny_foreign(filter);
	if (!SL_SANITIZED) {
		deny_new_code(filter);
		deny_children(filter);
	}
	deny_argument(filter, SYS_tgkill, 0, BPF_JEQ, (uint32_t)getpid(), true);
	deny_argument(filter, SYS_tkill, 0, BPF_JEQ, (uint32_t)getpid(), true);
	deny_argument(filter, SYS_ioctl, 1, BPF_JEQ, TIOCSTI, false); // types for the person
	deny_argument(filter, SYS_ioctl, 1, BPF_JEQ, TIOCLINUX, false);
	for (size_t i = 0; i < sizeof denied / sizeof *denied; i++)
		deny_call(filter, denied[i], REFUSE);
	answer(filter, ALLOW);
}

static bool fail(int number, struct sl_error *err)
{
	return sl_fail(err, SL_E_INTERNAL,
		       "the kernel refuses the system call filter that keeps this program off the "
		       "network: %s",
		       strerror(number));
}

bool sl_sandbox_calls(struct sl_error *err)
{
	struct filter filter = {.len = 0};
	fill(&filter);
	struct sock_fprog program = {filter.len, filter.code};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return fail(errno, err);
	// All threads, so that one that a library has started is no way out; a positive result is
	// one of them that cannot follow.
	long result =
		syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
	return result == 0 || fail(result < 0 ? errno : EBUSY, err);
}
