/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Rule files and their modules: read by the host, compiled as text, never as bytecode.
 */

#include <lua.h>

#define XA_LUA_FILE_BYTES ((size_t)1 << 20)

/* Registers what loading needs; with the environment of rules on the top of the stack, which gets
 * `require`. */
void xa_lua_loader_open(lua_State *L);

/* Pushes the compiled file; raises. In open() only. */
void xa_lua_load(lua_State *L, const char *path);
