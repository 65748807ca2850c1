/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Without VLANs and fragments each flow is its row, and one pass is all. Else the marked flows are
 * summed by what the labels tell of them, and a second pass adds the unmarked ones that turn out to
 * be the same.
 *
 * Rows of one 5-tuple with different labels of rules stand in the index under different keys: where
 * the key has what labels do not tell, they have a number, that of the first free one from the
 * labels' hash. There are as many numbers as there can be flows that differ in this alone.
 */

#include "core/flow/rows.h"

#include <sys/mman.h>

#include "core/flow/index.h"

#define MARKS	  (XA_TAG_VLAN | XA_TAG_FRAGMENT)
#define MARK_BITS 13
_Static_assert(MARKS == (1 << MARK_BITS) - 1, "a number fits in the marks");

struct xa_rows {
	struct xa_flow *rows;
	uint32_t max;
	uint32_t count;
	struct xa_index index;
	const struct xa_ranking *ranking;
	struct xa_table *table;
	struct xa_topk *top;
	struct xa_totals hidden;
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

/* A row's number among those of its 5-tuple: in the tag's marks, and in the slot if that is free.
 */
static void row_set_number(const struct xa_rows *rows, struct xa_flow *row, uint32_t number)
{
	struct xa_flow_tail *tail = &row->key.tail;

	tail->tag = (uint16_t)((tail->tag & ~MARKS) | (number & MARKS));
	if (!rows->ranking->interface_label)
		tail->slot = (uint8_t)(number >> MARK_BITS);
}

/* In place: one that is returned is copied again, and that copy waits for what was just set. */
static void row_make(struct xa_flow *row, const struct xa_rows *rows, const struct xa_flow *flow,
		     uint32_t handle)
{
	*row = *flow;
	row_set_number(rows, row, 0);
	row->handle = handle;
}

static uint32_t age_of(const struct xa_rows *rows, uint32_t tick)
{
	return xa_tick_age(tick, rows->ranking->now_tick);
}

/* The first and the last tick and the smallest handle of its flows are the row's, whatever order
 * they come in. */
static void row_add(const struct xa_rows *rows, struct xa_flow *row, const struct xa_flow *more)
{
	row->packets += more->packets;
	row->bytes += more->bytes;
	row->tcp_flags |= more->tcp_flags;
	if (age_of(rows, more->first_tick) > age_of(rows, row->first_tick))
		row->first_tick = more->first_tick;
	if (age_of(rows, more->last_tick) < age_of(rows, row->last_tick))
		row->last_tick = more->last_tick;
	if (more->handle < row->handle)
		row->handle = more->handle;
}

/* The bucket of the row with its labels, or the empty one where it goes; sets its number. */
static struct xa_bucket *find_row(struct xa_rows *rows, struct xa_flow *row, uint32_t *ret_hash)
{
	const struct xa_judgement *judgement = rows->ranking->judgement;
	uint32_t number = judgement ? judgement->hash(judgement->ctx, row->handle, rows->index.seed)
				    : 0;

