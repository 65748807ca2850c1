/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Whatever memory a call needs is a userdata of Lua's: it is under the cap, and an error frees it.
 */

#include "plugins/lua/snapshot.h"

#include <lauxlib.h>

#include "plugins/lua/fields.h"
#include "plugins/lua/flow_view.h"
#include "plugins/lua/groups.h"
#include "plugins/lua/guard.h"
#include "plugins/lua/hll.h"
#include "plugins/lua/top.h"

#define SNAPSHOT_TYPE "xa.snapshot"
#define GROUPS_FIRST  256
#define KEYS_MAX      6
#define TOP_MAX	      10000
#define CHUNK_BYTES   ((size_t)16 << 10)
/* What making room costs, however few flows there are; each flow costs one. */
#define CALL_STEPS 200
/* Standard errors of 0.8 % for one count, 2.3 % for one a group. */
#define BITS_ALONE 14
#define BITS_GROUP 11

struct snapshot {
	uint64_t serial;
};

/* What flows are grouped by, and what comes of it. */
struct grouping {
	int columns[KEYS_MAX];
	int count;
	size_t words;
	uint64_t serial;
	size_t next; /* of the iterator */
};

/* Words of a group's payload. */
enum sum {
	SUM_PACKETS,
	SUM_BYTES,
	SUM_PACKETS_DELTA,
	SUM_BYTES_DELTA,
	SUM_FLOWS,
	SUM_COUNT_
};
#define HLL_WORDS (sizeof(struct xa_lua_hll) / sizeof(uint64_t))
_Static_assert(sizeof(struct xa_lua_hll) % sizeof(uint64_t) == 0, "whole words");

static void check_fresh(lua_State *L, uint64_t serial)
{
	if (serial != xa_lua_of(L)->serial)
		luaL_error(L, "snapshot used after its call");
}

static const struct xa_plugin_batch *check_snapshot(lua_State *L)
{
	const struct snapshot *snapshot = luaL_checkudata(L, 1, SNAPSHOT_TYPE);

	check_fresh(L, snapshot->serial);
	return xa_lua_of(L)->batch;
}

static int key_column(lua_State *L, int index)
{
	const int column = xa_lua_column_check(L, index);

	if (!xa_lua_column_is_key(column))
		return luaL_error(L, "flows cannot be grouped by '%s'",
				  xa_lua_column_name(xa_lua_of(L), column));
	return column;
}

/* --- groups --- */

/* Pushes what the arguments from `first` on name. */
static struct grouping *push_grouping(lua_State *L, int first)
{
	const int last = lua_gettop(L);
	struct grouping *by = lua_newuserdatauv(L, sizeof(*by), 0);

	*by = (struct grouping){.serial = xa_lua_of(L)->serial};
	if (last - first >= KEYS_MAX)
		luaL_error(L, "flows are grouped by %d fields at most", KEYS_MAX);
	for (int i = first; i <= last; i++) {
		by->columns[by->count] = key_column(L, i);
		by->words += xa_lua_column_words(by->columns[by->count++]);
	}
	return by;
}

static void grouping_key(const struct xa_lua *lua, const struct grouping *by,
			 const struct xa_plugin_flow *flow, uint64_t *ret_key)
{
	for (int i = 0; i < by->count; i++) {
		xa_lua_column_key(lua, flow, by->columns[i], ret_key);
		ret_key += xa_lua_column_words(by->columns[i]);
	}
}

static struct xa_lua_groups *push_groups(lua_State *L, size_t max, size_t words, size_t payload)
{
	struct xa_lua_groups *groups = lua_newuserdatauv(
		L, xa_lua_groups_bytes(max, words, payload), 0);

	xa_lua_groups_init(groups, max, words, payload, xa_lua_of(L)->seed);
	return groups;
}

/* The payload for that key in the groups at `index`, which may be replaced by larger ones. */
static uint64_t *group_of(lua_State *L, int index, const uint64_t *key)
{
	struct xa_lua_groups *groups = lua_touserdata(L, index), *larger;
	uint64_t *payload = xa_lua_groups_get(groups, key);

	if (payload)
		return payload;
	if (groups->max >= XA_LUA_GROUPS_MAX)
		return xa_lua_groups_rest(groups);
	larger = push_groups(L, groups->max * 2, groups->key_words, groups->payload_words);
	xa_lua_groups_move(larger, groups);
	lua_replace(L, index);
	return xa_lua_groups_get(larger, key);
}

