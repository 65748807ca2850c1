/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The table that a rule file returns: what it declares, and its functions. */

#include <lua.h>

/* The version of what rules are given and asked for. */
#define XA_LUA_API 1

/* Reads the table at the top of the stack into the stage, and declares what it names to the host.
 * Replaces it by its init(), or nil. */
void xa_lua_rule_read(lua_State *L);
