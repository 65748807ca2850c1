/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Small functions that need nothing but the host and the batch. */

#include "plugins/lua/api.h"

#include <lauxlib.h>

#include "plugins/lua/address.h"
#include "plugins/lua/rule.h"
#include "plugins/lua/services.h"
#include "plugins/lua/stage.h"

static const char xa_key = 'x';

static const char *const level_names[] = {
	[XA_PLUGIN_LOG_ERROR] = "error",
	[XA_PLUGIN_LOG_WARN] = "warn",
	[XA_PLUGIN_LOG_INFO] = "info",
	[XA_PLUGIN_LOG_DEBUG] = "debug",
	NULL,
};

/* xa.log(text), xa.log(level, text) */
static int api_log(lua_State *L)
{
	const struct xa_plugin_host *host = xa_lua_of(L)->host;
	int level = XA_PLUGIN_LOG_INFO, text = 1;

	if (lua_gettop(L) > 1) {
		level = luaL_checkoption(L, 1, NULL, level_names);
		text = 2;
	}
	luaL_checkany(L, text);
	host->log(host, (enum xa_plugin_log_level)level, luaL_tolstring(L, text, NULL));
	return 0;
}

static int api_print(lua_State *L)
{
	const struct xa_plugin_host *host = xa_lua_of(L)->host;
	const int count = lua_gettop(L);
	luaL_Buffer line;

	luaL_buffinit(L, &line);
	for (int i = 1; i <= count; i++) {
		if (i > 1)
			luaL_addchar(&line, '\t');
		luaL_tolstring(L, i, NULL);
		luaL_addvalue(&line);
	}
	luaL_pushresult(&line);
	host->log(host, XA_PLUGIN_LOG_INFO, lua_tostring(L, -1));
	return 0;
}

static int api_now(lua_State *L)
{
	const struct xa_plugin_batch *batch = xa_lua_of(L)->batch;

	if (!batch)
		return luaL_error(L, "xa.now: there is no snapshot yet");
	lua_pushnumber(L, (lua_Number)batch->now_ns / 1e9);
	return 1;
}

static uint8_t check_transport(lua_State *L, int index)
{
	const char *name;

	if (lua_isinteger(L, index)) {
		const lua_Integer proto = lua_tointeger(L, index);

		return proto > 0 && proto <= UINT8_MAX ? (uint8_t)proto : 0;
	}
	name = luaL_checkstring(L, index);
	return strcmp(name, "tcp") == 0 ? 6 : strcmp(name, "udp") == 0 ? 17 : 0;
}

static int api_service(lua_State *L)
{
	const lua_Integer port = luaL_checkinteger(L, 1);
	const uint8_t proto = check_transport(L, 2);
	const char *name = NULL;

	if (port >= 0 && port <= UINT16_MAX)
		name = xa_lua_service_name((uint16_t)port, proto);
	lua_pushstring(L, name);
	return 1;
}

static int api_proto(lua_State *L)
{
	const lua_Integer proto = luaL_checkinteger(L, 1);
	const char *name;

	luaL_argcheck(L, proto >= 0 && proto <= UINT8_MAX, 1, "from 0 to 255");
	name = xa_lua_proto_name((uint8_t)proto);
	if (name)
		lua_pushstring(L, name);
	else
		lua_pushfstring(L, "%I", (LUAI_UACINT)proto);
	return 1;
}

void xa_lua_api_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{"log", api_log},     {"now", api_now}, {"service", api_service},
		{"proto", api_proto}, {NULL, NULL},
	};

	luaL_newlib(L, functions);
	xa_lua_address_open(L);
	lua_pushinteger(L, XA_LUA_API);
	lua_setfield(L, -2, "api");
	lua_newtable(L);
	lua_setfield(L, -2, "state");
	lua_pushvalue(L, -1);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &xa_key);
	lua_setfield(L, -2, "xa");
	lua_pushcfunction(L, api_print);
	lua_setfield(L, -2, "print");
}

void xa_lua_api_push_state(lua_State *L)
{
	lua_rawgetp(L, LUA_REGISTRYINDEX, &xa_key);
	lua_pushliteral(L, "state");
	lua_rawget(L, -2);
	lua_remove(L, -2);
}
