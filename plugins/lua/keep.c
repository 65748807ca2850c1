/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * One byte says what follows: a number's or a string's bytes, or a table's keys and values up to
 * its end. The bytes come back through the auditor, so that reading trusts none of them.
 */

#include "plugins/lua/keep.h"

#include <stdint.h>
#include <string.h>

#include <lauxlib.h>

#define DEPTH_MAX 16
#define MAGIC	  "xaS1"
#define MAGIC_LEN 4

enum tag {
	TAG_INTEGER = 'i',
	TAG_FLOAT = 'f',
	TAG_STRING = 's',
	TAG_TRUE = '1',
	TAG_FALSE = '0',
	TAG_TABLE = '{',
	TAG_END = '}',
};

struct writer {
	uint8_t *to;
	size_t size, len; /* len > size: it was too much */
};

struct reader {
	const uint8_t *from;
	size_t left;
};

static void put(struct writer *writer, const void *bytes, size_t len)
{
	if (writer->len <= writer->size && len <= writer->size - writer->len) {
		if (len)
			memcpy(writer->to + writer->len, bytes, len);
		writer->len += len;
	} else {
		writer->len = writer->size + 1;
	}
}

static void put_tagged(struct writer *writer, enum tag tag, const void *bytes, size_t len)
{
	const uint8_t byte = (uint8_t)tag;

	put(writer, &byte, 1);
	put(writer, bytes, len);
}

static void put_string(struct writer *writer, lua_State *L, int index)
{
	size_t len;
	const char *text = lua_tolstring(L, index, &len);
	const uint64_t length = len;

	put_tagged(writer, TAG_STRING, &length, sizeof(length));
	put(writer, text, len);
}

static void put_number(struct writer *writer, lua_State *L, int index)
{
	const lua_Integer integer = lua_tointeger(L, index);
	const lua_Number number = lua_tonumber(L, index);

	if (lua_isinteger(L, index))
		put_tagged(writer, TAG_INTEGER, &integer, sizeof(integer));
	else
		put_tagged(writer, TAG_FLOAT, &number, sizeof(number));
}

static bool can_keep(lua_State *L, int index, int depth)
{
	switch (lua_type(L, index)) {
	case LUA_TNUMBER:
	case LUA_TSTRING:
	case LUA_TBOOLEAN:
		return true;
	case LUA_TTABLE:
		return depth < DEPTH_MAX && lua_checkstack(L, 4);
	default:
		return false;
	}
}

static void put_table(struct writer *writer, lua_State *L, int index, int depth);

static void put_value(struct writer *writer, lua_State *L, int index, int depth)
{
	switch (lua_type(L, index)) {
	case LUA_TNUMBER:
		put_number(writer, L, index);
		break;
	case LUA_TSTRING:
		put_string(writer, L, index);
		break;
	case LUA_TBOOLEAN:
		put_tagged(writer, lua_toboolean(L, index) ? TAG_TRUE : TAG_FALSE, NULL, 0);
		break;
	default:
		put_table(writer, L, index, depth + 1);
	}
}

static void put_table(struct writer *writer, lua_State *L, int index, int depth)
{
	put_tagged(writer, TAG_TABLE, NULL, 0);
	for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
		const int value = lua_gettop(L), key = value - 1;

		/* A table that holds itself ends here as well. */
		if (writer->len > writer->size || lua_type(L, key) == LUA_TTABLE ||
		    !can_keep(L, key, depth) || !can_keep(L, value, depth))
			continue;
		put_value(writer, L, key, depth);
		put_value(writer, L, value, depth);
	}
	put_tagged(writer, TAG_END, NULL, 0);
}

size_t xa_lua_keep_write(lua_State *L, int index, void *to, size_t size)
{
	struct writer writer = {.to = to, .size = size};

	put(&writer, MAGIC, MAGIC_LEN);
	put_table(&writer, L, lua_absindex(L, index), 1);
	return writer.len <= size ? writer.len : 0;
}

static bool get(struct reader *reader, void *ret, size_t len)
{
	if (len > reader->left)
		return false;
	memcpy(ret, reader->from, len);
	reader->from += len;
	reader->left -= len;
	return true;
}

static bool get_string(struct reader *reader, lua_State *L)
{
	uint64_t len;

	if (!get(reader, &len, sizeof(len)) || len > reader->left)
		return false;
	lua_pushlstring(L, (const char *)reader->from, len);
	reader->from += len;
	reader->left -= len;
	return true;
}

static bool get_number(struct reader *reader, lua_State *L, uint8_t tag)
{
	lua_Integer integer;
	lua_Number number;

	if (tag == TAG_INTEGER) {
		if (!get(reader, &integer, sizeof(integer)))
			return false;
		lua_pushinteger(L, integer);
	} else {
		if (!get(reader, &number, sizeof(number)))
			return false;
		lua_pushnumber(L, number);
	}
	return true;
}

static bool get_table(struct reader *reader, lua_State *L, int depth);

/* Pushes a value; of a false outcome something may be left on the stack. */
static bool get_value(struct reader *reader, lua_State *L, uint8_t tag, int depth)
{
	switch (tag) {
	case TAG_INTEGER:
	case TAG_FLOAT:
		return get_number(reader, L, tag);
	case TAG_STRING:
		return get_string(reader, L);
	case TAG_TRUE:
	case TAG_FALSE:
		lua_pushboolean(L, tag == TAG_TRUE);
		return true;
	case TAG_TABLE:
		if (depth >= DEPTH_MAX)
			return false;
		lua_newtable(L);
		return get_table(reader, L, depth + 1);
	default:
		return false;
	}
}

static bool is_key(lua_State *L, int index)
{
	return lua_type(L, index) != LUA_TTABLE &&
	       !(lua_type(L, index) == LUA_TNUMBER &&
		 lua_tonumber(L, index) != lua_tonumber(L, index));
}

/* Fills the table at the top. */
static bool get_table(struct reader *reader, lua_State *L, int depth)
{
	uint8_t tag;

	while (get(reader, &tag, 1)) {
		if (tag == TAG_END)
			return true;
		luaL_checkstack(L, 4, NULL);
		if (!get_value(reader, L, tag, depth) || !is_key(L, -1) || !get(reader, &tag, 1) ||
		    !get_value(reader, L, tag, depth))
			return false;
		lua_rawset(L, -3);
	}
	return false;
}

static void move_entries(lua_State *L, int from, int to)
{
	for (lua_pushnil(L); lua_next(L, from); lua_pop(L, 1)) {
		lua_pushvalue(L, -2);
		lua_pushvalue(L, -2);
		lua_rawset(L, to);
	}
}

bool xa_lua_keep_read(lua_State *L, int index, const void *from, size_t size)
{
	struct reader reader = {.from = from, .left = size};
	const int top = lua_gettop(L), to = lua_absindex(L, index);
	char magic[MAGIC_LEN];
	uint8_t tag;
	bool good;

	lua_newtable(L);
	good = get(&reader, magic, sizeof(magic)) && memcmp(magic, MAGIC, MAGIC_LEN) == 0 &&
	       get(&reader, &tag, 1) && tag == TAG_TABLE && get_table(&reader, L, 1) &&
	       !reader.left;
	if (good)
		move_entries(L, top + 1, to);
	lua_settop(L, top);
	return good;
}
