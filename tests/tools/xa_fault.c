/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * For LD_PRELOAD: lets one call of a kind fail in a program that is otherwise as it is. The file
 * that XA_FAULT names is shared with the test, which arms it; tests/e2e/faults.py has the same
 * layout. Only calls of the main thread count. Beside that it counts what tells of a leak or of an
 * owner too many, whichever thread it is: blocks of memory that live, and closes of descriptors
 * that are not open.
 */

/* The names with and without 64 are functions of their own here, and none is inlined. */
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

#include "core/base/base.h"

struct control {
	char kind[16];
	uint64_t nth; /* which call of that kind is to fail, from 1 */
	uint64_t seen; /* calls of that kind since the test set it to 0 */
	uint64_t failed;
	uint64_t wild_closes;
	int64_t blocks;
	int32_t error;
	uint32_t armed;
};

static struct control nobodys, *control = &nobodys;

/* Asked for in malloc(3), so it must not allocate itself. */
static bool is_main_thread(void)
{
	static __thread __attribute__((tls_model("initial-exec"))) int answer;

	if (!answer)
		answer = gettid() == getpid() ? 1 : -1;
	return answer > 0;
}

static bool fails(const char *kind)
{
	if (!__atomic_load_n(&control->armed, __ATOMIC_ACQUIRE) || !is_main_thread() ||
	    strcmp(control->kind, kind) != 0 || ++control->seen != control->nth)
		return false;
	control->failed++;
	errno = control->error;
	return true;
}

/* The function that would have been called. */
#define REAL(name) (__extension__(__typeof__(name) *) real(#name))

static void *real(const char *name)
{
	void *function = dlsym(RTLD_NEXT, name);

	if (!function)
		_exit(EXIT_FAILURE);
	return function;
}

#define EXPORT __attribute__((visibility("default")))

__attribute__((constructor)) static void share(void)
{
	const char *path = getenv("XA_FAULT");
	int fd = path ? REAL(open)(path, O_RDWR | O_CLOEXEC) : -1;
	void *shared;

	if (fd < 0)
		return;
	shared = REAL(mmap)(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)REAL(close)(fd);
	if (shared == MAP_FAILED)
		return;
	control = shared;
	control->blocks = nobodys.blocks;
}

/* --- memory: by the names that glibc keeps for whoever takes malloc(3)'s place --- */

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *block);

static void *counted(void *block)
{
	if (block)
		(void)__atomic_add_fetch(&control->blocks, 1, __ATOMIC_RELAXED);
	return block;
}

EXPORT void *malloc(size_t size)
{
	return fails("malloc") ? NULL : counted(__libc_malloc(size));
}

EXPORT void *calloc(size_t count, size_t size)
{
	return fails("malloc") ? NULL : counted(__libc_calloc(count, size));
}

EXPORT void *realloc(void *block, size_t size)
{
	if (fails("malloc"))
		return NULL;
	return block ? __libc_realloc(block, size) : counted(__libc_realloc(NULL, size));
}

EXPORT int posix_memalign(void **ret, size_t alignment, size_t size)
{
	void *block = fails("malloc") ? NULL : counted(__libc_memalign(alignment, size));

	if (!block)
		return ENOMEM;
	*ret = block;
	return 0;
}

EXPORT void free(void *block)
{
	if (block)
		(void)__atomic_sub_fetch(&control->blocks, 1, __ATOMIC_RELAXED);
	__libc_free(block);
}

/* --- files --- */

static mode_t mode_of(int flags, va_list args)
{
	return flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
}

#define OPEN(name) \
	EXPORT int name(const char *path, int flags, ...) \
	{ \
		va_list args; \
		mode_t mode; \
\
		va_start(args, flags); \
		mode = mode_of(flags, args); \
		va_end(args); \
		return fails("open") ? -1 : REAL(name)(path, flags, mode); \
	}
OPEN(open)
OPEN(open64)

#define OPENAT(name) \
	EXPORT int name(int folder, const char *path, int flags, ...) \
	{ \
		va_list args; \
		mode_t mode; \
\
		va_start(args, flags); \
		mode = mode_of(flags, args); \
		va_end(args); \
		return fails("open") ? -1 : REAL(name)(folder, path, flags, mode); \
	}
OPENAT(openat)
OPENAT(openat64)

#define FOPEN(name) \
	EXPORT FILE *name(const char *path, const char *mode) \
	{ \
		return fails("open") ? NULL : REAL(name)(path, mode); \
	}
FOPEN(fopen)
FOPEN(fopen64)

EXPORT DIR *opendir(const char *path)
{
	return fails("open") ? NULL : REAL(opendir)(path);
}

