/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A set is a prefix tree whose numbers are places in a list of the rule's values, which is the
 * set's user value. The tree lives outside of Lua's heap and is charged to it by an estimate.
 *
 * Prefixes that address:within() is given as text are parsed once.
 */

#include "plugins/lua/address.h"

#include <errno.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <lauxlib.h>

#include "plugins/lua/guard.h"
#include "plugins/prefix.h"

#define ADDRESS_TYPE "xa.address"
#define CIDR_TYPE    "xa.cidr"
#define PARSED_MAX   256
/* A prefix and the branch above it. */
#define PREFIX_BYTES 128
#define PREFIX_STEPS 3

static const char parsed_key = 'p';

struct address {
	uint8_t bytes[16];
	uint8_t family;
};

/* Lua has but a pointer to it: where memory is short, it drops objects whose finalizer it could not
 * call. What is left over is in the stage's list. */
struct xa_lua_cidr {
	struct xa_lua_cidr *next, **link;
	struct xa_prefix_tree *tree;
	struct xa_lua_heap *heap;
	size_t count;
	lua_Integer values;
};

void xa_lua_address_push(lua_State *L, uint8_t family, const uint8_t bytes[16])
{
	struct address *address = lua_newuserdatauv(L, sizeof(*address), 0);

	address->family = family;
	memcpy(address->bytes, bytes, sizeof(address->bytes));
	luaL_setmetatable(L, ADDRESS_TYPE);
}

const char *xa_lua_address_format(uint8_t family, const uint8_t *bytes,
				  char text[XA_LUA_ADDRESS_TEXT_BYTES])
{
	if (!inet_ntop(family == 4 ? AF_INET : AF_INET6, bytes, text, XA_LUA_ADDRESS_TEXT_BYTES))
		text[0] = '\0';
	return text;
}

static int refuse_prefix(lua_State *L, const char *text, int error, const struct xa_prefix *prefix)
{
	char network[XA_PREFIX_TEXT_BYTES];

	if (error == -EDOM)
		return luaL_error(L, "'%s' has bits set behind its length (did you mean '%s'?)",
				  text, xa_prefix_format(prefix, network));
	return luaL_error(L, "'%s' is no address and no prefix", text);
}

/* Pushes the table of parsed prefixes, a new one when the old one is full. */
static void push_parsed(lua_State *L)
{
	if (lua_rawgetp(L, LUA_REGISTRYINDEX, &parsed_key) == LUA_TTABLE &&
	    lua_rawlen(L, -1) < PARSED_MAX)
		return;
	lua_pop(L, 1);
	lua_newtable(L);
	lua_pushvalue(L, -1);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &parsed_key);
}

/* The prefix that the string at `index` stands for; lives as long as what is pushed with it. */
static const struct xa_prefix *check_prefix(lua_State *L, int index)
{
	const char *text = luaL_checkstring(L, index);
	struct xa_prefix *prefix;
	int error;

	push_parsed(L);
	lua_pushvalue(L, index);
	if (lua_rawget(L, -2) == LUA_TUSERDATA)
		return lua_touserdata(L, -1);
	prefix = lua_newuserdatauv(L, sizeof(*prefix), 0);
	error = xa_prefix_parse(text, prefix);
	if (error)
		refuse_prefix(L, text, error, prefix);
	lua_pushvalue(L, index);
	lua_pushvalue(L, -2);
	lua_rawset(L, -5);
	/* The same as a list, so that the table knows how many there are. */
	lua_pushvalue(L, -1);
	lua_rawseti(L, -4, (lua_Integer)lua_rawlen(L, -4) + 1);
	return prefix;
}

/* An address object, or text that is one. */
static struct address check_address(lua_State *L, int index)
{
	const struct address *address = luaL_testudata(L, index, ADDRESS_TYPE);
	struct xa_prefix prefix;
	struct address parsed;
	const char *text;

	if (address)
		return *address;
	text = luaL_checkstring(L, index);
	if (strchr(text, '/') || xa_prefix_parse(text, &prefix) != 0)
		luaL_error(L, "'%s' is no address", text);
	parsed.family = prefix.family;
	memcpy(parsed.bytes, prefix.address, sizeof(parsed.bytes));
	return parsed;
}

static bool covers(const struct xa_prefix *prefix, const struct address *address)
{
	const size_t bytes = prefix->len / 8, bits = prefix->len % 8;

	if (prefix->family != address->family ||
	    memcmp(prefix->address, address->bytes, bytes) != 0)
		return false;
	return !bits || (prefix->address[bytes] ^ address->bytes[bytes]) >> (8 - bits) == 0;
}

