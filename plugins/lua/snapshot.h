/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The snapshot that derive() is given: sums, rankings and counts over the flows that are not
 * hidden, in C.
 */

#include <lua.h>

void xa_lua_snapshot_open(lua_State *L);

/* Pushes the snapshot of lua->batch; valid until lua->serial changes. */
void xa_lua_snapshot_push(lua_State *L);
