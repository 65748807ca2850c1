/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Only what is named here gets in. Missing on purpose: whatever loads code, touches files, the
 * process or the collector, and coroutines, which would need a hook each.
 *
 * Some functions of Lua's own loop in C for as long as an argument says, where no hook looks. They
 * are wrapped, and pay for it in steps first.
 */

#include "plugins/lua/sandbox.h"

#include <lauxlib.h>
#include <lualib.h>

#include "plugins/lua/guard.h"

/* Bytes that are copied in the time of one step. */
#define BYTES_A_STEP 64
/* And what starting to copy is worth. */
#define COPY_BYTES 8

static const char *const base_names[] = {
	"assert", "error",  "getmetatable", "ipairs",	"next",	    "pairs", "rawequal", "rawget",
	"rawlen", "rawset", "select",	    "tonumber", "tostring", "type",  NULL,
};
static const char *const string_names[] = {
	"byte", "char",	    "find", "format",  "gmatch", "gsub",   "len",   "lower", "match",
	"pack", "packsize", "rep",  "reverse", "sub",	 "unpack", "upper", NULL,
};
static const char *const table_names[] = {
	"concat", "insert", "move", "pack", "remove", "sort", "unpack", NULL,
};
static const char *const math_names[] = {
	"abs",	"acos",	  "asin", "atan", "ceil",	"cos",	     "deg",	   "exp",  "floor",
	"fmod", "huge",	  "log",  "max",  "maxinteger", "min",	     "mininteger", "modf", "pi",
	"rad",	"random", "sin",  "sqrt", "tan",	"tointeger", "type",	   "ult",  NULL,
};
static const char *const utf8_names[] = {
	"char", "charpattern", "codepoint", "codes", "len", "offset", NULL,
};

/* --- errors that no rule may keep to itself --- */

static int settle(lua_State *L, int status)
{
	if (status == LUA_OK)
		return lua_gettop(L);
	/* A handler of xpcall() may have put anything in the place of the error. */
	if (xa_lua_of(L)->budget.is_gone)
		return xa_lua_out_of_steps(L);
	lua_pushboolean(L, 0);
	lua_insert(L, -2);
	return 2;
}

static int guarded_pcall(lua_State *L)
{
	luaL_checkany(L, 1);
	lua_pushboolean(L, 1);
	lua_insert(L, 1);
	return settle(L, lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 0));
}

/* Upvalue: the rule's handler. What the hook raises is handled while hooks are off, so that a loop
 * in there would have no end: it is not asked. */
static int guarded_handler(lua_State *L)
{
	if (xa_lua_of(L)->budget.is_gone)
		return 1;
	lua_settop(L, 1);
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, 1, 1);
	return 1;
}

/* Stack: function, handler, arguments; then handler, true, function, arguments. */
static int guarded_xpcall(lua_State *L)
{
	int status;

	luaL_checktype(L, 2, LUA_TFUNCTION);
	lua_pushvalue(L, 2);
	lua_pushcclosure(L, guarded_handler, 1);
	lua_insert(L, 1);
	lua_pushboolean(L, 1);
	lua_replace(L, 3);
	lua_pushvalue(L, 2);
	lua_copy(L, 3, 2);
	lua_replace(L, 3);
	status = lua_pcall(L, lua_gettop(L) - 3, LUA_MULTRET, 1);
	lua_remove(L, 1);
	return settle(L, status);
}

/* --- metatables --- */

/* Upvalue: Lua's setmetatable. A finalizer would run when nobody looks. */
static int guarded_setmetatable(lua_State *L)
{
	luaL_checkany(L, 2);
	lua_settop(L, 2);
	if (lua_istable(L, 2)) {
		lua_pushliteral(L, "__gc");
		if (lua_rawget(L, 2) != LUA_TNIL)
			return luaL_error(L, "setmetatable: rules have no finalizers (__gc)");
		lua_settop(L, 2);
	}
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, 2, 1);
	return 1;
}

/* --- loops in C --- */

static int call_wrapped(lua_State *L)
{
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
	return lua_gettop(L);
}

