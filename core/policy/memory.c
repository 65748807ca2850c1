/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Seals, so that nothing the worker does to a file makes the auditor's view of it fault. */

#include "core/policy/memory.h"

#include <fcntl.h>
#include <linux/memfd.h>
#include <string.h>
#include <sys/mman.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

/* Kernels before 6.3 do not know that a file can be kept from being executed. */
static int create(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd < 0 ? -errno : fd;
}

static int create_sized(const char *name, size_t size)
{
	_cleanup_close_ int fd = create(name);

	if (fd < 0)
		return fd;
	return ftruncate(fd, (off_t)size) ? -errno : take_fd(fd);
}

static int new_mapped(struct xa_memory *ret, const char *name, size_t size, int access, int seals)
{
	_cleanup_close_ int fd = create_sized(name, size);
	void *bytes;

	if (fd < 0)
		return fd;
	bytes = mmap(NULL, size, access, MAP_SHARED, fd, 0);
	if (bytes == MAP_FAILED)
		return -errno;
	if (fcntl(fd, F_ADD_SEALS, seals | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)) {
		const int error = -errno;

		(void)munmap(bytes, size);
		return error;
	}
	*ret = (struct xa_memory){.fd = take_fd(fd), .bytes = bytes, .size = size};
	return 0;
}

int xa_memory_new_ours(struct xa_memory *ret, size_t size)
{
	return new_mapped(ret, "xdp-auditor-snapshot", size, PROT_READ | PROT_WRITE,
			  F_SEAL_FUTURE_WRITE);
}

int xa_memory_new_theirs(struct xa_memory *ret, size_t size)
{
	return new_mapped(ret, "xdp-auditor-region", size, PROT_READ, 0);
}

void xa_memory_done(struct xa_memory *memory)
{
	if (memory->bytes)
		(void)munmap(memory->bytes, memory->size);
	xa_cleanup_fd(&memory->fd);
	*memory = (struct xa_memory){.fd = -1};
}

/* At a place of its own: the descriptor's offset is the worker's as well and stays at 0. */
static int write_all(int fd, const char *bytes, size_t len)
{
	for (size_t at = 0; at < len;) {
		const ssize_t written = pwrite(fd, bytes + at, len - at, (off_t)at);

		if (written < 0 && errno != EINTR)
			return -errno;
		if (written > 0)
			at += (size_t)written;
	}
	return 0;
}

int xa_memory_seal_copy(const void *bytes, size_t len)
{
	_cleanup_close_ int fd = create("xdp-auditor-setup");
	int r;

	if (fd < 0)
		return fd;
	r = write_all(fd, bytes, len);
	if (r)
		return r;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return -errno;
	return take_fd(fd);
}

void xa_copy_once(void *to, const void *from, size_t len)
{
	memcpy(to, from, len);
	__asm__ volatile("" ::: "memory");
}
