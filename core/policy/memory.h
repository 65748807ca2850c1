/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Memory that is shared with the worker: anonymous files of a final size.
 */

#include "core/base/base.h"

struct xa_memory {
	int fd; /* -1: none */
	void *bytes; /* the auditor's view; NULL: none */
	size_t size;
};

/* A zeroed piece that the auditor writes and nobody else can. 0 or -errno. */
int xa_memory_new_ours(struct xa_memory *ret, size_t size);

/* A zeroed piece that the worker writes and the auditor reads. */
int xa_memory_new_theirs(struct xa_memory *ret, size_t size);

void xa_memory_done(struct xa_memory *memory);

/* A copy of the bytes that nobody can write any more; its descriptor, or -errno. */
int xa_memory_seal_copy(const void *bytes, size_t len);

/* Copies bytes that another process may change meanwhile. What is checked afterwards is the copy:
 * the compiler may not read the source a second time. */
void xa_copy_once(void *to, const void *from, size_t len);
