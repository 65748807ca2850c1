/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The worker's process as the auditor holds it: its id, the socket, and the region that it writes.
 */

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "core/base/buf.h"
#include "core/policy/memory.h"

struct xa_child {
	pid_t pid; /* 0: there is none */
	int socket;
	struct xa_memory region;
	uint64_t started_ns; /* xa_now_ns() */
};

#define XA_CHILD_NONE \
	{ \
		.socket = -1, .region = {.fd = -1 } \
	}

/* Starts `executable` as a worker with nothing but what is handed to it: no environment, no other
 * descriptor but /dev/null as the three standard ones, default signals. It has a region of its own.
 * 0 or -errno. */
int xa_child_start(struct xa_child *ret, const char *executable, const struct xa_buf *setup,
		   int snapshot, size_t region_size);

/* Whether it has ended by itself, or by somebody else's hand; for one that has just closed its
 * socket, and may need a moment: 20 ms at most. */
bool xa_child_has_ended(const struct xa_child *child);

/* Kills it and waits for its end, which *ret_end, unless NULL, tells of. The region stays. Does
 * nothing without a process. */
void xa_child_kill(struct xa_child *child, siginfo_t *ret_end);

/* Kills it and gives everything back. */
void xa_child_done(struct xa_child *child);

/* Lets it close its stages, and waits for so long at most. -EPIPE: it is gone, as it should;
 * -ETIMEDOUT; another -errno. */
int xa_child_stop(const struct xa_child *child, uint64_t patience_ns);

/* Appends how it ended: "was killed by SIGSEGV", "ended with code 3". */
void xa_child_add_end(const siginfo_t *end, struct xa_buf *buf);