static uint32_t find(const struct xa_lua_cidr *set, const struct address *address)
{
	return xa_prefix_tree_find(set->tree, address->family, address->bytes);
}

static int address_within(lua_State *L)
{
	const struct address *address = luaL_checkudata(L, 1, ADDRESS_TYPE);
	struct xa_lua_cidr *const *set = luaL_testudata(L, 2, CIDR_TYPE);

	lua_pushboolean(L, set ? find(*set, address) != 0 : covers(check_prefix(L, 2), address));
	return 1;
}

static int address_index(lua_State *L)
{
	const struct address *address = lua_touserdata(L, 1);
	const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";

	if (strcmp(name, "within") == 0)
		lua_pushcfunction(L, address_within);
	else if (strcmp(name, "family") == 0)
		lua_pushinteger(L, address->family);
	else
		return luaL_error(L, "addresses have 'within' and 'family', no '%s'", name);
	return 1;
}

static int address_tostring(lua_State *L)
{
	const struct address *address = luaL_checkudata(L, 1, ADDRESS_TYPE);
	char text[XA_LUA_ADDRESS_TEXT_BYTES];

	lua_pushstring(L, xa_lua_address_format(address->family, address->bytes, text));
	return 1;
}

static int address_concat(lua_State *L)
{
	luaL_tolstring(L, 1, NULL);
	luaL_tolstring(L, 2, NULL);
	lua_concat(L, 2);
	return 1;
}

