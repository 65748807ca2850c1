/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The one way from C into Lua: a budget of steps, errors with their cause, place and traceback.
 */

#include <lua.h>

#include "plugins/lua/stage.h"

/* Calls `function`, without arguments and results, with a full budget. What it raises is told to
 * host->fail(). 0; -ENOMEM; -ETIME: no steps left; -EINVAL: everything else. */
int xa_lua_protect(struct xa_lua *lua, lua_CFunction function);

/* Takes steps from the budget; raises an error that no rule can catch if there are too few. */
void xa_lua_charge(lua_State *L, uint64_t steps);

/* Raises that error (again). */
int xa_lua_out_of_steps(lua_State *L);

/* Raises what will be known as XA_PLUGIN_INVALID unless the rule catches it. Formats are those of
 * lua_pushfstring(). */
int xa_lua_invalid(lua_State *L, const char *format, ...);

/* The same about the outcome of the rule's function at `index`: its first line is the place. */
int xa_lua_invalid_result(lua_State *L, int index, const char *format, ...);

/* Keeps a string at `index` for good; returns its text. */
const char *xa_lua_anchor(lua_State *L, int index);

/* Makes the place of messages from this file known, and pushes its chunk name. */
void xa_lua_push_chunk_name(lua_State *L, const char *path);

/* Pushes " (did you mean 'x'?)", or "". */
const char *xa_lua_push_hint(lua_State *L, const char *wrong, const char *const *names,
			     size_t count);
