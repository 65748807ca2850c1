/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * An error is text from the moment it is raised, as rules expect it. Whether the one that arrives
 * here is the one that xa_lua_invalid() raised last is known by its being the same string; whether
 * the steps were used up, by the budget.
 *
 * A rule's pcall() cannot outlive its budget: the hook raises again every few instructions, and
 * the sandbox's pcall() passes the error on.
 */

#include "plugins/lua/guard.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <lauxlib.h>

#include "plugins/lua/suggest.h"

#define PERIOD	      10000 /* instructions between two looks at the budget */
#define PERIOD_GONE   100 /* and when nothing is left */
#define MESSAGE_BYTES 1024
#define PLACES_MAX    8 /* colons of a message that are looked at */

/* Keys of the registry: their addresses. */
static const char invalid_key = 'i', anchors_key = 'a', chunks_key = 'c';

static void on_count(lua_State *L, lua_Debug *ar)
{
	(void)ar;
	xa_lua_charge(L, PERIOD);
}

int xa_lua_out_of_steps(lua_State *L)
{
	lua_pushfstring(L, "took more than %I steps", (LUAI_UACINT)xa_lua_of(L)->budget.steps);
	return lua_error(L);
}

void xa_lua_charge(lua_State *L, uint64_t steps)
{
	struct xa_lua_budget *budget = &xa_lua_of(L)->budget;

	if (steps <= budget->left) {
		budget->left -= steps;
		return;
	}
	budget->left = 0;
	budget->is_gone = true;
	lua_sethook(L, on_count, LUA_MASKCOUNT, PERIOD_GONE);
	xa_lua_out_of_steps(L);
}

static void refill(struct xa_lua *lua)
{
	lua->budget.left = lua->budget.steps;
	lua->budget.is_gone = false;
	lua_sethook(lua->L, on_count, LUA_MASKCOUNT, PERIOD);
}

static int raise_invalid(lua_State *L)
{
	lua_concat(L, 2);
	lua_pushvalue(L, -1);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &invalid_key);
	return lua_error(L);
}

int xa_lua_invalid(lua_State *L, const char *format, ...)
{
	va_list args;

	luaL_where(L, 1);
	va_start(args, format);
	lua_pushvfstring(L, format, args);
	va_end(args);
	return raise_invalid(L);
}

int xa_lua_invalid_result(lua_State *L, int index, const char *format, ...)
{
	lua_Debug ar;
	va_list args;

	lua_pushvalue(L, index);
	lua_getinfo(L, ">S", &ar);
	lua_pushfstring(L, "%s:%d: ", ar.short_src, ar.linedefined);
	va_start(args, format);
	lua_pushvfstring(L, format, args);
	va_end(args);
	return raise_invalid(L);
}

/* Pushes a table of the registry, which is made when it is first asked for. */
static void push_own(lua_State *L, const char *key)
{
	if (lua_rawgetp(L, LUA_REGISTRYINDEX, key) == LUA_TTABLE)
		return;
	lua_pop(L, 1);
	lua_newtable(L);
	lua_pushvalue(L, -1);
	lua_rawsetp(L, LUA_REGISTRYINDEX, key);
}

const char *xa_lua_anchor(lua_State *L, int index)
{
	const char *text = lua_tostring(L, index);

	lua_pushvalue(L, index);
	push_own(L, &anchors_key);
	lua_insert(L, -2);
	lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
	lua_pop(L, 1);
	return text;
}

void xa_lua_push_chunk_name(lua_State *L, const char *path)
{
	lua_Debug ar;

	push_own(L, &chunks_key);
	lua_pushfstring(L, "@%s", path);
	/* How Lua shortens a name is asked of an empty chunk that bears it. */
	if (luaL_loadbufferx(L, "", 0, lua_tostring(L, -1), "t") != LUA_OK)
		lua_error(L);
	lua_getinfo(L, ">S", &ar);
	lua_pushstring(L, path);
	lua_setfield(L, -3, ar.short_src);
	lua_remove(L, -2);
}

const char *xa_lua_push_hint(lua_State *L, const char *wrong, const char *const *names,
			     size_t count)
{
	const char *near = xa_lua_suggest(wrong, names, count);

	return near ? lua_pushfstring(L, " (did you mean '%s'?)", near) : lua_pushstring(L, "");
}

static void set_place(struct xa_lua_fault *fault, const char *file, int line)
{
	(void)snprintf(fault->file, sizeof(fault->file), "%s", file);
	fault->line = line > 0 ? (uint32_t)line : 0;
}

