/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What every file may lean on: cleanup attributes, take macros, sizes, the monotonic clock, and the
 * one way to tell a person why something was refused.
 */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define XA_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define XA_CLEANUP(fn)	     __attribute__((cleanup(fn)))

#define array_size(a) (sizeof(a) / sizeof((a)[0]))

/* Hand an owned pointer or descriptor out of a scope whose cleanup would otherwise end it. */
#define take_ptr(ptr) \
	__extension__({ \
		__auto_type taken_ptr_ = (ptr); \
		(ptr) = NULL; \
		taken_ptr_; \
	})
#define take_fd(fd) \
	__extension__({ \
		int taken_fd_ = (fd); \
		(fd) = -1; \
		taken_fd_; \
	})

/* Defines the cleanup function that `_cleanup_xa_x_` attributes name: XA_DEFINE_CLEANUP(xa_x) calls
 * xa_x_free(), which has to accept NULL. */
#define XA_DEFINE_CLEANUP(type) \
	static inline void type##_cleanup(struct type **object) \
	{ \
		type##_free(*object); \
	}

#define _cleanup_free_	XA_CLEANUP(xa_cleanup_mem)
#define _cleanup_close_ XA_CLEANUP(xa_cleanup_fd)
#define _cleanup_file_	XA_CLEANUP(xa_cleanup_file)

static inline void xa_cleanup_mem(void *memory)
{
	free(*(void **)memory);
}

static inline void xa_cleanup_fd(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline void xa_cleanup_file(FILE **file)
{
	if (*file)
		(void)fclose(*file);
}

#define XA_NS_PER_S  1000000000ULL
#define XA_NS_PER_MS 1000000ULL

/* CLOCK_MONOTONIC in nanoseconds: the clock that the kernel program stamps packets with. */
static inline uint64_t xa_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * XA_NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* CLOCK_REALTIME in nanoseconds: only for what leaves the process. */
static inline uint64_t xa_wall_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * XA_NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* The same in seconds, as the metrics have it. */
static inline double xa_wall_seconds(void)
{
	return (double)xa_wall_ns() / 1e9;
}

/*
 * Why something was refused, for the person who can mend it: one line, no newline, naming the
 * thing, the place and the remedy. `line` and `column` count from 1; 0 where there is no such
 * place; then `file` may be empty too.
 */
struct xa_why {
	char file[256];
	unsigned line;
	unsigned column;
	bool is_secret; /* the line is not to be shown */
	char text[512];
};

/* Sets the text (cut if too long), leaves the place alone, returns `error` unchanged; `why` may be
 * NULL. */
XA_PRINTF(3, 4) int xa_why_set(struct xa_why *why, int error, const char *format, ...);
