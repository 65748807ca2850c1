/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The flow table as the policy sees it: a snapshot in plain memory. Loop thread only.
 */

#include "core/flow/table.h"
#include "core/policy/region.h"

struct xa_view_time {
	uint32_t now_tick;
	uint64_t wall_ns; /* the same moment as Unix time */
	uint64_t interval_ns; /* since the snapshot before; 0: there is none */
};

/*
 * Retires what is over (xa_table_sweep()) and writes every living flow, which `flows` has to have
 * room for: as many as the table can hold. Deltas are what came since the snapshot before, of a
 * flow that was in none all of it. The table has to keep marks, and they stand at this snapshot
 * afterwards. `slot_names` are XA_SLOTS names of interfaces, NULL for none; they are written as the
 * exposition writes them, but for what that escapes in every label. Returns the sums, which the
 * head has too.
 */
struct xa_totals xa_view_write(struct xa_snapshot_head *head, struct xa_plugin_flow *flows,
			       struct xa_table *table, const struct xa_view_time *time,
			       const char *const *slot_names);