static uint64_t times(uint64_t a, uint64_t b)
{
	uint64_t product;

	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

static int guarded_rep(lua_State *L)
{
	const lua_Integer n = luaL_checkinteger(L, 2);
	size_t len, between = 0;

	luaL_checklstring(L, 1, &len);
	if (!lua_isnoneornil(L, 3))
		luaL_checklstring(L, 3, &between);
	if (n > 0)
		xa_lua_charge(L, times((uint64_t)n, COPY_BYTES + len + between) / BYTES_A_STEP);
	return call_wrapped(L);
}

static int guarded_move(lua_State *L)
{
	const lua_Integer first = luaL_checkinteger(L, 2), last = luaL_checkinteger(L, 3);

	if (last >= first)
		xa_lua_charge(L, (uint64_t)last - (uint64_t)first);
	return call_wrapped(L);
}

/* insert(), remove(), concat() and sort() go by the length, which a metatable may invent. */
static int guarded_by_length(lua_State *L)
{
	lua_Integer len;

	luaL_checkany(L, 1);
	len = luaL_len(L, 1);
	if (len > 0 && (lua_gettop(L) > 1 || luaL_getmetafield(L, 1, "__len") != LUA_TNIL))
		xa_lua_charge(L, (uint64_t)len / BYTES_A_STEP);
	return call_wrapped(L);
}

/* --- building it --- */

/* Pushes a new table with what is named of the table at the top. */
static void push_selection(lua_State *L, const char *const *names)
{
	lua_newtable(L);
	for (; *names; names++) {
		lua_getfield(L, -2, *names);
		lua_setfield(L, -2, *names);
	}
}

/* Replaces a function of the table at the top by one that has it as its upvalue. */
static void wrap(lua_State *L, const char *name, lua_CFunction function)
{
	lua_getfield(L, -1, name);
	lua_pushcclosure(L, function, 1);
	lua_setfield(L, -2, name);
}

/* Adds a library to the environment at the top; leaves its table above it. */
static void add_library(lua_State *L, const char *name, lua_CFunction open,
			const char *const *names)
{
	luaL_requiref(L, name, open, 0);
	push_selection(L, names);
	lua_remove(L, -2);
	lua_pushvalue(L, -1);
	lua_setfield(L, -3, name);
}

static void add_string(lua_State *L)
{
	add_library(L, LUA_STRLIBNAME, luaopen_string, string_names);
	wrap(L, "rep", guarded_rep);
	/* ("x"):rep() has a table of its own, so that no rule can take it away from its modules. */
	lua_pushliteral(L, "");
	lua_getmetatable(L, -1);
	lua_pushvalue(L, -3);
	push_selection(L, string_names);
	lua_setfield(L, -3, "__index");
	lua_pop(L, 1);
	lua_pushliteral(L, "locked");
	lua_setfield(L, -2, "__metatable");
	lua_pop(L, 3);
}

static void add_table(lua_State *L)
{
	static const char *const by_length[] = {"concat", "insert", "remove", "sort"};

	add_library(L, LUA_TABLIBNAME, luaopen_table, table_names);
	wrap(L, "move", guarded_move);
	for (size_t i = 0; i < xa_lua_array_size(by_length); i++)
		wrap(L, by_length[i], guarded_by_length);
	lua_pop(L, 1);
}

/* The same numbers in every run: a replay has to show what happened. */
static void add_math(lua_State *L)
{
	luaL_requiref(L, LUA_MATHLIBNAME, luaopen_math, 0);
	lua_getfield(L, -1, "randomseed");
	lua_pushinteger(L, 0);
	lua_call(L, 1, 0);
	push_selection(L, math_names);
	lua_remove(L, -2);
	lua_setfield(L, -2, LUA_MATHLIBNAME);
}

static void add_base(lua_State *L)
{
	static const luaL_Reg own[] = {
		{"pcall", guarded_pcall}, {"xpcall", guarded_xpcall}, {NULL, NULL}};

	luaL_setfuncs(L, own, 0);
	lua_getfield(L, -2, "setmetatable");
	lua_pushcclosure(L, guarded_setmetatable, 1);
	lua_setfield(L, -2, "setmetatable");
	lua_pushvalue(L, -1);
	lua_setfield(L, -2, LUA_GNAME);
	lua_pushliteral(L, LUA_VERSION);
	lua_setfield(L, -2, "_VERSION");
}

void xa_lua_sandbox_open(lua_State *L)
{
	luaL_requiref(L, LUA_GNAME, luaopen_base, 0);
	push_selection(L, base_names);
	add_base(L);
	lua_remove(L, -2);
	add_string(L);
	add_table(L);
	add_math(L);
	add_library(L, LUA_UTF8LIBNAME, luaopen_utf8, utf8_names);
	lua_pop(L, 1);
	/* What a chunk is compiled against, and where the libraries were registered. */
	lua_pushvalue(L, -1);
	lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
	lua_pushnil(L);
	lua_setfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
}
