/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Lua keeps one copy of each short string, so that a field's name is known by its address: one
 * probe of a small table instead of comparing letters, for every access of every flow. The copies
 * are anchored. What is not found there is compared.
 */

#include "plugins/lua/fields.h"

#include <lauxlib.h>

#include "plugins/lua/address.h"
#include "plugins/lua/guard.h"

#define NS_PER_S 1e9

const char *const xa_lua_field_names[] = {
	[XA_LUA_SRC] = "src",
	[XA_LUA_DST] = "dst",
	[XA_LUA_SPORT] = "sport",
	[XA_LUA_DPORT] = "dport",
	[XA_LUA_PROTO] = "proto",
	[XA_LUA_FAMILY] = "family",
	[XA_LUA_VLAN] = "vlan",
	[XA_LUA_INTERFACE] = "interface",
	[XA_LUA_TCP_FLAGS] = "tcp_flags",
	[XA_LUA_TOS] = "tos",
	[XA_LUA_TTL_MIN] = "ttl_min",
	[XA_LUA_TTL_MAX] = "ttl_max",
	[XA_LUA_LEN_MIN] = "len_min",
	[XA_LUA_LEN_MAX] = "len_max",
	[XA_LUA_FRAGMENT] = "fragment",
	[XA_LUA_PACKETS] = "packets",
	[XA_LUA_BYTES] = "bytes",
	[XA_LUA_PACKETS_DELTA] = "packets_delta",
	[XA_LUA_BYTES_DELTA] = "bytes_delta",
	[XA_LUA_FIRST_SEEN] = "first_seen",
	[XA_LUA_LAST_SEEN] = "last_seen",
	[XA_LUA_DURATION] = "duration",
	[XA_LUA_METHOD_LABEL] = "label",
};
_Static_assert(xa_lua_array_size(xa_lua_field_names) == XA_LUA_FIELD_COUNT_, "a name for each");
_Static_assert(XA_LUA_NAMES >= 4 * (XA_LUA_FIELD_COUNT_ + XA_PLUGIN_LABELS_MAX), "mostly empty");

static struct xa_lua_name *name_slot(struct xa_lua *lua, const char *text)
{
	size_t at = (uintptr_t)text / 16;

	for (;; at++) {
		struct xa_lua_name *name = &lua->names[at % XA_LUA_NAMES];

		if (name->text == text || !name->text)
			return name;
	}
}

void xa_lua_fields_open(lua_State *L)
{
	struct xa_lua *lua = xa_lua_of(L);

	for (int i = 0; i < XA_LUA_FIELD_COUNT_; i++) {
		const char *text;

		lua_pushstring(L, xa_lua_field_names[i]);
		text = xa_lua_anchor(L, -1);
		*name_slot(lua, text) = (struct xa_lua_name){text, i};
		lua_pop(L, 1);
	}
}

void xa_lua_fields_add_label(struct xa_lua *lua, size_t label)
{
	const char *text = lua->labels[label].name;

	*name_slot(lua, text) = (struct xa_lua_name){text, XA_LUA_COLUMN_LABELS + (int)label};
}

/* A stage before this one may have it. */
static int learn_label(lua_State *L, const char *name)
{
	struct xa_lua *lua = xa_lua_of(L);
	const int label = lua->host->find_label(lua->host, name);
	const size_t at = lua->label_count;

	if (label < 0 || at == XA_PLUGIN_LABELS_MAX)
		return -1;
	lua_pushstring(L, name);
	lua->labels[at].name = xa_lua_anchor(L, -1);
	lua->labels[at].column = lua->host->column(lua->host, label);
	lua_pop(L, 1);
	xa_lua_fields_add_label(lua, lua->label_count++);
	return (int)at;
}

int xa_lua_label_find(lua_State *L, const char *name)
{
	const struct xa_lua *lua = xa_lua_of(L);

	for (size_t i = 0; i < lua->label_count; i++) {
		if (strcmp(lua->labels[i].name, name) == 0)
			return (int)i;
	}
	return learn_label(L, name);
}

static int unknown_column(lua_State *L, const char *name)
{
	const struct xa_lua *lua = xa_lua_of(L);
	const char *names[XA_LUA_FIELD_COUNT_ + XA_PLUGIN_LABELS_MAX];
	size_t count = 0;

	for (; count < XA_LUA_FIELD_COUNT_; count++)
		names[count] = xa_lua_field_names[count];
	for (size_t i = 0; i < lua->label_count; i++)
		names[count++] = lua->labels[i].name;
	return luaL_error(L, "flows have no field and no label '%s'%s", name,
			  xa_lua_push_hint(L, name, names, count));
}

int xa_lua_column_check(lua_State *L, int index)
{
	const char *text;
	const struct xa_lua_name *name;
	int label;

	if (lua_type(L, index) != LUA_TSTRING)
		return luaL_error(L, "the name of a field or label is a string, not a %s",
				  luaL_typename(L, index));
	text = lua_tostring(L, index);
	name = name_slot(xa_lua_of(L), text);
	if (name->text)
		return name->column;
	label = xa_lua_label_find(L, text);
	return label >= 0 ? XA_LUA_COLUMN_LABELS + label : unknown_column(L, text);
}

const char *xa_lua_column_name(const struct xa_lua *lua, int column)
{
	return column < XA_LUA_COLUMN_LABELS ? xa_lua_field_names[column]
					     : lua->labels[column - XA_LUA_COLUMN_LABELS].name;
}

