/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * xa.state over a reload: a table of numbers, strings, booleans and such tables, as bytes.
 */

#include <stdbool.h>
#include <stddef.h>

#include <lua.h>

/* Writes the table at `index`; returns the bytes. What is of no such type is left out, and so is
 * what is nested deeper than 16. 0: larger than `size`. Raises nothing. */
size_t xa_lua_keep_write(lua_State *L, int index, void *to, size_t size);

/* Fills the table at `index` with what was written, or leaves it alone and returns false: those
 * bytes were not written so. Raises errors of memory alone. */
bool xa_lua_keep_read(lua_State *L, int index, const void *from, size_t size);