EXPORT ssize_t read(int fd, void *bytes, size_t size)
{
	return fails("read") ? -1 : REAL(read)(fd, bytes, size);
}

EXPORT int close(int fd)
{
	const int r = REAL(close)(fd);

	if (r && errno == EBADF)
		(void)__atomic_add_fetch(&control->wild_closes, 1, __ATOMIC_RELAXED);
	return r;
}

#define FCNTL(name) \
	EXPORT int name(int fd, int command, ...) \
	{ \
		va_list args; \
		void *argument; \
\
		va_start(args, command); \
		argument = va_arg(args, void *); \
		va_end(args); \
		return fails("fcntl") ? -1 : REAL(name)(fd, command, argument); \
	}
FCNTL(fcntl)
FCNTL(fcntl64)

/* --- shared memory --- */

EXPORT int memfd_create(const char *name, unsigned flags)
{
	return fails("memfd") ? -1 : REAL(memfd_create)(name, flags);
}

EXPORT int ftruncate64(int fd, off64_t size)
{
	return fails("truncate") ? -1 : REAL(ftruncate64)(fd, size);
}

EXPORT ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at)
{
	return fails("pwrite") ? -1 : REAL(pwrite64)(fd, bytes, size, at);
}

#define MMAP(name, offset) \
	EXPORT void *name(void *at, size_t size, int access, int flags, int fd, offset from) \
	{ \
		return fails("mmap") ? MAP_FAILED : REAL(name)(at, size, access, flags, fd, from); \
	}
MMAP(mmap, off_t)
MMAP(mmap64, off64_t)

/* --- processes and threads: what they return is the error --- */

EXPORT int posix_spawn(pid_t *ret, const char *path, const posix_spawn_file_actions_t *actions,
		       const posix_spawnattr_t *attributes, char *const arguments[],
		       char *const environment[])
{
	if (fails("spawn"))
		return errno;
	return REAL(posix_spawn)(ret, path, actions, attributes, arguments, environment);
}

EXPORT int pthread_create(pthread_t *ret, const pthread_attr_t *attributes, void *(*run)(void *),
			  void *ctx)
{
	return fails("thread") ? errno : REAL(pthread_create)(ret, attributes, run, ctx);
}

/* --- sockets and events --- */

EXPORT int socket(int family, int type, int protocol)
{
	return fails("socket") ? -1 : REAL(socket)(family, type, protocol);
}

EXPORT int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	return fails("socket") ? -1 : REAL(setsockopt)(fd, level, name, value, len);
}

EXPORT int bind(int fd, __CONST_SOCKADDR_ARG address, socklen_t len)
{
	return fails("socket") ? -1 : REAL(bind)(fd, address, len);
}

EXPORT int listen(int fd, int backlog)
{
	return fails("socket") ? -1 : REAL(listen)(fd, backlog);
}

EXPORT int socketpair(int family, int type, int protocol, int fds[2])
{
	return fails("socketpair") ? -1 : REAL(socketpair)(family, type, protocol, fds);
}

EXPORT ssize_t send(int fd, const void *bytes, size_t size, int flags)
{
	return fails("message") ? -1 : REAL(send)(fd, bytes, size, flags);
}

EXPORT ssize_t recv(int fd, void *bytes, size_t size, int flags)
{
	return fails("message") ? -1 : REAL(recv)(fd, bytes, size, flags);
}

EXPORT ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	return fails("message") ? -1 : REAL(recvmsg)(fd, message, flags);
}

EXPORT int epoll_create1(int flags)
{
	return fails("epoll") ? -1 : REAL(epoll_create1)(flags);
}

/* Letting go takes nothing, so it cannot fail. */
EXPORT int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
	if (operation != EPOLL_CTL_DEL && fails("epoll"))
		return -1;
	return REAL(epoll_ctl)(epoll, operation, fd, event);
}

EXPORT int eventfd(unsigned value, int flags)
{
	return fails("eventfd") ? -1 : REAL(eventfd)(value, flags);
}

EXPORT int timerfd_settime(int fd, int flags, const struct itimerspec *spec,
			   struct itimerspec *ret_before)
{
	return fails("timer") ? -1 : REAL(timerfd_settime)(fd, flags, spec, ret_before);
}

/* --- bpf(2), as libbpf calls it --- */

EXPORT long syscall(long number, ...)
{
	va_list args;
	long arguments[6];

	va_start(args, number);
	for (size_t i = 0; i < array_size(arguments); i++)
		arguments[i] = va_arg(args, long);
	va_end(args);
	if (number == SYS_bpf && fails("bpf"))
		return -1;
	return REAL(syscall)(number, arguments[0], arguments[1], arguments[2], arguments[3],
			     arguments[4], arguments[5]);
}
