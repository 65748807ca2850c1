/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* emit(name, number, labels): one sample of a metric that the rule declared. */

#include <lua.h>

/* Makes the declared metrics known by name; once they are all declared. */
void xa_lua_emit_open(lua_State *L);
/* Pushes the function; it works while lua->is_deriving. */
void xa_lua_emit_push(lua_State *L);
