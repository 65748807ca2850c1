/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Without VLANs and fragments each flow is its row, and one pass is all. Else the marked flows are
 * summed by what the labels tell of them, and a second pass adds the unmarked ones that turn out to
 * be the same.
 */

#include "core/flow/rows.h"

#include <sys/mman.h>

#include "core/flow/index.h"

#define MARKS (XA_TAG_VLAN | XA_TAG_FRAGMENT)

struct xa_rows {
	struct xa_flow *rows;
	uint32_t max;
	uint32_t count;
	struct xa_index index;
	bool interface_label;
	struct xa_topk *top;
};

uint64_t xa_rows_memory_bytes(uint32_t max_flows)
{
	return max_flows * sizeof(struct xa_flow) + xa_index_memory_bytes(max_flows);
}

int xa_rows_new(struct xa_rows **ret, uint32_t max_flows)
{
	_cleanup_xa_rows_ struct xa_rows *rows = calloc(1, sizeof(*rows));
	int error;

	if (!rows)
		return -ENOMEM;
	rows->max = max_flows;
	rows->rows = xa_reserve(max_flows * sizeof(*rows->rows));
	if (!rows->rows)
		return -ENOMEM;
	error = xa_index_init(&rows->index, max_flows, rows->rows, sizeof(*rows->rows));
	if (error)
		return error;
	*ret = take_ptr(rows);
	return 0;
}

void xa_rows_free(struct xa_rows *rows)
{
	if (!rows)
		return;
	if (rows->rows)
		(void)munmap(rows->rows, rows->max * sizeof(*rows->rows));
	xa_index_done(&rows->index);
	free(rows);
}

static struct xa_flow row_of(const struct xa_rows *rows, const struct xa_flow *flow)
{
	struct xa_flow row = *flow;

	row.key.tail.tag &= (uint16_t)~MARKS;
	if (!rows->interface_label)
		row.key.tail.slot = XA_SLOT_UNKNOWN;
	return row;
}

static void row_add(struct xa_flow *row, const struct xa_flow *flow)
{
	row->packets += flow->packets;
	row->bytes += flow->bytes;
}

/* Nearly all flows are too small, and are not copied to find that out. */
static void visit_alone(struct xa_rows *rows, const struct xa_flow *flow)
{
	struct xa_flow row;

	if (!xa_topk_wants(rows->top, flow))
		return;
	row = row_of(rows, flow);
	xa_topk_visit(rows->top, &row);
}

/* First pass: ranks all as if each were alone, and sums those that may not be. */
static void visit_first(void *ctx, const struct xa_flow *flow)
{
	struct xa_rows *rows = ctx;
	struct xa_bucket *bucket;
	struct xa_flow row;
	uint32_t hash;

	if (!(flow->key.tail.tag & MARKS)) {
		visit_alone(rows, flow);
		return;
	}
	row = row_of(rows, flow);
	hash = xa_index_hash(&rows->index, &row.key);
	bucket = xa_index_find(&rows->index, &row.key, hash);
	if (bucket->item != XA_ITEM_NONE) {
		row_add(&rows->rows[bucket->item - 1], flow);
		return;
	}
	rows->rows[rows->count++] = row;
	*bucket = (struct xa_bucket){.hash = hash, .item = rows->count};
}

/* Second pass: the unmarked flows, each alone or with its row. */
static void visit_second(void *ctx, const struct xa_flow *flow)
{
	struct xa_rows *rows = ctx;
	struct xa_flow row = row_of(rows, flow);
	const struct xa_bucket *bucket;

	if (flow->key.tail.tag & MARKS)
		return;
	bucket = xa_index_find(&rows->index, &row.key, xa_index_hash(&rows->index, &row.key));
	if (bucket->item == XA_ITEM_NONE)
		xa_topk_visit(rows->top, &row);
	else
		row_add(&rows->rows[bucket->item - 1], flow);
}

struct xa_totals xa_rows_rank(struct xa_rows *rows, struct xa_table *table, uint32_t now_tick,
			      bool interface_label, struct xa_topk *top)
{
	struct xa_totals totals;

	rows->interface_label = interface_label;
	rows->top = top;
	rows->count = 0;
	xa_topk_reset(top);
	totals = xa_table_sweep(table, now_tick, visit_first, rows);
	if (!rows->count)
		return totals;
	xa_topk_reset(top);
	xa_table_visit(table, visit_second, rows);
	for (uint32_t i = 0; i < rows->count; i++)
		xa_topk_visit(top, &rows->rows[i]);
	xa_index_clear(&rows->index);
	(void)madvise(rows->rows, rows->max * sizeof(*rows->rows), MADV_DONTNEED);
	return totals;
}
