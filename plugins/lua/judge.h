/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* One snapshot through the rule: label(), filter(), derive(). */

#include <lua.h>

#include "plugins/lua/stage.h"

/* Judges lua->batch; raises. What is written until then, xa_lua_judge_undo() takes back. */
int xa_lua_judge(lua_State *L);
void xa_lua_judge_undo(struct xa_lua *lua);
