/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A binary min-heap of flows' copies: the table may move its flows, and a page is made of these. */

#include "core/flow/topk.h"

#include <string.h>

#include "core/flow/index.h"

struct xa_topk {
	bool by_bytes;
	size_t k;
	size_t room; /* of the heap: the K and the hysteresis */
	size_t count;
	uint64_t
		threshold; /* the smallest rank in a full heap: what does not exceed it stays out */
	struct xa_flow *heap;
	struct xa_flow_key6 *last; /* keys of the last time; NULL: there is no hysteresis */
	struct xa_index last_index;
};

static int last_init(struct xa_topk *top)
{
	top->last = calloc(top->room, sizeof(*top->last));
	if (!top->last)
		return -ENOMEM;
	return xa_index_init(&top->last_index, (uint32_t)top->room, top->last, sizeof(*top->last));
}

int xa_topk_new(struct xa_topk **ret, size_t k, size_t hysteresis, bool by_bytes)
{
	_cleanup_xa_topk_ struct xa_topk *top = calloc(1, sizeof(*top));
	int error;

	if (!top)
		return -ENOMEM;
	top->k = k;
	top->room = k + hysteresis;
	top->by_bytes = by_bytes;
	top->heap = calloc(top->room ? top->room : 1, sizeof(*top->heap));
	if (!top->heap)
		return -ENOMEM;
	error = hysteresis ? last_init(top) : 0;
	if (error)
		return error;
	*ret = take_ptr(top);
	return 0;
}

void xa_topk_free(struct xa_topk *top)
{
	if (!top)
		return;
	xa_index_done(&top->last_index);
	free(top->last);
	free(top->heap);
	free(top);
}

static uint64_t rank_of(bool by_bytes, const struct xa_flow *flow)
{
	return by_bytes ? flow->bytes : flow->packets;
}

uint64_t xa_topk_rank(const struct xa_topk *top, const struct xa_flow *flow)
{
	return rank_of(top->by_bytes, flow);
}

/* < 0 where `a` ranks lower. Keys decide between equals, and between rows of one key their handles,
 * so that the outcome does not depend on the order. */
static int rank_cmp(bool by_bytes, const struct xa_flow *a, const struct xa_flow *b)
{
	uint64_t rank_a = rank_of(by_bytes, a), rank_b = rank_of(by_bytes, b);
	int order;

	if (rank_a != rank_b)
		return rank_a < rank_b ? -1 : 1;
	order = memcmp(&b->key, &a->key, sizeof(a->key));
	if (order)
		return order;
	return (a->handle < b->handle) - (a->handle > b->handle);
}

static void swap(struct xa_flow *a, struct xa_flow *b)
{
	struct xa_flow held = *a;

	*a = *b;
	*b = held;
}

static void sift_up(struct xa_topk *top, size_t at)
{
	while (at) {
		size_t parent = (at - 1) / 2;

		if (rank_cmp(top->by_bytes, &top->heap[parent], &top->heap[at]) <= 0)
			return;
		swap(&top->heap[parent], &top->heap[at]);
		at = parent;
	}
}

static void sift_down(struct xa_topk *top, size_t at, size_t count)
{
	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= count)
			return;
		if (child + 1 < count &&
		    rank_cmp(top->by_bytes, &top->heap[child + 1], &top->heap[child]) < 0)
			child++;
		if (rank_cmp(top->by_bytes, &top->heap[at], &top->heap[child]) <= 0)
			return;
		swap(&top->heap[at], &top->heap[child]);
		at = child;
	}
}

/* Of a flow's key, what a row has in common with it: rows differ by interface and marks alone. */
#define COMMON_BYTES offsetof(struct xa_flow_key6, tail.slot)

bool xa_topk_wants(const struct xa_topk *top, const struct xa_flow *flow)
{
	uint64_t rank = rank_of(top->by_bytes, flow);

	if (rank != top->threshold || top->count < top->room)
		return rank >= top->threshold;
	return top->room && memcmp(&flow->key, &top->heap[0].key, COMMON_BYTES) <= 0;
}

/* Apart, so that the many that are too small do not pay for its frame. */
static __attribute__((noinline)) void take(struct xa_topk *top, const struct xa_flow *flow)
{
	if (top->count < top->room) {
		top->heap[top->count] = *flow;
		sift_up(top, top->count++);
	} else if (top->room && rank_cmp(top->by_bytes, flow, &top->heap[0]) > 0) {
		top->heap[0] = *flow;
		sift_down(top, 0, top->count);
	}
	if (top->count == top->room)
		top->threshold = top->room ? rank_of(top->by_bytes, &top->heap[0]) : UINT64_MAX;
}

void xa_topk_visit(void *ctx, const struct xa_flow *flow)
{
	if (xa_topk_wants(ctx, flow))
		take(ctx, flow);
}

/* The bucket of a row of the last time, or the empty one where it goes. */
static struct xa_bucket *find_last(struct xa_topk *top, const struct xa_flow *row,
				   uint32_t *ret_hash)
{
	*ret_hash = xa_index_hash(&top->last_index, &row->key) + row->labels;
	return xa_index_find(&top->last_index, &row->key, *ret_hash);
}

static bool was_in(struct xa_topk *top, const struct xa_flow *row)
{
	uint32_t hash;

	return find_last(top, row, &hash)->item != XA_ITEM_NONE;
}

static void remember(struct xa_topk *top)
{
	xa_index_clear(&top->last_index);
	for (size_t i = 0; i < top->count; i++) {
		uint32_t hash;
		struct xa_bucket *bucket = find_last(top, &top->heap[i], &hash);

		top->last[i] = top->heap[i].key;
		*bucket = (struct xa_bucket){.hash = hash, .item = (uint32_t)i + 1};
	}
}

/* Behind the K only those stay that were in the last time. */
static void settle(struct xa_topk *top)
{
	size_t kept = top->count < top->k ? top->count : top->k;

	for (size_t i = kept; i < top->count; i++)
		if (was_in(top, &top->heap[i]))
			top->heap[kept++] = top->heap[i];
	top->count = kept;
	remember(top);
}

/* Heapsort: the smallest goes to the end of what is left of the heap, so the largest ends up first.
 */
const struct xa_flow *xa_topk_sorted(struct xa_topk *top, size_t *ret_count)
{
	for (size_t left = top->count; left > 1; left--) {
		swap(&top->heap[0], &top->heap[left - 1]);
		sift_down(top, 0, left - 1);
	}
	if (top->last)
		settle(top);
	*ret_count = top->count;
	return top->heap;
}

void xa_topk_reset(struct xa_topk *top)
{
	top->count = 0;
	top->threshold = 0;
}
