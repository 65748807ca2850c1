/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Numbers with a fraction make labels that nobody can count on, and so are no values. */

#include "plugins/lua/values.h"

#include <lauxlib.h>

const char *xa_lua_value(lua_State *L, int index, uint32_t *ret_value)
{
	const struct xa_plugin_host *host = xa_lua_of(L)->host;
	const char *text;
	size_t len;

	if (lua_type(L, index) == LUA_TBOOLEAN) {
		text = lua_toboolean(L, index) ? "true" : "false";
		len = strlen(text);
	} else if (lua_type(L, index) == LUA_TSTRING || lua_isinteger(L, index)) {
		text = lua_tolstring(L, index, &len);
	} else {
		return lua_pushfstring(L, "a %s, not a string, an integer or a boolean",
				       lua_isnumber(L, index) ? "fraction"
							      : luaL_typename(L, index));
	}
	if (host->value(host, text, len, ret_value) != 0)
		return lua_pushfstring(L,
				       "no valid text (under %d bytes of UTF-8, no control "
				       "characters)",
				       XA_PLUGIN_VALUE_BYTES);
	return NULL;
}
