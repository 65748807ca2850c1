/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The stage's `options`, as they stand in the configuration, as a table for init(). */

#include <lua.h>

#include "plugins/xa_plugin.h"

/* Pushes the value of a node; an empty table for NULL. */
void xa_lua_options_push(lua_State *L, const struct xa_plugin_node *node);
