/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What a rule may ask of a flow: a field or a label, both known as a column from here on.
 */

#include <lua.h>

#include "plugins/lua/stage.h"

enum xa_lua_field {
	XA_LUA_SRC,
	XA_LUA_DST,
	XA_LUA_SPORT,
	XA_LUA_DPORT,
	XA_LUA_PROTO,
	XA_LUA_FAMILY,
	XA_LUA_VLAN,
	XA_LUA_INTERFACE,
	XA_LUA_TCP_FLAGS,
	XA_LUA_TOS,
	XA_LUA_TTL_MIN,
	XA_LUA_TTL_MAX,
	XA_LUA_LEN_MIN,
	XA_LUA_LEN_MAX,
	XA_LUA_FRAGMENT,
	XA_LUA_PACKETS,
	XA_LUA_BYTES,
	XA_LUA_PACKETS_DELTA,
	XA_LUA_BYTES_DELTA,
	XA_LUA_FIRST_SEEN,
	XA_LUA_LAST_SEEN,
	XA_LUA_DURATION,
	XA_LUA_METHOD_LABEL, /* flow:label(name); the last, for it is no field of a copy */
	XA_LUA_FIELD_COUNT_
};

/* Columns from here on are labels. */
#define XA_LUA_COLUMN_LABELS ((int)XA_LUA_FIELD_COUNT_)
/* Words that the key of one column takes at most. */
#define XA_LUA_KEY_WORDS 3

extern const char *const xa_lua_field_names[XA_LUA_FIELD_COUNT_];

/* Makes the names known; raises. */
void xa_lua_fields_open(lua_State *L);
/* The same for one label more, number `label` of lua->labels, whose name is anchored. */
void xa_lua_fields_add_label(struct xa_lua *lua, size_t label);

/* The column that the string at `index` names; raises an error with a hint if it names none. */
int xa_lua_column_check(lua_State *L, int index);
/* The label of that name, or -1. */
int xa_lua_label_find(lua_State *L, const char *name);
const char *xa_lua_column_name(const struct xa_lua *lua, int column);

/* Pushes a flow's value of a column; one value. */
void xa_lua_column_push(lua_State *L, const struct xa_plugin_flow *flow, int column);

/* Can flows be told apart by it (text, addresses and whole numbers)? Can they be ranked by it? */
bool xa_lua_column_is_key(int column);
bool xa_lua_column_is_rank(int column);

/* What equal values have in common: words, their count, and the value again. */
size_t xa_lua_column_words(int column);
void xa_lua_column_key(const struct xa_lua *lua, const struct xa_plugin_flow *flow, int column,
		       uint64_t *ret_words);
void xa_lua_column_push_key(lua_State *L, int column, const uint64_t *words);

/* The number of a column that flows can be ranked by. */
uint64_t xa_lua_column_rank(const struct xa_plugin_flow *flow, int column);