/* -1, 0 or 1 as the first address stands before, at or behind the second; IPv4 first. */
static int compare(lua_State *L)
{
	const struct address *a = luaL_checkudata(L, 1, ADDRESS_TYPE);
	const struct address *b = luaL_checkudata(L, 2, ADDRESS_TYPE);

	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

static int address_eq(lua_State *L)
{
	const bool both = luaL_testudata(L, 1, ADDRESS_TYPE) && luaL_testudata(L, 2, ADDRESS_TYPE);

	lua_pushboolean(L, both && compare(L) == 0);
	return 1;
}

static int address_lt(lua_State *L)
{
	lua_pushboolean(L, compare(L) < 0);
	return 1;
}

static int address_le(lua_State *L)
{
	lua_pushboolean(L, compare(L) <= 0);
	return 1;
}

static void cidr_free(struct xa_lua_cidr *set)
{
	if (!set)
		return;
	*set->link = set->next;
	if (set->next)
		set->next->link = set->link;
	xa_lua_heap_release(set->heap, set->count * PREFIX_BYTES);
	xa_prefix_tree_free(set->tree);
	free(set);
}

void xa_lua_address_close(struct xa_lua *lua)
{
	while (lua->sets)
		cidr_free(lua->sets);
}

static int cidr_gc(lua_State *L)
{
	struct xa_lua_cidr **held = lua_touserdata(L, 1);

	cidr_free(*held);
	*held = NULL;
	return 0;
}

static struct xa_lua_cidr *check_set(lua_State *L)
{
	return *(struct xa_lua_cidr **)luaL_checkudata(L, 1, CIDR_TYPE);
}

/* Pushes an empty set. */
static struct xa_lua_cidr *push_set(lua_State *L)
{
	struct xa_lua *lua = xa_lua_of(L);
	struct xa_lua_cidr **held = lua_newuserdatauv(L, sizeof(*held), 1), *set;

	*held = NULL;
	luaL_setmetatable(L, CIDR_TYPE);
	set = calloc(1, sizeof(*set));
	if (!set)
		luaL_error(L, "not enough memory for a set of prefixes");
	set->heap = &lua->heap;
	set->link = &lua->sets;
	set->next = lua->sets;
	if (set->next)
		set->next->link = &set->next;
	lua->sets = *held = set;
	if (xa_prefix_tree_new(&set->tree) != 0)
		luaL_error(L, "not enough memory for a set of prefixes");
	return set;
}

/* Room for one prefix more; what is garbage goes first. */
static void charge_prefix(lua_State *L, struct xa_lua_cidr *set)
{
	if (!xa_lua_heap_charge(set->heap, PREFIX_BYTES)) {
		lua_gc(L, LUA_GCCOLLECT);
		if (!xa_lua_heap_charge(set->heap, PREFIX_BYTES))
			/* Nothing can be had of this size: Lua raises its own error of memory. */
			(void)lua_newuserdatauv(L, set->heap->limit, 0);
	}
	set->count++;
}

/* The number of the value at the top, which it takes; equal values have one. Stack: set at 2, list
 * at 3, numbers by value at 4. */
static uint32_t number_value(lua_State *L, struct xa_lua_cidr *set)
{
	lua_Integer number;

	lua_pushvalue(L, -1);
	if (lua_rawget(L, 4) == LUA_TNUMBER) {
		number = lua_tointeger(L, -1);
		lua_pop(L, 2);
		return (uint32_t)number;
	}
	lua_pop(L, 1);
	number = ++set->values;
	lua_pushvalue(L, -1);
	lua_rawseti(L, 3, number);
	lua_pushinteger(L, number);
	lua_rawset(L, 4);
	return (uint32_t)number;
}

/* The prefix's text is at -2, its value at the top, which it takes. */
static void add_prefix(lua_State *L, struct xa_lua_cidr *set)
{
	const char *text = lua_tostring(L, -2);
	struct xa_prefix prefix;
	int error = xa_prefix_parse(text, &prefix);
	uint32_t value;

	if (error)
		refuse_prefix(L, text, error, &prefix);
	xa_lua_charge(L, PREFIX_STEPS);
	charge_prefix(L, set);
	value = number_value(L, set);
	error = xa_prefix_tree_add(set->tree, &prefix, value);
	if (error == -EEXIST)
		luaL_error(L, "'%s' is there twice, with two values", text);
	else if (error)
		luaL_error(L, "not enough memory for a set of %I prefixes",
			   (LUAI_UACINT)set->count);
}

/* {"10.0.0.0/8", ...}, {["10.0.0.0/8"] = value, ...}, or both in one; key and value on the top, of
 * which the key is left. */
static void add_entry(lua_State *L, struct xa_lua_cidr *set)
{
	if (lua_type(L, -2) == LUA_TSTRING) {
		lua_pushvalue(L, -2);
		lua_insert(L, -2);
	} else {
		if (lua_type(L, -1) != LUA_TSTRING)
			luaL_error(L, "xa.cidr: %s in the list of prefixes", luaL_typename(L, -1));
		lua_pushboolean(L, 1);
	}
	add_prefix(L, set);
	lua_pop(L, 1);
}

static int cidr_new(lua_State *L)
{
	struct xa_lua_cidr *set;

	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	set = push_set(L);
	lua_newtable(L);
	lua_pushvalue(L, -1);
	lua_setiuservalue(L, 2, 1);
	lua_newtable(L);
	for (lua_pushnil(L); lua_next(L, 1);)
		add_entry(L, set);
	lua_settop(L, 2);
	return 1;
}

static int cidr_contains(lua_State *L)
{
	const struct xa_lua_cidr *set = check_set(L);
	const struct address address = check_address(L, 2);

	lua_pushboolean(L, find(set, &address) != 0);
	return 1;
}

static int cidr_lookup(lua_State *L)
{
	const struct xa_lua_cidr *set = check_set(L);
	const struct address address = check_address(L, 2);

	lua_getiuservalue(L, 1, 1);
	lua_rawgeti(L, -1, find(set, &address));
	return 1;
}

static int cidr_len(lua_State *L)
{
	const struct xa_lua_cidr *set = check_set(L);

	lua_pushinteger(L, (lua_Integer)set->count);
	return 1;
}

static void lock_metatable(lua_State *L)
{
	lua_pushliteral(L, "locked");
	lua_setfield(L, -2, "__metatable");
	lua_pop(L, 1);
}

static void open_cidr(lua_State *L)
{
	static const luaL_Reg own[] = {{"__gc", cidr_gc}, {"__len", cidr_len}, {NULL, NULL}};
	static const luaL_Reg methods[] = {
		{"contains", cidr_contains}, {"lookup", cidr_lookup}, {NULL, NULL}};

	luaL_newmetatable(L, CIDR_TYPE);
	luaL_setfuncs(L, own, 0);
	luaL_newlib(L, methods);
	lua_setfield(L, -2, "__index");
	lock_metatable(L);
}

void xa_lua_address_open(lua_State *L)
{
	static const luaL_Reg own[] = {
		{"__index", address_index},
		{"__tostring", address_tostring},
		{"__concat", address_concat},
		{"__eq", address_eq},
		{"__lt", address_lt},
		{"__le", address_le},
		{NULL, NULL},
	};

	luaL_newmetatable(L, ADDRESS_TYPE);
	luaL_setfuncs(L, own, 0);
	lock_metatable(L);
	open_cidr(L);
	lua_pushcfunction(L, cidr_new);
	lua_setfield(L, -2, "cidr");
}
