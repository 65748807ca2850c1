/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Everything is checked here, so that an error names the line of the rule. */

#include "plugins/lua/emit.h"

#include <errno.h>
#include <math.h>

#include <lauxlib.h>

#include "plugins/lua/guard.h"
#include "plugins/lua/values.h"

static const char index_key = 'm';

static int unknown_metric(lua_State *L, const struct xa_lua *lua, const char *name)
{
	const char *names[XA_PLUGIN_METRICS_MAX];

	for (size_t i = 0; i < lua->metric_count; i++)
		names[i] = lua->metrics[i].name;
	return xa_lua_invalid(L, "emit: no metric '%s' is declared%s", name,
			      xa_lua_push_hint(L, name, names, lua->metric_count));
}

static const struct xa_lua_metric *check_metric(lua_State *L, int index)
{
	const struct xa_lua *lua = xa_lua_of(L);
	lua_Integer number;

	luaL_checktype(L, index, LUA_TSTRING);
	lua_rawgetp(L, LUA_REGISTRYINDEX, &index_key);
	lua_pushvalue(L, index);
	if (lua_rawget(L, -2) != LUA_TNUMBER)
		unknown_metric(L, lua, lua_tostring(L, index));
	number = lua_tointeger(L, -1);
	lua_pop(L, 2);
	return &lua->metrics[number];
}

static size_t label_position(lua_State *L, const struct xa_lua_metric *metric, int index)
{
	const char *name;

	if (lua_type(L, index) != LUA_TSTRING)
		xa_lua_invalid(L, "emit: metric '%s': a %s is no label's name", metric->name,
			       luaL_typename(L, index));
	name = lua_tostring(L, index);
	for (size_t i = 0; i < metric->label_count; i++) {
		/* The addresses differ only for names that Lua does not keep once. */
		if (metric->labels[i] == name || strcmp(metric->labels[i], name) == 0)
			return i;
	}
	return (size_t)xa_lua_invalid(
		L, "emit: metric '%s' has no label '%s'%s", metric->name, name,
		xa_lua_push_hint(L, name, metric->labels, metric->label_count));
}

static void take_label(lua_State *L, const struct xa_lua_metric *metric, uint32_t *values,
		       bool *given)
{
	const size_t at = label_position(L, metric, -2);
	const char *fault = xa_lua_value(L, -1, &values[at]);

	if (fault)
		xa_lua_invalid(L, "emit: metric '%s': label '%s' is %s", metric->name,
			       metric->labels[at], fault);
	given[at] = true;
}

static void check_labels(lua_State *L, const struct xa_lua_metric *metric, int index,
			 uint32_t *values)
{
	bool given[XA_PLUGIN_METRIC_LABELS_MAX] = {false};

	if (!lua_isnoneornil(L, index)) {
		luaL_checktype(L, index, LUA_TTABLE);
		for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
			take_label(L, metric, values, given);
	}
	for (size_t i = 0; i < metric->label_count; i++) {
		if (!given[i])
			xa_lua_invalid(L, "emit: metric '%s': label '%s' is missing", metric->name,
				       metric->labels[i]);
	}
}

static void check_number(lua_State *L, const struct xa_lua_metric *metric, int index)
{
	double number;

	if (lua_type(L, index) != LUA_TNUMBER)
		xa_lua_invalid(L, "emit: metric '%s': a %s is no number", metric->name,
			       luaL_typename(L, index));
	number = lua_tonumber(L, index);
	if (!isfinite(number))
		xa_lua_invalid(L, "emit: metric '%s': the number is not finite", metric->name);
	if (metric->type == XA_PLUGIN_COUNTER && number < 0)
		xa_lua_invalid(L, "emit: metric '%s': a counter cannot take %f", metric->name,
			       number);
}

/* What is one sample too many is counted by the host, and is no fault of the line that gave it. */
static int emit(lua_State *L)
{
	const struct xa_lua *lua = xa_lua_of(L);
	const struct xa_plugin_host *host = lua->host;
	const struct xa_lua_metric *metric;
	uint32_t values[XA_PLUGIN_METRIC_LABELS_MAX] = {0};
	int error;

	if (!lua->is_deriving)
		return luaL_error(L, "emit: only derive() may call it");
	lua_settop(L, 3);
	metric = check_metric(L, 1);
	check_number(L, metric, 2);
	check_labels(L, metric, 3, values);
	if (lua_isinteger(L, 2) && lua_tointeger(L, 2) >= 0)
		error = host->sample_u64(host, metric->number, values,
					 (uint64_t)lua_tointeger(L, 2));
	else
		error = host->sample(host, metric->number, values, lua_tonumber(L, 2));
	if (error && error != -ENOSPC)
		return xa_lua_invalid(L, "emit: metric '%s': refused", metric->name);
	return 0;
}

void xa_lua_emit_open(lua_State *L)
{
	const struct xa_lua *lua = xa_lua_of(L);

	lua_createtable(L, 0, (int)lua->metric_count);
	for (size_t i = 0; i < lua->metric_count; i++) {
		lua_pushinteger(L, (lua_Integer)i);
		lua_setfield(L, -2, lua->metrics[i].name);
	}
	lua_rawsetp(L, LUA_REGISTRYINDEX, &index_key);
}

void xa_lua_emit_push(lua_State *L)
{
	lua_pushcfunction(L, emit);
}