/* Pushes the keys of a group; `key` NULL: those of the rest. */
static void push_keys(lua_State *L, const struct grouping *by, const uint64_t *key)
{
	for (int i = 0; i < by->count; i++) {
		if (!key) {
			lua_pushliteral(L, "other");
			continue;
		}
		xa_lua_column_push_key(L, by->columns[i], key);
		key += xa_lua_column_words(by->columns[i]);
	}
}

static void push_sum(lua_State *L, const uint64_t *sum)
{
	static const char *const names[] = {
		[SUM_PACKETS] = "packets",
		[SUM_BYTES] = "bytes",
		[SUM_PACKETS_DELTA] = "packets_delta",
		[SUM_BYTES_DELTA] = "bytes_delta",
		[SUM_FLOWS] = "flows",
	};

	lua_createtable(L, 0, SUM_COUNT_);
	for (int i = 0; i < SUM_COUNT_; i++) {
		lua_pushinteger(L, (lua_Integer)sum[i]);
		lua_setfield(L, -2, names[i]);
	}
}

static void push_distinct(lua_State *L, const uint64_t *payload)
{
	struct xa_lua_hll hll;

	memcpy(&hll, payload, sizeof(hll));
	lua_pushinteger(L, (lua_Integer)xa_lua_hll_count(&hll, BITS_GROUP));
}

/* Upvalues: the grouping, the groups, and what the payload may point to. */
static int next_group(lua_State *L, void (*push)(lua_State *, const uint64_t *))
{
	struct grouping *by = lua_touserdata(L, lua_upvalueindex(1));
	const struct xa_lua_groups *groups = lua_touserdata(L, lua_upvalueindex(2));
	const size_t at = by->next++;
	const uint64_t *record;

	check_fresh(L, by->serial);
	if (at > groups->count || (at == groups->count && !groups->has_rest))
		return 0;
	record = xa_lua_groups_at(groups, at == groups->count ? groups->max : at);
	push_keys(L, by, at == groups->count ? NULL : record);
	push(L, record + groups->key_words);
	return by->count + 1;
}

static int next_sum(lua_State *L)
{
	return next_group(L, push_sum);
}

static int next_distinct(lua_State *L)
{
	return next_group(L, push_distinct);
}

static void add_flow(uint64_t *sum, const struct xa_plugin_flow *flow)
{
	sum[SUM_PACKETS] += flow->packets;
	sum[SUM_BYTES] += flow->bytes;
	sum[SUM_PACKETS_DELTA] += flow->packets_delta;
	sum[SUM_BYTES_DELTA] += flow->bytes_delta;
	sum[SUM_FLOWS]++;
}

static int snapshot_sum_by(lua_State *L)
{
	const struct xa_plugin_batch *batch = check_snapshot(L);
	const struct xa_lua *lua = xa_lua_of(L);
	const struct grouping *by;
	uint64_t key[KEYS_MAX * XA_LUA_KEY_WORDS];
	int at;

	luaL_argcheck(L, lua_gettop(L) > 1, 2, "the name of a field or label is missing");
	by = push_grouping(L, 2);
	push_groups(L, GROUPS_FIRST, by->words, SUM_COUNT_);
	at = lua_gettop(L);
	xa_lua_charge(L, CALL_STEPS + batch->count);
	for (size_t i = 0; i < batch->count; i++) {
		if (xa_lua_is_hidden(lua, &batch->flows[i]))
			continue;
		grouping_key(lua, by, &batch->flows[i], key);
		add_flow(group_of(L, at, key), &batch->flows[i]);
	}
	lua_pushcclosure(L, next_sum, 2);
	return 1;
}

/* --- counting what is different --- */

/* Small zeroed pieces of chunks that a table holds. */
struct pool {
	lua_State *L;
	int table;
	uint8_t *chunk;
	size_t left;
};