/* Text behind "FILE:LINE: " if it begins so with a file that was loaded; else NULL. */
static const char *after_place(lua_State *L, struct xa_lua_fault *fault, const char *text)
{
	const char *colon = strchr(text, ':');

	push_own(L, &chunks_key);
	for (int i = 0; colon && i < PLACES_MAX; i++, colon = strchr(colon + 1, ':')) {
		char *end;
		const long line = strtol(colon + 1, &end, 10);

		if (end == colon + 1 || strncmp(end, ": ", 2) != 0)
			continue;
		lua_pushlstring(L, text, (size_t)(colon - text));
		if (lua_rawget(L, -2) == LUA_TSTRING) {
			set_place(fault, lua_tostring(L, -1), (int)line);
			return end + 2;
		}
		lua_pop(L, 1);
	}
	return NULL;
}

static const char *find_place(lua_State *L, struct xa_lua_fault *fault, const char *text)
{
	const char *rest = after_place(L, fault, text);
	lua_Debug ar;

	if (rest)
		return rest;
	if (xa_lua_innermost(L, &ar))
		set_place(fault, ar.source[0] == '@' ? ar.source + 1 : ar.short_src,
			  ar.currentline);
	return text;
}

static enum xa_plugin_cause cause_of(lua_State *L, int error)
{
	bool invalid;

	if (xa_lua_of(L)->budget.is_gone)
		return XA_PLUGIN_STEPS;
	lua_rawgetp(L, LUA_REGISTRYINDEX, &invalid_key);
	invalid = lua_isstring(L, -1) && lua_rawequal(L, -1, error);
	lua_pop(L, 1);
	return invalid ? XA_PLUGIN_INVALID : XA_PLUGIN_ERROR;
}

static int to_text(lua_State *L)
{
	luaL_tolstring(L, 1, NULL);
	return 1;
}

/* What was raised need not be text, and turning it into one may run the rule's __tostring. */
static void replace_by_text(lua_State *L)
{
	const char *type = luaL_typename(L, 1);

	if (lua_type(L, 1) == LUA_TSTRING)
		return;
	lua_pushcfunction(L, to_text);
	lua_pushvalue(L, 1);
	if (lua_pcall(L, 1, 1, 0) != LUA_OK)
		lua_pushfstring(L, "raised a %s that cannot be shown", type);
	lua_replace(L, 1);
	lua_settop(L, 1);
}

/* Cuts the text at index 1; nobody reads a megabyte of a log. */
static void shorten(lua_State *L)
{
	size_t len;
	const char *text = lua_tolstring(L, 1, &len);

	if (len <= MESSAGE_BYTES)
		return;
	lua_pushlstring(L, text, MESSAGE_BYTES);
	lua_pushliteral(L, "...");
	lua_concat(L, 2);
	lua_replace(L, 1);
}

static int on_error(lua_State *L)
{
	struct xa_lua_fault *fault = &xa_lua_of(L)->fault;

	lua_settop(L, 1);
	fault->cause = cause_of(L, 1);
	replace_by_text(L);
	shorten(L);
	luaL_traceback(L, L, find_place(L, fault, lua_tostring(L, 1)), 1);
	return 1;
}

static void report(struct xa_lua *lua, int status, const char *text)
{
	struct xa_lua_fault *fault = &lua->fault;
	struct xa_plugin_place place = {.file = fault->file};
	char line[128];

	if (status == LUA_ERRMEM) {
		fault->cause = XA_PLUGIN_MEMORY;
		set_place(fault, lua->heap.denied.short_src, lua->heap.denied.currentline);
		(void)snprintf(line, sizeof(line), "wants more than %zu bytes of memory",
			       lua->heap.limit);
		text = line;
	} else if (lua->budget.is_gone) {
		fault->cause = XA_PLUGIN_STEPS;
	}
	place.line = fault->line;
	if (!place.line && !fault->file[0])
		place.file = lua->file;
	lua->host->fail(lua->host, fault->cause, &place, text ? text : "failed without a word");
}

static int code_of(enum xa_plugin_cause cause)
{
	if (cause == XA_PLUGIN_MEMORY)
		return -ENOMEM;
	return cause == XA_PLUGIN_STEPS ? -ETIME : -EINVAL;
}

int xa_lua_protect(struct xa_lua *lua, lua_CFunction function)
{
	lua_State *L = lua->L;
	int status;

	refill(lua);
	lua->fault = (struct xa_lua_fault){.cause = XA_PLUGIN_ERROR};
	lua->heap.denied = (lua_Debug){0};
	lua_settop(L, 0);
	lua_pushcfunction(L, on_error);
	lua_pushcfunction(L, function);
	status = lua_pcall(L, 0, 0, 1);
	if (status != LUA_OK)
		report(lua, status, lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL);
	lua_settop(L, 0);
	return status == LUA_OK ? 0 : code_of(lua->fault.cause);
}
