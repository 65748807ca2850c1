/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What a rule can reach: an environment with the functions of an allow-list, and nothing else.
 */

#include <lua.h>

/* Builds the environment, makes it the one of every chunk that is compiled from now on, and
 * pushes it. */
void xa_lua_sandbox_open(lua_State *L);
