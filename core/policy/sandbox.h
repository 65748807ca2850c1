/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the worker gives up before it runs code of others. Each step is for good.
 */

#include "core/base/base.h"

/*
 * Takes from the process: capabilities, new privileges, core dumps, being traced, every descriptor
 * but `fd`, memory beyond what it has now and `memory_bytes`, all files but those that are or stand
 * beneath `readable`, as xa_landlock_enter() has it, and all system calls but those that opening
 * stages needs: memory, reading files, loading shared objects, the socket. It dies with its parent.
 * 0 or -errno with a reason.
 */
int xa_sandbox_enter(int fd, uint64_t memory_bytes, const char *const *readable,
		     struct xa_why *ret_why);

/* Once the stages are open: no more files, no more code. 0 or -errno with a reason. */
int xa_sandbox_tighten(struct xa_why *ret_why);
