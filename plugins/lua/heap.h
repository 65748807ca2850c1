/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Lua's memory: malloc(3) under a cap. What C allocates on behalf of a rule is charged to the same
 * account.
 */

#include <stdbool.h>
#include <stddef.h>

#include <lua.h>

struct xa_lua_heap {
	size_t used, limit; /* bytes; used <= limit */
	lua_State *L; /* whose line is noted when memory is denied; may be NULL */
	lua_Debug denied; /* where that was; currentline 0: nowhere in a rule */
};

/* What a stage may take of `worker_bytes`: three quarters, and so much that the rest suffices for
 * the worker itself. */
size_t xa_lua_heap_limit(size_t worker_bytes);

/* A lua_Alloc; `heap` is a struct xa_lua_heap. */
void *xa_lua_heap_alloc(void *heap, void *block, size_t old_size, size_t new_size);

/* Charges what was allocated elsewhere; false, and nothing charged, where the cap forbids it. */
bool xa_lua_heap_charge(struct xa_lua_heap *heap, size_t bytes);
void xa_lua_heap_release(struct xa_lua_heap *heap, size_t bytes);

/* The innermost place in a rule that is running; false, with currentline 0, if there is none. */
bool xa_lua_innermost(lua_State *L, lua_Debug *ret_place);
