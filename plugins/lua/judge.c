/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * One protected call holds the loop over all flows: one for each flow would cost as much as the
 * rule's function.
 */

#include "plugins/lua/judge.h"

#include <lauxlib.h>

#include "plugins/lua/emit.h"
#include "plugins/lua/fields.h"
#include "plugins/lua/flow_view.h"
#include "plugins/lua/guard.h"
#include "plugins/lua/snapshot.h"
#include "plugins/lua/values.h"

/* --- label() --- */

static void clear_labels(struct xa_lua *lua, const struct xa_plugin_flow *flow)
{
	for (size_t i = 0; i < lua->own_count; i++)
		lua->labels[i].column[flow->handle] = XA_PLUGIN_VALUE_NONE;
}

static int unknown_label(lua_State *L, const struct xa_lua *lua, int function, const char *name)
{
	const char *names[XA_PLUGIN_LABELS_MAX];

	for (size_t i = 0; i < lua->own_count; i++)
		names[i] = lua->labels[i].name;
	return xa_lua_invalid_result(L, function, "label: '%s' is not in this rule's labels%s",
				     name, xa_lua_push_hint(L, name, names, lua->own_count));
}

static struct xa_lua_label *own_label(lua_State *L, struct xa_lua *lua, int function)
{
	const char *name;

	if (lua_type(L, -2) != LUA_TSTRING)
		xa_lua_invalid_result(L, function, "label: a %s is no label's name",
				      luaL_typename(L, -2));
	name = lua_tostring(L, -2);
	for (size_t i = 0; i < lua->own_count; i++) {
		if (lua->labels[i].name == name || strcmp(lua->labels[i].name, name) == 0)
			return &lua->labels[i];
	}
	unknown_label(L, lua, function, name);
	return NULL;
}

/* The table that label() returned is at the top. */
static void take_labels(lua_State *L, struct xa_lua *lua, int function,
			const struct xa_plugin_flow *flow)
{
	const int table = lua_gettop(L);

	for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
		struct xa_lua_label *label = own_label(L, lua, function);
		const char *fault = xa_lua_value(L, -1, &label->column[flow->handle]);

		if (fault)
			xa_lua_invalid_result(L, function, "label: '%s' is %s", label->name, fault);
	}
}

static void label_flow(lua_State *L, struct xa_lua *lua, int function,
		       const struct xa_plugin_flow *flow)
{
	clear_labels(lua, flow);
	lua_pushvalue(L, function);
	lua_pushvalue(L, function + 1);
	lua_call(L, 1, 1);
	if (lua_istable(L, -1))
		take_labels(L, lua, function, flow);
	else if (!lua_isnil(L, -1))
		xa_lua_invalid_result(L, function, "label: returned a %s, not a table or nil",
				      luaL_typename(L, -1));
	lua_settop(L, function + 1);
}

static void label_fresh(lua_State *L, struct xa_lua *lua)
{
	const struct xa_plugin_batch *batch = lua->batch;
	const int function = lua_gettop(L) + 1;
	struct xa_lua_view *view;

	if (lua->label_ref == LUA_NOREF)
		return;
	lua_rawgeti(L, LUA_REGISTRYINDEX, lua->label_ref);
	view = xa_lua_view_push(L);
	for (size_t i = 0; i < batch->fresh_count; i++) {
		view->flow = &batch->flows[batch->fresh[i]];
		label_flow(L, lua, function, view->flow);
	}
	lua_settop(L, function - 1);
	lua->serial++;
}

/* --- filter() --- */

static void hide(struct xa_lua *lua, size_t position)
{
	lua->hidden[lua->batch->flows[position].handle] = 1;
	lua->hid[position / 8] |= (uint8_t)(1U << position % 8);
}

static void filter_flows(lua_State *L, struct xa_lua *lua)
{
	const struct xa_plugin_batch *batch = lua->batch;
	const int function = lua_gettop(L) + 1;
	struct xa_lua_view *view;

	if (lua->filter_ref == LUA_NOREF)
		return;
	lua_rawgeti(L, LUA_REGISTRYINDEX, lua->filter_ref);
	view = xa_lua_view_push(L);
	for (size_t i = 0; i < batch->count; i++) {
		view->flow = &batch->flows[i];
		if (xa_lua_is_hidden(lua, view->flow))
			continue;
		lua_pushvalue(L, function);
		lua_pushvalue(L, function + 1);
		lua_call(L, 1, 1);
		if (!lua_isboolean(L, -1))
			xa_lua_invalid_result(L, function, "filter: returned %s, not true or false",
					      luaL_typename(L, -1));
		if (!lua_toboolean(L, -1))
			hide(lua, i);
		lua_settop(L, function + 1);
	}
	lua_settop(L, function - 1);
	lua->serial++;
}

/* --- derive() --- */

static void derive(lua_State *L, struct xa_lua *lua)
{
	if (lua->derive_ref == LUA_NOREF)
		return;
	lua->is_deriving = true;
	lua_rawgeti(L, LUA_REGISTRYINDEX, lua->derive_ref);
	xa_lua_snapshot_push(L);
	xa_lua_emit_push(L);
	lua_call(L, 2, 0);
}

int xa_lua_judge(lua_State *L)
{
	struct xa_lua *lua = xa_lua_of(L);

	label_fresh(L, lua);
	filter_flows(L, lua);
	derive(L, lua);
	return 0;
}

void xa_lua_judge_undo(struct xa_lua *lua)
{
	const struct xa_plugin_batch *batch = lua->batch;

	for (size_t i = 0; i < batch->fresh_count; i++)
		clear_labels(lua, &batch->flows[batch->fresh[i]]);
	for (size_t i = 0; i < batch->count; i++) {
		if (lua->hid[i / 8] & 1U << i % 8)
			lua->hidden[batch->flows[i].handle] = 0;
	}
}
