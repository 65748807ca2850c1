/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * How long flows lived that are over: from the first to the last packet, counted by upper bounds.
 */

#include "core/flow/flow.h"

/* The last life is above all bounds. Under a tick of the kernel's, 1 to 10 ms, none can be told. */
#define XA_LIFE_BOUNDS_S 0.01, 0.1, 1, 10, 60, 300, 900, 3600
#define XA_LIFE_COUNT_	 9

/* One of them, as an example. */
struct xa_life {
	struct xa_flow_key6 key;
	uint32_t ticks;
};

/* Only rise. Zero them before the first use. */
struct xa_lives {
	uint64_t counts[XA_LIFE_COUNT_];
	struct xa_life last[XA_LIFE_COUNT_]; /* of each count; nothing where that is 0 */
	uint64_t sum_ticks; /* and not nanoseconds: of a million flows those fill 64 bits in hours
			     */
};

/* Ticks as in flow_abi.h. */
#define XA_TICK_S ((double)(1 << XA_TICK_SHIFT) / XA_NS_PER_S)

void xa_lives_add(struct xa_lives *lives, const struct xa_life *life);
