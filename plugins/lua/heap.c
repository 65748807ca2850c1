/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Lua calls no message handler when memory is short, so the line that asked for too much is noted
 * here, where it is denied. Reading "S" and "l" allocates nothing.
 */

#include "plugins/lua/heap.h"

#include <stdlib.h>

#define HEADROOM_BYTES ((size_t)8 << 20)

size_t xa_lua_heap_limit(size_t worker_bytes)
{
	const size_t most = worker_bytes / 4 * 3;

	if (worker_bytes - most >= HEADROOM_BYTES)
		return most;
	return worker_bytes > 2 * HEADROOM_BYTES ? worker_bytes - HEADROOM_BYTES : worker_bytes / 2;
}

bool xa_lua_innermost(lua_State *L, lua_Debug *ret_place)
{
	for (int level = 0; lua_getstack(L, level, ret_place); level++) {
		if (lua_getinfo(L, "Sl", ret_place) && ret_place->currentline > 0)
			return true;
	}
	ret_place->currentline = 0;
	return false;
}

static void *denied(struct xa_lua_heap *heap)
{
	lua_Debug place;

	/* While an error unwinds, Lua shrinks what it can, and takes a no for an answer. */
	if (heap->L && xa_lua_innermost(heap->L, &place))
		heap->denied = place;
	return NULL;
}

void *xa_lua_heap_alloc(void *ctx, void *block, size_t old_size, size_t new_size)
{
	struct xa_lua_heap *heap = ctx;
	const size_t held = block ? old_size : 0; /* without a block it is the object's type */
	void *fresh;

	if (!new_size) {
		free(block);
		heap->used -= held;
		return NULL;
	}
	if (new_size > held && new_size - held > heap->limit - heap->used)
		return denied(heap);
	fresh = realloc(block, new_size);
	if (!fresh)
		/* Lua relies on shrinking never to fail. */
		return new_size <= held ? block : denied(heap);
	heap->used = heap->used - held + new_size;
	return fresh;
}

bool xa_lua_heap_charge(struct xa_lua_heap *heap, size_t bytes)
{
	if (bytes > heap->limit - heap->used)
		return false;
	heap->used += bytes;
	return true;
}

void xa_lua_heap_release(struct xa_lua_heap *heap, size_t bytes)
{
	heap->used -= bytes;
}