static void *pool_alloc(void *ctx, size_t bytes)
{
	struct pool *pool = ctx;
	void *piece;

	if (pool->left < bytes) {
		pool->left = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
		pool->chunk = lua_newuserdatauv(pool->L, pool->left, 0);
		memset(pool->chunk, 0, pool->left);
		lua_rawseti(pool->L, pool->table,
			    (lua_Integer)lua_rawlen(pool->L, pool->table) + 1);
	}
	piece = pool->chunk;
	pool->chunk += bytes;
	pool->left -= bytes;
	return piece;
}

static uint32_t hash_value(const struct xa_lua *lua, const struct xa_plugin_flow *flow, int column)
{
	uint64_t words[XA_LUA_KEY_WORDS];

	xa_lua_column_key(lua, flow, column, words);
	return (uint32_t)(xa_lua_hash(words, xa_lua_column_words(column), lua->seed) >> 32);
}

static int count_alone(lua_State *L, const struct xa_plugin_batch *batch, int what,
		       struct pool *pool)
{
	const struct xa_lua *lua = xa_lua_of(L);
	struct xa_lua_hll hll = {0};

	for (size_t i = 0; i < batch->count; i++) {
		if (!xa_lua_is_hidden(lua, &batch->flows[i]))
			(void)xa_lua_hll_add(&hll, BITS_ALONE,
					     hash_value(lua, &batch->flows[i], what), pool_alloc,
					     pool);
	}
	lua_pushinteger(L, (lua_Integer)xa_lua_hll_count(&hll, BITS_ALONE));
	return 1;
}

/* Stack: the grouping, the groups, the pool's table. */
static int count_by_group(lua_State *L, const struct xa_plugin_batch *batch, int what,
			  const struct grouping *by, struct pool *pool)
{
	const struct xa_lua *lua = xa_lua_of(L);
	const int groups = pool->table - 1;
	uint64_t key[KEYS_MAX * XA_LUA_KEY_WORDS];

	for (size_t i = 0; i < batch->count; i++) {
		const struct xa_plugin_flow *flow = &batch->flows[i];

		if (xa_lua_is_hidden(lua, flow))
			continue;
		grouping_key(lua, by, flow, key);
		/* The payload is a struct xa_lua_hll as it is; no allocation moves it. */
		(void)xa_lua_hll_add((struct xa_lua_hll *)group_of(L, groups, key), BITS_GROUP,
				     hash_value(lua, flow, what), pool_alloc, pool);
	}
	lua_pushcclosure(L, next_distinct, 3);
	return 1;
}

static int snapshot_count_distinct(lua_State *L)
{
	const struct xa_plugin_batch *batch = check_snapshot(L);
	const int what = key_column(L, 2);
	const struct grouping *by = push_grouping(L, 3);
	struct pool pool = {.L = L};

	if (by->count)
		push_groups(L, GROUPS_FIRST, by->words, HLL_WORDS);
	lua_newtable(L);
	pool.table = lua_gettop(L);
	xa_lua_charge(L, CALL_STEPS + batch->count);
	return by->count ? count_by_group(L, batch, what, by, &pool)
			 : count_alone(L, batch, what, &pool);
}

/* --- flows themselves --- */

static int next_flow(lua_State *L)
{
	struct xa_lua_view *view = xa_lua_view_check(L, 1);
	const struct xa_lua *lua = xa_lua_of(L);
	const struct xa_plugin_batch *batch = lua->batch;

	for (; view->next < batch->count; view->next++) {
		const struct xa_plugin_flow *flow = &batch->flows[view->next];

		if (xa_lua_is_hidden(lua, flow))
			continue;
		view->flow = flow;
		view->next++;
		lua_settop(L, 1);
		return 1;
	}
	view->flow = NULL;
	return 0;
}

static int snapshot_flows(lua_State *L)
{
	(void)check_snapshot(L);
	lua_pushcfunction(L, next_flow);
	(void)xa_lua_view_push(L);
	return 2;
}

/* A table that outlives the snapshot: all fields, and the labels that the rule knows. */
static void push_copy(lua_State *L, const struct xa_plugin_flow *flow)
{
	const struct xa_lua *lua = xa_lua_of(L);
	const int end = XA_LUA_COLUMN_LABELS + (int)lua->label_count;

	lua_createtable(L, 0, end);
	for (int column = 0; column < end; column++) {
		if (column == XA_LUA_METHOD_LABEL)
			continue;
		xa_lua_column_push(L, flow, column);
		lua_setfield(L, -2, xa_lua_column_name(lua, column));
	}
}

