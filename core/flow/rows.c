/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A flow of which labels tell everything is its row, and others are summed by what labels tell of
 * them. One pass is all, unless there are VLANs or fragments: what is left of these may be one with
 * a flow that was ranked alone, so a second pass adds such flows. A port that is folded is that of
 * no flow that stands alone.
 *
 * Rows with the same key and different labels of rules stand in the index under different hashes:
 * the key's and the labels' together, and where these meet as well, the next one that is free.
 */

#include "core/flow/rows.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/mman.h>

#include "core/flow/index.h"

#define MARKS (XA_TAG_VLAN | XA_TAG_FRAGMENT)

struct xa_rows {
	struct xa_flow *rows;
	uint32_t max;
	uint32_t count;
	struct xa_index index;
	const struct xa_ranking *ranking;
	struct xa_flow_key6 untold; /* bits that no row's key has */
	bool none_alone; /* they are more than marks and the interface */
	uint16_t doubt; /* MARKS where that, or where ports are folded; else 0 */
	bool mixed; /* a flow that was ranked alone may be one with a row */
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

static void key_clear(struct xa_flow_key6 *key, const struct xa_flow_key6 *bits)
{
	unsigned char *bytes = (unsigned char *)key;
	const unsigned char *mask = (const unsigned char *)bits;

	for (size_t i = 0; i < sizeof(*key); i++)
		bytes[i] &= (unsigned char)~mask[i];
}

static const struct xa_range *range_of(const struct xa_rows *rows, uint16_t port)
{
	const struct xa_ranking *ranking = rows->ranking;

	return xa_range_find(ranking->fold_ports, ranking->fold_port_count, ntohs(port));
}

static uint16_t port_fold(const struct xa_rows *rows, uint16_t port)
{
	const struct xa_range *range = range_of(rows, port);

	return range ? htons(range->low) : port;
}

static uint32_t labels_hash(const struct xa_rows *rows, uint32_t handle)
{
	const struct xa_judgement *judgement = rows->ranking->judgement;

	return judgement ? judgement->hash(judgement->ctx, handle, rows->index.seed) : 0;
}

/* In place: one that is returned is copied again, and that copy waits for what was just set. */
static void row_make(struct xa_flow *row, const struct xa_rows *rows, const struct xa_flow *flow,
		     uint32_t handle)
{
	struct xa_flow_tail *tail = &row->key.tail;

	*row = *flow;
	row->handle = handle;
	row->labels = labels_hash(rows, handle);
	key_clear(&row->key, &rows->untold);
	if (rows->ranking->fold_port_count) {
		tail->sport = port_fold(rows, tail->sport);
		tail->dport = port_fold(rows, tail->dport);
	}
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

static bool has_labels_of(const struct xa_rows *rows, const struct xa_flow *a,
			  const struct xa_flow *b)
{
	const struct xa_judgement *judgement = rows->ranking->judgement;

	return !judgement || (a->labels == b->labels &&
			      judgement->are_equal(judgement->ctx, a->handle, b->handle));
}

/* The bucket of the row with its key and labels, or the empty one where it goes. */
static struct xa_bucket *find_row(struct xa_rows *rows, const struct xa_flow *row,
				  uint32_t *ret_hash)
{
	uint32_t hash = xa_index_hash(&rows->index, &row->key) + row->labels;

	for (;; hash++) {
		struct xa_bucket *bucket = xa_index_find(&rows->index, &row->key, hash);

		*ret_hash = hash;
		if (bucket->item == XA_ITEM_NONE ||
		    has_labels_of(rows, &rows->rows[bucket->item - 1], row))
			return bucket;
	}
}

static __attribute__((noinline)) bool is_surely_blurred(const struct xa_rows *rows,
							const struct xa_flow *flow)
{
	const struct xa_flow_tail *tail = &flow->key.tail;

	return tail->tag & MARKS || rows->none_alone || range_of(rows, tail->sport) ||
	       range_of(rows, tail->dport);
}

/* Whether labels tell less of the flow than its key does. Nearly always one test tells. */
static bool is_blurred(const struct xa_rows *rows, const struct xa_flow *flow)
{
	return (flow->key.tail.tag | rows->doubt) & MARKS && is_surely_blurred(rows, flow);
}

static bool is_slow(const struct xa_rows *rows, const struct xa_flow *row)
{
	const struct xa_ranking *ranking = rows->ranking;
	uint64_t age_ns = (uint64_t)age_of(rows, row->first_tick) << XA_TICK_SHIFT;

	if (age_ns < ranking->age_min_ns)
		age_ns = ranking->age_min_ns;
	return (double)xa_topk_rank(rows->top, row) * XA_NS_PER_S <
	       (double)ranking->min_rate * (double)age_ns;
}

static void rank_row(struct xa_rows *rows, const struct xa_flow *row)
{
	if (!is_slow(rows, row))
		xa_topk_visit(rows->top, row);
}

static __attribute__((noinline)) void rank_large(struct xa_rows *rows, const struct xa_flow *flow,
						 uint32_t handle)
{
	struct xa_flow row;

	row_make(&row, rows, flow, handle);
	rank_row(rows, &row);
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

	rows->mixed |= !rows->none_alone && flow->key.tail.tag & MARKS;
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
	if (is_blurred(rows, flow))
		sum_up(rows, flow, handle);
	else
		rank_alone(rows, flow, handle);
}

/* Second pass: the others, each alone or with its row. */
static void rank_second(struct xa_rows *rows, const struct xa_flow *flow, uint32_t handle)
{
	const struct xa_bucket *bucket;
	struct xa_flow row;
	uint32_t hash;

	if (is_blurred(rows, flow))
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

/* The sums, and where a flow may belong to one all flows again. */
static void rank_sums(struct xa_rows *rows, xa_flow_visit visit)
{
	if (rows->mixed) {
		xa_topk_reset(rows->top);
		xa_table_visit(rows->table, visit, rows);
	}
	for (uint32_t i = 0; i < rows->count; i++)
		rank_row(rows, &rows->rows[i]);
	xa_index_clear(&rows->index);
	(void)madvise(rows->rows, rows->max * sizeof(*rows->rows), MADV_DONTNEED);
}

static void begin(struct xa_rows *rows, const struct xa_ranking *ranking)
{
	static const struct xa_flow_key6 none;

	rows->untold = ranking->untold;
	rows->untold.tail.tag |= MARKS;
	if (!ranking->interface_label)
		rows->untold.tail.slot = UINT8_MAX;
	rows->none_alone = memcmp(&ranking->untold, &none, sizeof(none)) != 0;
	rows->doubt = rows->none_alone || ranking->fold_port_count ? MARKS : 0;
	rows->mixed = false;
	rows->ranking = ranking;
	rows->count = 0;
	rows->hidden = (struct xa_totals){0};
}

struct xa_totals xa_rows_rank(struct xa_rows *rows, struct xa_table *table,
			      const struct xa_ranking *ranking, struct xa_topk *top,
			      struct xa_totals *ret_hidden)
{
	const bool judged = ranking->judgement != NULL;
	struct xa_totals totals;

	begin(rows, ranking);
	rows->table = table;
	rows->top = top;
	xa_topk_reset(top);
	totals = xa_table_sweep(table, ranking->now_tick, judged ? visit_first_judged : visit_first,
				rows);
	if (rows->count)
		rank_sums(rows, judged ? visit_second_judged : visit_second);
	*ret_hidden = rows->hidden;
	return totals;
}