static uint64_t duration_ns(const struct xa_plugin_flow *flow)
{
	return flow->last_seen_ns > flow->first_seen_ns ? flow->last_seen_ns - flow->first_seen_ns
							: 0;
}

uint64_t xa_lua_column_rank(const struct xa_plugin_flow *flow, int column)
{
	switch (column) {
	case XA_LUA_SPORT:
		return flow->sport;
	case XA_LUA_DPORT:
		return flow->dport;
	case XA_LUA_PROTO:
		return flow->proto;
	case XA_LUA_FAMILY:
		return flow->family;
	case XA_LUA_VLAN:
		return flow->vlan;
	case XA_LUA_TCP_FLAGS:
		return flow->tcp_flags;
	case XA_LUA_TOS:
		return flow->tos;
	case XA_LUA_TTL_MIN:
		return flow->ttl_min;
	case XA_LUA_TTL_MAX:
		return flow->ttl_max;
	case XA_LUA_LEN_MIN:
		return flow->len_min;
	case XA_LUA_LEN_MAX:
		return flow->len_max;
	case XA_LUA_PACKETS:
		return flow->packets;
	case XA_LUA_BYTES:
		return flow->bytes;
	case XA_LUA_PACKETS_DELTA:
		return flow->packets_delta;
	case XA_LUA_BYTES_DELTA:
		return flow->bytes_delta;
	case XA_LUA_FIRST_SEEN:
		return flow->first_seen_ns;
	case XA_LUA_LAST_SEEN:
		return flow->last_seen_ns;
	case XA_LUA_DURATION:
		return duration_ns(flow);
	default:
		return 0;
	}
}

bool xa_lua_column_is_rank(int column)
{
	return column < XA_LUA_METHOD_LABEL && column != XA_LUA_SRC && column != XA_LUA_DST &&
	       column != XA_LUA_INTERFACE && column != XA_LUA_FRAGMENT;
}

static bool is_time(int column)
{
	return column == XA_LUA_FIRST_SEEN || column == XA_LUA_LAST_SEEN ||
	       column == XA_LUA_DURATION;
}

bool xa_lua_column_is_key(int column)
{
	return !is_time(column) && column != XA_LUA_METHOD_LABEL;
}

static const uint8_t *address_of(const struct xa_plugin_flow *flow, int column)
{
	return column == XA_LUA_SRC ? flow->src : flow->dst;
}

static void push_interface(lua_State *L, uint64_t interface)
{
	const struct xa_plugin_batch *batch = xa_lua_of(L)->batch;

	lua_pushstring(L, interface < batch->interface_count ? batch->interfaces[interface] : "");
}

static void push_value_text(lua_State *L, uint32_t value)
{
	const struct xa_plugin_host *host = xa_lua_of(L)->host;
	size_t len;
	const char *text = host->value_text(host, value, &len);

	lua_pushlstring(L, text, len);
}

static uint32_t label_of(const struct xa_lua *lua, const struct xa_plugin_flow *flow, int column)
{
	return lua->labels[column - XA_LUA_COLUMN_LABELS].column[flow->handle];
}

void xa_lua_column_push(lua_State *L, const struct xa_plugin_flow *flow, int column)
{
	if (column >= XA_LUA_COLUMN_LABELS)
		push_value_text(L, label_of(xa_lua_of(L), flow, column));
	else if (column == XA_LUA_SRC || column == XA_LUA_DST)
		xa_lua_address_push(L, flow->family, address_of(flow, column));
	else if (column == XA_LUA_INTERFACE)
		push_interface(L, flow->interface);
	else if (column == XA_LUA_FRAGMENT)
		lua_pushboolean(L, flow->is_fragment);
	else if (is_time(column))
		lua_pushnumber(L, (lua_Number)xa_lua_column_rank(flow, column) / NS_PER_S);
	else
		lua_pushinteger(L, (lua_Integer)xa_lua_column_rank(flow, column));
}

size_t xa_lua_column_words(int column)
{
	return column == XA_LUA_SRC || column == XA_LUA_DST ? XA_LUA_KEY_WORDS : 1;
}

void xa_lua_column_key(const struct xa_lua *lua, const struct xa_plugin_flow *flow, int column,
		       uint64_t *ret_words)
{
	if (column >= XA_LUA_COLUMN_LABELS) {
		ret_words[0] = label_of(lua, flow, column);
	} else if (column == XA_LUA_SRC || column == XA_LUA_DST) {
		memcpy(ret_words, address_of(flow, column), 16);
		ret_words[2] = flow->family;
	} else if (column == XA_LUA_INTERFACE) {
		ret_words[0] = flow->interface;
	} else if (column == XA_LUA_FRAGMENT) {
		ret_words[0] = flow->is_fragment;
	} else {
		ret_words[0] = xa_lua_column_rank(flow, column);
	}
}

static void push_address_text(lua_State *L, const uint64_t *words)
{
	char text[XA_LUA_ADDRESS_TEXT_BYTES];

	lua_pushstring(L, xa_lua_address_format((uint8_t)words[2], (const uint8_t *)words, text));
}

void xa_lua_column_push_key(lua_State *L, int column, const uint64_t *words)
{
	if (column >= XA_LUA_COLUMN_LABELS)
		push_value_text(L, (uint32_t)words[0]);
	else if (column == XA_LUA_SRC || column == XA_LUA_DST)
		push_address_text(L, words);
	else if (column == XA_LUA_INTERFACE)
		push_interface(L, words[0]);
	else if (column == XA_LUA_FRAGMENT)
		lua_pushboolean(L, words[0] != 0);
	else
		lua_pushinteger(L, (lua_Integer)words[0]);
}
