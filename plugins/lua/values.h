/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Values of labels: what a rule gives, as the host's numbers. */

#include <lua.h>

#include "plugins/lua/stage.h"

/* The number of the string, integer or boolean at `index`, which may become a string. NULL, or why
 * it can be none. */
const char *xa_lua_value(lua_State *L, int index, uint32_t *ret_value);
