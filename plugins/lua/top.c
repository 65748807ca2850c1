/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A binary min-heap: what does not exceed its smallest is settled by one comparison. */

#include "plugins/lua/top.h"

#include <stdbool.h>

static bool is_below(const struct xa_lua_ranked *a, const struct xa_lua_ranked *b)
{
	return a->rank != b->rank ? a->rank < b->rank : a->position > b->position;
}

static void swap(struct xa_lua_ranked *a, struct xa_lua_ranked *b)
{
	const struct xa_lua_ranked held = *a;

	*a = *b;
	*b = held;
}

static void sift_up(struct xa_lua_ranked *heap, size_t at)
{
	while (at) {
		const size_t parent = (at - 1) / 2;

		if (is_below(&heap[parent], &heap[at]))
			return;
		swap(&heap[parent], &heap[at]);
		at = parent;
	}
}

static void sift_down(struct xa_lua_ranked *heap, size_t count)
{
	size_t at = 0, child;

	while ((child = 2 * at + 1) < count) {
		if (child + 1 < count && is_below(&heap[child + 1], &heap[child]))
			child++;
		if (is_below(&heap[at], &heap[child]))
			return;
		swap(&heap[at], &heap[child]);
		at = child;
	}
}

void xa_lua_top_add(struct xa_lua_top *top, uint64_t rank, uint32_t position)
{
	const struct xa_lua_ranked one = {rank, position};

	if (top->count < top->max) {
		top->heap[top->count] = one;
		sift_up(top->heap, top->count++);
	} else if (is_below(&top->heap[0], &one)) {
		top->heap[0] = one;
		sift_down(top->heap, top->count);
	}
}

void xa_lua_top_sort(struct xa_lua_top *top)
{
	for (size_t left = top->count; left > 1; left--) {
		swap(&top->heap[0], &top->heap[left - 1]);
		sift_down(top->heap, left - 1);
	}
}
