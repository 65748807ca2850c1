/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Two filters of system calls, one on top of the other: the kernel takes the stricter answer. What
 * is not allowed fails with EPERM, so that a library that only tries something goes on. The filters
 * say what is done with files, Landlock with which.
 */

#include "core/policy/sandbox.h"

#include <cap-ng.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/close_range.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "core/policy/landlock.h"

#define STACK_BYTES (8UL << 20)
/* A rule file and what it requires are read one at a time; a shared object needs a few. */
#define FILES_MAX 16

/* System calls by name: not all architectures have all of them. */
static const char *const always[] = {
	/* memory */
	"brk",
	"madvise",
	"mremap",
	"munmap",
	/* the socket */
	"close",
	"read",
	"recvfrom",
	"recvmsg",
	"sendmsg",
	"sendto",
	"write",
	/* time, randomness, waiting */
	"clock_gettime",
	"clock_nanosleep",
	"futex",
	"getrandom",
	"gettimeofday",
	"nanosleep",
	"restart_syscall",
	"sched_yield",
	/* qsort(3) of glibc before 2.37 asks how much memory there is */
	"sysinfo",
	/* signals and the end */
	"exit",
	"exit_group",
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"sigaltstack",
};

/* What dlopen(3), opendir(3) and reading files take, and the way to the second filter. */
static const char *const opening[] = {
	"access",     "faccessat",  "faccessat2", "fstat",    "fstatfs",    "getcwd",
	"getdents64", "lseek",	    "mmap",	  "mprotect", "newfstatat", "pread64",
	"readlink",   "readlinkat", "seccomp",	  "stat",     "statx",
};

/* Of fcntl(2) what closes descriptors on exec and reads modes. F_SETOWN and F_SETSIG together are
 * kill(2): a signal to whomever for each message. */
static const int controls[] = {F_GETFD, F_SETFD, F_GETFL};

/* Allowed with the protection, their third argument, without PROT_EXEC. */
static const char *const mapping[] = {"mmap", "mprotect"};

static int allow(scmp_filter_ctx filter, const char *name, unsigned count,
		 const struct scmp_arg_cmp *arguments)
{
	const int number = seccomp_syscall_resolve_name(name);

	return number < 0
		       ? 0
		       : seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, count, arguments);
}

static int allow_all(scmp_filter_ctx filter, const char *const *names, size_t count)
{
	int error = 0;

	for (size_t i = 0; i < count && !error; i++)
		error = allow(filter, names[i], 0, NULL);
	return error;
}

static int allow_controls(scmp_filter_ctx filter)
{
	int error = 0;

	for (size_t i = 0; i < array_size(controls) && !error; i++) {
		const struct scmp_arg_cmp control = SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX,
							    (scmp_datum_t)controls[i]);

		error = allow(filter, "fcntl", 1, &control);
	}
	return error;
}

/* Nothing is written, made or cut. */
static int allow_opening(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp openat_flags = SCMP_A2(SCMP_CMP_MASKED_EQ,
							 O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY);
	const struct scmp_arg_cmp open_flags = SCMP_A1(SCMP_CMP_MASKED_EQ,
						       O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY);
	int error = allow_all(filter, opening, array_size(opening));

	if (!error)
		error = allow_controls(filter);
	if (!error)
		error = allow(filter, "openat", 1, &openat_flags);
	if (!error)
		error = allow(filter, "open", 1, &open_flags);
	return error;
}

static int allow_data(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp no_code = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	int error = 0;

	for (size_t i = 0; i < array_size(mapping) && !error; i++)
		error = allow(filter, mapping[i], 1, &no_code);
	return error;
}

/* no_new_privs is set already. */
static int load_filter(int (*allow_more)(scmp_filter_ctx filter), struct xa_why *why)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int error;

	if (!filter)
		return xa_why_set(why, -ENOMEM, "cannot make a seccomp filter");
	error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);
	if (!error)
		error = allow_all(filter, always, array_size(always));
	if (!error)
		error = allow_more(filter);
	if (!error)
		error = seccomp_load(filter);
	seccomp_release(filter);
	return error ? xa_why_set(why, error, "cannot load the seccomp filter: error %d", error)
		     : 0;
}

/* Each step is refused to a process without CAP_SETPCAP, which has nothing to give up there. */
static void empty_bounding_set(void)
{
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
		(void)prctl(PR_CAPBSET_DROP, cap);
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

static int drop_rights(struct xa_why *why)
{
	empty_bounding_set();
	capng_clear(CAPNG_SELECT_CAPS);
	if (capng_apply(CAPNG_SELECT_CAPS))
		return xa_why_set(why, -EPERM, "cannot drop the capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return xa_why_set(why, -errno, "cannot give up privileges");
	/* After the capabilities: a change of credentials may forget it. A parent that is gone
	 * already shows by the end of the socket. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		return xa_why_set(why, -errno, "cannot ask to die with the auditor");
	return 0;
}

/* Lowers a limit; it never rises. */
static int limit(int resource, rlim_t most)
{
	struct rlimit limits;

	if (getrlimit(resource, &limits))
		return -errno;
	if (limits.rlim_max > most)
		limits.rlim_max = most;
	limits.rlim_cur = limits.rlim_max;
	return setrlimit(resource, &limits) ? -errno : 0;
}

#ifdef __SANITIZE_ADDRESS__
/* The sanitizer has reserved terabytes of addresses and takes more of them. */
static int limit_memory(uint64_t bytes)
{
	(void)bytes;
	return 0;
}
#else
static int limit_memory(uint64_t bytes)
{
	_cleanup_file_ FILE *statm = fopen("/proc/self/statm", "re");
	uint64_t pages;

	if (!statm)
		return -errno;
	if (fscanf(statm, "%" SCNu64, &pages) != 1)
		return -EIO;
	return limit(RLIMIT_AS, pages * (uint64_t)sysconf(_SC_PAGESIZE) + bytes);
}
#endif

static int set_limits(uint64_t memory_bytes, struct xa_why *why)
{
	int error = limit(RLIMIT_CORE, 0);

	if (!error)
		error = limit(RLIMIT_NOFILE, FILES_MAX);
	if (!error)
		error = limit(RLIMIT_STACK, STACK_BYTES);
	if (!error)
		error = limit_memory(memory_bytes);
	return error ? xa_why_set(why, error, "cannot limit resources: error %d", error) : 0;
}

static int close_others(int fd, struct xa_why *why)
{
	if ((fd && close_range(0, (unsigned)fd - 1, 0)) || close_range((unsigned)fd + 1, ~0U, 0))
		return xa_why_set(why, -errno, "cannot close descriptors");
	return 0;
}

int xa_sandbox_enter(int fd, uint64_t memory_bytes, const char *const *readable,
		     struct xa_why *ret_why)
{
	int error = drop_rights(ret_why);

	if (!error)
		error = close_others(fd, ret_why);
	if (!error)
		error = set_limits(memory_bytes, ret_why);
	if (!error)
		error = xa_landlock_enter(readable, ret_why);
	return error ? error : load_filter(allow_opening, ret_why);
}

int xa_sandbox_tighten(struct xa_why *ret_why)
{
	return load_filter(allow_data, ret_why);
}
