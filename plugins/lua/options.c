/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Numbers are what YAML's core schema and Lua both take for one: digits, a sign, a point, an
 * exponent. So `10.0.0.0/8`, `0x10` and `1_000` stay text, and whatever is quoted does.
 */

#include "plugins/lua/options.h"

#include <string.h>

#include <lauxlib.h>

static void push_scalar(lua_State *L, const struct xa_plugin_node *node)
{
	const char *text = node->text ? node->text : "";

	if (!node->quoted && strcmp(text, "true") == 0)
		lua_pushboolean(L, 1);
	else if (!node->quoted && strcmp(text, "false") == 0)
		lua_pushboolean(L, 0);
	else if (node->quoted || text[strspn(text, "0123456789+-.eE")] ||
		 !lua_stringtonumber(L, text))
		lua_pushstring(L, text);
}

static void push_children(lua_State *L, const struct xa_plugin_node *node)
{
	lua_Integer place = 0;

	lua_newtable(L);
	for (const struct xa_plugin_node *child = node->children; child; child = child->next) {
		if (node->kind == XA_PLUGIN_MAP)
			lua_pushstring(L, child->key);
		else
			lua_pushinteger(L, ++place);
		xa_lua_options_push(L, child);
		lua_rawset(L, -3);
	}
}

void xa_lua_options_push(lua_State *L, const struct xa_plugin_node *node)
{
	luaL_checkstack(L, 4, "options are nested too deeply");
	if (!node)
		lua_newtable(L);
	else if (node->kind == XA_PLUGIN_SCALAR)
		push_scalar(L, node);
	else
		push_children(L, node);
}