	for (;; number++) {
		struct xa_bucket *bucket;

		row_set_number(rows, row, number);
		*ret_hash = xa_index_hash(&rows->index, &row->key);
		bucket = xa_index_find(&rows->index, &row->key, *ret_hash);
		if (!judgement || bucket->item == XA_ITEM_NONE ||
		    judgement->are_equal(judgement->ctx, rows->rows[bucket->item - 1].handle,
					 row->handle))
			return bucket;
	}
}

static bool has_marks(const struct xa_flow *flow)
{
	return flow->key.tail.tag & MARKS;
}

static __attribute__((noinline)) void rank_large(struct xa_rows *rows, const struct xa_flow *flow,
						 uint32_t handle)
{
	struct xa_flow row;

	row_make(&row, rows, flow, handle);
	xa_topk_visit(rows->top, &row);
}

/* Nearly all flows are too small: they are not copied to find that out, nor pay for the frame that
 * a copy takes. */
static void rank_alone(struct xa_rows *rows, const struct xa_flow *flow, uint32_t handle)
{
	if (xa_topk_wants(rows->top, flow))
		rank_large(rows, flow, handle);
}

/* Sums a flow with those that are the same to a reader. */
static __attribute__((noinline)) void sum_up(struct xa_rows *rows, const struct xa_flow *flow,
					     uint32_t handle)
{
	struct xa_bucket *bucket;
	struct xa_flow row;
	uint32_t hash;

	row_make(&row, rows, flow, handle);
	bucket = find_row(rows, &row, &hash);
	if (bucket->item != XA_ITEM_NONE) {
		row_add(rows, &rows->rows[bucket->item - 1], &row);
		return;
	}
	rows->rows[rows->count++] = row;
	*bucket = (struct xa_bucket){.hash = hash, .item = rows->count};
}

/* First pass: ranks all as if each were alone, and sums those that may not be. */
static void rank_first(struct xa_rows *rows, const struct xa_flow *flow, uint32_t handle)
{
	if (has_marks(flow))
		sum_up(rows, flow, handle);
	else
		rank_alone(rows, flow, handle);
}

/* Second pass: the unmarked flows, each alone or with its row. */
static void rank_second(struct xa_rows *rows, const struct xa_flow *flow, uint32_t handle)
{
	const struct xa_bucket *bucket;
	struct xa_flow row;
	uint32_t hash;

	if (has_marks(flow))
		return;
	row_make(&row, rows, flow, handle);
	bucket = find_row(rows, &row, &hash);
	if (bucket->item == XA_ITEM_NONE)
		rank_alone(rows, flow, handle);
	else
		row_add(rows, &rows->rows[bucket->item - 1], &row);
}

static void visit_first(void *ctx, const struct xa_flow *flow)
{
	rank_first(ctx, flow, 0);
}

static void visit_second(void *ctx, const struct xa_flow *flow)
{
	rank_second(ctx, flow, 0);
}

static bool is_hidden(const struct xa_rows *rows, uint32_t handle)
{
	const struct xa_judgement *judgement = rows->ranking->judgement;

	return judgement->is_hidden(judgement->ctx, handle);
}

static void visit_first_judged(void *ctx, const struct xa_flow *flow)
{
	struct xa_rows *rows = ctx;
	uint32_t handle = xa_table_mark_of(rows->table, flow)->handle;

	if (!is_hidden(rows, handle)) {
		rank_first(rows, flow, handle);
		return;
	}
	rows->hidden.flows++;
	rows->hidden.packets += flow->packets;
	rows->hidden.bytes += flow->bytes;
}

static void visit_second_judged(void *ctx, const struct xa_flow *flow)
{
	struct xa_rows *rows = ctx;
	uint32_t handle = xa_table_mark_of(rows->table, flow)->handle;

	if (!is_hidden(rows, handle))
		rank_second(rows, flow, handle);
}

static void rank_again(struct xa_rows *rows, xa_flow_visit visit)
{
	xa_topk_reset(rows->top);
	xa_table_visit(rows->table, visit, rows);
	for (uint32_t i = 0; i < rows->count; i++)
		rank_alone(rows, &rows->rows[i], rows->rows[i].handle);
	xa_index_clear(&rows->index);
	(void)madvise(rows->rows, rows->max * sizeof(*rows->rows), MADV_DONTNEED);
}

struct xa_totals xa_rows_rank(struct xa_rows *rows, struct xa_table *table,
			      const struct xa_ranking *ranking, struct xa_topk *top,
			      struct xa_totals *ret_hidden)
{
	const bool judged = ranking->judgement != NULL;
	struct xa_totals totals;

	rows->ranking = ranking;
	rows->table = table;
	rows->top = top;
	rows->count = 0;
	rows->hidden = (struct xa_totals){0};
	xa_topk_reset(top);
	totals = xa_table_sweep(table, ranking->now_tick, judged ? visit_first_judged : visit_first,
				rows);
	if (rows->count)
		rank_again(rows, judged ? visit_second_judged : visit_second);
	*ret_hidden = rows->hidden;
	return totals;
}
