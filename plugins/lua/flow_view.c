/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * No table for each flow: building one costs four times what a call of a rule costs. The number of
 * the call tells a view that a rule has kept from one that it may use.
 */

#include "plugins/lua/flow_view.h"

#include <lauxlib.h>

#include "plugins/lua/fields.h"

#define VIEW_TYPE "xa.flow"

struct xa_lua_view *xa_lua_view_push(lua_State *L)
{
	struct xa_lua_view *view = lua_newuserdatauv(L, sizeof(*view), 0);

	*view = (struct xa_lua_view){.serial = xa_lua_of(L)->serial};
	luaL_setmetatable(L, VIEW_TYPE);
	return view;
}

static void check_fresh(lua_State *L, const struct xa_lua_view *view)
{
	if (view->serial != xa_lua_of(L)->serial || !view->flow)
		luaL_error(L, "flow view used after its call");
}

struct xa_lua_view *xa_lua_view_check(lua_State *L, int index)
{
	struct xa_lua_view *view = luaL_checkudata(L, index, VIEW_TYPE);

	if (view->serial != xa_lua_of(L)->serial)
		luaL_error(L, "flow view used after its call");
	return view;
}

/* The metatable is locked, so that nothing but a view gets here. */
static int view_index(lua_State *L)
{
	const struct xa_lua_view *view = lua_touserdata(L, 1);
	int column;

	check_fresh(L, view);
	column = xa_lua_column_check(L, 2);
	if (column == XA_LUA_METHOD_LABEL)
		lua_pushvalue(L, lua_upvalueindex(1));
	else
		xa_lua_column_push(L, view->flow, column);
	return 1;
}

static int view_newindex(lua_State *L)
{
	return luaL_error(L, "flows are read-only: '%s' cannot be set", luaL_tolstring(L, 2, NULL));
}

static int view_label(lua_State *L)
{
	const struct xa_lua_view *view = xa_lua_view_check(L, 1);
	const char *name = luaL_checkstring(L, 2);
	const int label = xa_lua_label_find(L, name);

	check_fresh(L, view);
	if (label < 0)
		return luaL_error(L, "no stage declared a label '%s'", name);
	xa_lua_column_push(L, view->flow, XA_LUA_COLUMN_LABELS + label);
	return 1;
}

static int view_tostring(lua_State *L)
{
	const struct xa_lua_view *view = lua_touserdata(L, 1);

	check_fresh(L, view);
	for (int column = XA_LUA_SRC; column <= XA_LUA_PROTO; column++) {
		xa_lua_column_push(L, view->flow, column);
		luaL_tolstring(L, -1, NULL);
		lua_replace(L, 2 + column);
	}
	lua_pushfstring(L, "%s:%s > %s:%s proto %s", lua_tostring(L, 2 + XA_LUA_SRC),
			lua_tostring(L, 2 + XA_LUA_SPORT), lua_tostring(L, 2 + XA_LUA_DST),
			lua_tostring(L, 2 + XA_LUA_DPORT), lua_tostring(L, 2 + XA_LUA_PROTO));
	return 1;
}

void xa_lua_view_open(lua_State *L)
{
	static const luaL_Reg methods[] = {
		{"__newindex", view_newindex},
		{"__tostring", view_tostring},
		{NULL, NULL},
	};

	luaL_newmetatable(L, VIEW_TYPE);
	luaL_setfuncs(L, methods, 0);
	lua_pushcfunction(L, view_label);
	lua_pushcclosure(L, view_index, 1);
	lua_setfield(L, -2, "__index");
	lua_pushliteral(L, "locked");
	lua_setfield(L, -2, "__metatable");
	lua_pop(L, 1);
}
