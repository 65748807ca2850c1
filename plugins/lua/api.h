/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The table `xa`, and what rules log. */

#include <lua.h>

/* Gives the environment at the top of the stack `xa` and `print`. */
void xa_lua_api_open(lua_State *L);

/* Pushes xa.state, whatever the rule made of it. */
void xa_lua_api_push_state(lua_State *L);
