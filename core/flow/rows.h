/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The largest flows as a reader of the metrics tells them apart. Labels do not tell the VLAN, the
 * fragment mark and whatever else the caller says that there is no label for: flows that differ in
 * these alone are one row, their sum, and it is the rows that are ranked. Flows to which rules gave
 * different labels are rows of their own. Loop thread only.
 */

#include "core/base/range.h"
#include "core/flow/topk.h"

/* What rules say of flows, by the handles of their marks. */
struct xa_judgement {
	const void *ctx;
	bool (*is_hidden)(const void *ctx, uint32_t handle); /* in no row */
	bool (*are_equal)(const void *ctx, uint32_t a, uint32_t b); /* all labels of two flows */
	uint32_t (*hash)(const void *ctx, uint32_t handle, uint64_t seed); /* of all labels */
};

/* How to rank. */
struct xa_ranking {
	uint32_t now_tick;
	/* Rows whose rank, by their age, is under this much a second are not ranked; 0: all are.
	 * The age is that of the oldest flow, and not less than age_min_ns. */
	uint32_t min_rate;
	uint64_t age_min_ns;
	bool interface_label;
	struct xa_flow_key6 untold; /* bits of keys that have no label besides; marks never have */
	const struct xa_range *fold_ports; /* ports of one of them are not told apart: range.h */
	size_t fold_port_count;
	const struct xa_judgement *judgement; /* of a table that keeps marks; NULL: none */
};

struct xa_rows;

/* Bytes that the rows of so many flows take while they are ranked, if none is surely alone. */
uint64_t xa_rows_memory_bytes(uint32_t max_flows);

/* For a table of at most `max_flows`. Memory is reserved, and touched only as far as there are rows
 * of flows that labels do not tell all of. 0, -ENOMEM or -EIO. */
int xa_rows_new(struct xa_rows **ret, uint32_t max_flows);
void xa_rows_free(struct xa_rows *rows);
XA_DEFINE_CLEANUP(xa_rows)
#define _cleanup_xa_rows_ XA_CLEANUP(xa_rows_cleanup)

/*
 * Retires what is over (xa_table_sweep()), puts the largest rows into `top`, which it empties
 * first, and returns the sums over the living flows, of which *ret_hidden are hidden. A row's key
 * has only what labels tell, the lowest port for all of a range; its handle, where there is a
 * judgement, is that of one of its flows. Of what else a flow has, a sum has
 * packets, bytes, ticks and TCP flags.
 */
struct xa_totals xa_rows_rank(struct xa_rows *rows, struct xa_table *table,
			      const struct xa_ranking *ranking, struct xa_topk *top,
			      struct xa_totals *ret_hidden);
