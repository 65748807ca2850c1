/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * require("a.b") is the file a/b.lua in the folder of the rule file, and there is no way out of it:
 * a name has letters, digits, underscores, and dots between them. It is read while the stage is
 * opened; later, what was loaded then is all there is.
 */

#include "plugins/lua/loader.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include <lauxlib.h>

#include "plugins/lua/guard.h"

static const char loaded_key = 'l';

static const char *why_unread(int error)
{
	switch (error) {
	case -EFBIG:
		return "larger than 1 MiB";
	case -EINVAL:
		return "not a regular file";
	default:
		return strerror(-error);
	}
}

static void drop_source(struct xa_lua *lua)
{
	free(lua->source);
	lua->source = NULL;
}

/* The text hangs on the stage, which frees it if compiling raises an error. */
void xa_lua_load(lua_State *L, const char *path)
{
	struct xa_lua *lua = xa_lua_of(L);
	size_t len;
	int error;

	drop_source(lua);
	error = lua->host->read_file(lua->host, path, XA_LUA_FILE_BYTES, &lua->source, &len);
	if (error)
		luaL_error(L, "cannot read '%s': %s", path, why_unread(error));
	xa_lua_push_chunk_name(L, path);
	if (luaL_loadbufferx(L, lua->source, len, lua_tostring(L, -1), "t") != LUA_OK)
		lua_error(L);
	drop_source(lua);
	lua_remove(L, -2);
}

static bool is_module_name(const char *name, size_t len)
{
	const char *end = name + len;
	bool after_dot = true;

	for (; name < end; name++) {
		if (*name == '.' && after_dot)
			return false;
		if (*name != '.' && *name != '_' && !isalnum((unsigned char)*name))
			return false;
		after_dot = *name == '.';
	}
	return !after_dot;
}

/* Pushes the module's path. */
static const char *push_path(lua_State *L, const char *name)
{
	const char *file = xa_lua_of(L)->file;
	const char *slash = strrchr(file, '/');

	lua_pushlstring(L, file, slash ? (size_t)(slash + 1 - file) : 0);
	luaL_gsub(L, name, ".", "/");
	lua_pushliteral(L, ".lua");
	lua_concat(L, 3);
	return lua_tostring(L, -1);
}

/* Stack: name, loaded modules. While a module is loaded, `false` stands in its place. */
static void load_module(lua_State *L, const char *name)
{
	lua_pushboolean(L, 0);
	lua_setfield(L, 2, name);
	xa_lua_load(L, push_path(L, name));
	lua_pushvalue(L, 1);
	lua_call(L, 1, 1);
	if (lua_isnil(L, -1) || (lua_isboolean(L, -1) && !lua_toboolean(L, -1))) {
		lua_pop(L, 1);
		lua_pushboolean(L, 1);
	}
	lua_pushvalue(L, -1);
	lua_setfield(L, 2, name);
}

static int require(lua_State *L)
{
	size_t len;
	const char *name = luaL_checklstring(L, 1, &len);

	if (!is_module_name(name, len))
		return luaL_error(L, "require: '%s' is no name of a module", name);
	lua_settop(L, 1);
	lua_rawgetp(L, LUA_REGISTRYINDEX, &loaded_key);
	switch (lua_getfield(L, 2, name)) {
	case LUA_TNIL:
		if (!xa_lua_of(L)->is_opening)
			return luaL_error(L, "require: '%s' was not loaded with the rule file",
					  name);
		lua_pop(L, 1);
		load_module(L, name);
		return 1;
	case LUA_TBOOLEAN:
		if (!lua_toboolean(L, -1))
			return luaL_error(L, "require: '%s' is being loaded already", name);
		return 1;
	default:
		return 1;
	}
}

void xa_lua_loader_open(lua_State *L)
{
	lua_newtable(L);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &loaded_key);
	lua_pushcfunction(L, require);
	lua_setfield(L, -2, "require");
}
