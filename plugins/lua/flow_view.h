/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The flow that a rule sees: one userdata that is pointed at one flow after the other. Valid
 * during the call that it is handed to; afterwards each access raises an error.
 */

#include <lua.h>

#include "plugins/lua/stage.h"

struct xa_lua_view {
	const struct xa_plugin_flow *flow;
	uint64_t serial; /* the call that it is valid in: lua->serial */
	size_t next; /* position in the batch, of iterators */
};

void xa_lua_view_open(lua_State *L);

/* Pushes a view that is valid until lua->serial changes. */
struct xa_lua_view *xa_lua_view_push(lua_State *L);

/* The view at `index`; raises an error if there is none, or a stale one. */
struct xa_lua_view *xa_lua_view_check(lua_State *L, int index);
