/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The largest numbers of many, with the place where each was found. The caller lends the memory. */

#include <stddef.h>
#include <stdint.h>

struct xa_lua_ranked {
	uint64_t rank;
	uint32_t position;
};

struct xa_lua_top {
	struct xa_lua_ranked *heap; /* room for `max`, which is not 0 */
	size_t max, count;
};

/* Of equals, those that come first stay. */
void xa_lua_top_add(struct xa_lua_top *top, uint64_t rank, uint32_t position);

/* Turns the heap into a list, the largest first; nothing may be added afterwards. */
void xa_lua_top_sort(struct xa_lua_top *top);
