/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Reads a flow map that nobody writes to, in batches, sums the CPUs, and deletes what the sink
 * forgets. The buffers are made once; they grow only if a bucket of the map should hold more than a
 * batch.
 */

#include "core/source/source.h"

struct xa_drain;

/* `cpus`: possible CPUs. 0 or -ENOMEM. */
int xa_drain_new(struct xa_drain **ret, size_t cpus);
void xa_drain_free(struct xa_drain *drain);
XA_DEFINE_CLEANUP(xa_drain)
#define _cleanup_xa_drain_ XA_CLEANUP(xa_drain_cleanup)

struct xa_drain_side {
	enum xa_family family;
	uint32_t now_tick; /* the time of the read: flow_abi.h's ticks wrap */
};

/*
 * All entries of the map go to the sink. 0 or -errno; after an error some entries may not have been
 * read, or not been deleted: reading the map again finds them. *ret_entries is how many there were.
 */
int xa_drain_map(struct xa_drain *drain, int map_fd, const struct xa_drain_side *side,
		 const struct xa_sink *sink, uint64_t *ret_entries);