static int rank_column(lua_State *L, int index)
{
	int column = XA_LUA_BYTES;

	if (!lua_isnoneornil(L, index))
		column = xa_lua_column_check(L, index);
	if (!xa_lua_column_is_rank(column))
		return luaL_error(L, "flows cannot be ranked by '%s'",
				  xa_lua_column_name(xa_lua_of(L), column));
	return column;
}

static int snapshot_top(lua_State *L)
{
	const struct xa_plugin_batch *batch = check_snapshot(L);
	const struct xa_lua *lua = xa_lua_of(L);
	const lua_Integer n = luaL_checkinteger(L, 2);
	const int column = rank_column(L, 3);
	struct xa_lua_top top = {0};

	luaL_argcheck(L, n >= 1 && n <= TOP_MAX, 2, "from 1 to 10000");
	top.max = (size_t)n;
	top.heap = lua_newuserdatauv(L, top.max * sizeof(*top.heap), 0);
	xa_lua_charge(L, CALL_STEPS + batch->count);
	for (size_t i = 0; i < batch->count; i++) {
		const struct xa_plugin_flow *flow = &batch->flows[i];

		if (!xa_lua_is_hidden(lua, flow))
			xa_lua_top_add(&top, xa_lua_column_rank(flow, column), (uint32_t)i);
	}
	xa_lua_top_sort(&top);
	lua_createtable(L, (int)top.count, 0);
	for (size_t i = 0; i < top.count; i++) {
		push_copy(L, &batch->flows[top.heap[i].position]);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	return 1;
}

/* --- the object --- */

static const luaL_Reg methods[] = {
	{"sum_by", snapshot_sum_by},
	{"count_distinct", snapshot_count_distinct},
	{"flows", snapshot_flows},
	{"top", snapshot_top},
	{NULL, NULL},
};

static const char *const members[] = {
	"packets", "bytes", "count", "now", "interval", "sum_by", "count_distinct", "flows", "top",
};

/* Upvalue: the methods. */
static int snapshot_index(lua_State *L)
{
	const struct xa_plugin_batch *batch = check_snapshot(L);
	const char *name = luaL_checkstring(L, 2);

	if (strcmp(name, "packets") == 0)
		lua_pushinteger(L, (lua_Integer)batch->packets);
	else if (strcmp(name, "bytes") == 0)
		lua_pushinteger(L, (lua_Integer)batch->bytes);
	else if (strcmp(name, "count") == 0)
		lua_pushinteger(L, (lua_Integer)batch->count);
	else if (strcmp(name, "now") == 0)
		lua_pushnumber(L, (lua_Number)batch->now_ns / 1e9);
	else if (strcmp(name, "interval") == 0)
		lua_pushnumber(L, (lua_Number)batch->interval_ns / 1e9);
	else if (lua_getfield(L, lua_upvalueindex(1), name) == LUA_TNIL)
		return luaL_error(L, "snapshots have no '%s'%s", name,
				  xa_lua_push_hint(L, name, members, xa_lua_array_size(members)));
	return 1;
}

static int snapshot_newindex(lua_State *L)
{
	return luaL_error(L, "snapshots are read-only");
}

void xa_lua_snapshot_push(lua_State *L)
{
	struct snapshot *snapshot = lua_newuserdatauv(L, sizeof(*snapshot), 0);

	snapshot->serial = xa_lua_of(L)->serial;
	luaL_setmetatable(L, SNAPSHOT_TYPE);
}

void xa_lua_snapshot_open(lua_State *L)
{
	luaL_newmetatable(L, SNAPSHOT_TYPE);
	luaL_newlib(L, methods);
	lua_pushcclosure(L, snapshot_index, 1);
	lua_setfield(L, -2, "__index");
	lua_pushcfunction(L, snapshot_newindex);
	lua_setfield(L, -2, "__newindex");
	lua_pushliteral(L, "locked");
	lua_setfield(L, -2, "__metatable");
	lua_pop(L, 1);
}
