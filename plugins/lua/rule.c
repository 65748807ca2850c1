/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Everything is read by raw access and copied or anchored, so that a rule which changes its table
 * later changes nothing. Metrics are declared in the order of their names, since Lua's tables have
 * none.
 */

#include "plugins/lua/rule.h"

#include <math.h>
#include <stdlib.h>

#include <lauxlib.h>

#include "plugins/lua/fields.h"
#include "plugins/lua/guard.h"

static const char *const type_names[] = {
	[XA_PLUGIN_GAUGE] = "gauge",
	[XA_PLUGIN_COUNTER] = "counter",
	[XA_PLUGIN_HISTOGRAM] = "histogram",
};

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

/* Refuses keys of the table at `index` that are none of the names; `where` begins the message. */
static void check_keys(lua_State *L, int index, const char *where, const char *const *names,
		       size_t count)
{
	for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
		const char *key;

		if (lua_type(L, -2) != LUA_TSTRING)
			xa_lua_invalid(L, "%s: a %s is no key here", where, luaL_typename(L, -2));
		key = lua_tostring(L, -2);
		if (!is_one_of(key, names, count))
			xa_lua_invalid(L, "%s: unknown key '%s'%s", where, key,
				       xa_lua_push_hint(L, key, names, count));
	}
}

/* Pushes the field and says its type; raises if it is there and of another type. */
static bool push_field(lua_State *L, int index, const char *where, const char *name, int type)
{
	lua_pushstring(L, name);
	if (lua_rawget(L, index) == LUA_TNIL)
		return false;
	if (lua_type(L, -1) != type)
		xa_lua_invalid(L, "%s: '%s' has to be a %s, not a %s", where, name,
			       lua_typename(L, type), luaL_typename(L, -1));
	return true;
}

/* The length of the list at `index`, which has nothing but 1 to that. */
static size_t check_list(lua_State *L, int index, const char *where, size_t max)
{
	const size_t len = (size_t)lua_rawlen(L, index);
	size_t count = 0;

	for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
		count++;
	if (count != len)
		xa_lua_invalid(L, "%s: has to be a list", where);
	if (len > max)
		xa_lua_invalid(L, "%s: %d at most, not %d", where, (int)max, (int)len);
	return len;
}

/* Reads a list of names at the top, anchored; pops it. */
static size_t read_names(lua_State *L, const char *where, size_t max, const char **ret_names)
{
	const int list = lua_gettop(L);
	const size_t len = check_list(L, list, where, max);

	for (size_t i = 0; i < len; i++) {
		if (lua_rawgeti(L, list, (lua_Integer)i + 1) != LUA_TSTRING)
			xa_lua_invalid(L, "%s: names are strings, not a %s", where,
				       luaL_typename(L, -1));
		ret_names[i] = xa_lua_anchor(L, -1);
		lua_pop(L, 1);
	}
	lua_settop(L, list - 1);
	return len;
}

static int refused(lua_State *L, const char *what, const char *name)
{
	/* The host was told by declare_...(), and keeps the first word on it. */
	return xa_lua_invalid(L, "%s '%s' was refused", what, name);
}

static void declare_label(lua_State *L, struct xa_lua *lua, const char *name)
{
	int number;

	if (is_one_of(name, xa_lua_field_names, XA_LUA_FIELD_COUNT_))
		xa_lua_invalid(L, "labels: flows have '%s' already", name);
	number = lua->host->declare_label(lua->host, name);
	if (number < 0)
		refused(L, "label", name);
	lua->labels[lua->own_count] = (struct xa_lua_label){
		.name = name,
		.column = lua->host->column(lua->host, number),
	};
	lua->own_count++;
	xa_lua_fields_add_label(lua, lua->label_count++);
}

static void read_labels(lua_State *L, int rule)
{
	struct xa_lua *lua = xa_lua_of(L);
	const char *names[XA_PLUGIN_LABELS_MAX];
	size_t count;

	if (!push_field(L, rule, "rule", "labels", LUA_TTABLE))
		return;
	count = read_names(L, "labels", XA_PLUGIN_LABELS_MAX, names);
	/* The rule has asked for no label of others yet, so that its own come first. */
	for (size_t i = 0; i < count; i++)
		declare_label(L, lua, names[i]);
}

/* --- metrics --- */

static enum xa_plugin_metric_type read_type(lua_State *L, int metric, const char *where)
{
	const char *name;

	if (!push_field(L, metric, where, "type", LUA_TSTRING))
		xa_lua_invalid(L, "%s: 'type' is missing", where);
	name = lua_tostring(L, -1);
	for (size_t i = 0; i < xa_lua_array_size(type_names); i++) {
		if (strcmp(name, type_names[i]) == 0)
			return (enum xa_plugin_metric_type)i;
	}
	xa_lua_invalid(L, "%s: there is no type '%s'%s", where, name,
		       xa_lua_push_hint(L, name, type_names, xa_lua_array_size(type_names)));
	return XA_PLUGIN_GAUGE;
}

static size_t read_buckets(lua_State *L, int metric, const char *where, bool is_histogram,
			   double ret_buckets[static XA_PLUGIN_BUCKETS_MAX])
{
	size_t len;
	int list;

	if (!push_field(L, metric, where, "buckets", LUA_TTABLE)) {
		if (is_histogram)
			xa_lua_invalid(L, "%s: a histogram needs 'buckets'", where);
		return 0;
	}
	if (!is_histogram)
		xa_lua_invalid(L, "%s: only a histogram has 'buckets'", where);
	list = lua_gettop(L);
	len = check_list(L, list, where, XA_PLUGIN_BUCKETS_MAX);
	for (size_t i = 0; i < len; i++) {
		if (lua_rawgeti(L, list, (lua_Integer)i + 1) != LUA_TNUMBER)
			xa_lua_invalid(L, "%s: buckets are numbers", where);
		ret_buckets[i] = lua_tonumber(L, -1);
		if (!isfinite(ret_buckets[i]) || (i && ret_buckets[i] <= ret_buckets[i - 1]))
			xa_lua_invalid(L, "%s: buckets have to be finite and to rise", where);
	}
	return len;
}

/* The metric's table is at the top. */
static void declare_metric(lua_State *L, struct xa_lua *lua, const char *name)
{
	static const char *const keys[] = {"type", "help", "labels", "buckets"};
	const int table = lua_gettop(L);
	const char *where = lua_pushfstring(L, "metric '%s'", name);
	struct xa_lua_metric *metric = &lua->metrics[lua->metric_count];
	double buckets[XA_PLUGIN_BUCKETS_MAX];
	struct xa_plugin_metric wanted = {.name = name, .buckets = buckets};

	check_keys(L, table, where, keys, xa_lua_array_size(keys));
	*metric = (struct xa_lua_metric){.name = name};
	metric->type = wanted.type = read_type(L, table, where);
	if (push_field(L, table, where, "labels", LUA_TTABLE))
		metric->label_count = read_names(L, where, XA_PLUGIN_METRIC_LABELS_MAX,
						 metric->labels);
	wanted.labels = metric->labels;
	wanted.label_count = metric->label_count;
	wanted.bucket_count = read_buckets(L, table, where, wanted.type == XA_PLUGIN_HISTOGRAM,
					   buckets);
	if (!push_field(L, table, where, "help", LUA_TSTRING))
		xa_lua_invalid(L, "%s: 'help' is missing", where);
	wanted.help = lua_tostring(L, -1);
	metric->number = lua->host->declare_metric(lua->host, &wanted);
	if (metric->number < 0)
		refused(L, "metric", name);
	lua->metric_count++;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of the metrics of the table at `index`, in order. */
static size_t metric_names(lua_State *L, int index,
			   const char *ret_names[static XA_PLUGIN_METRICS_MAX])
{
	size_t count = 0;

	for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
		if (lua_type(L, -2) != LUA_TSTRING)
			xa_lua_invalid(L, "metrics: names are strings, not a %s",
				       luaL_typename(L, -2));
		if (lua_type(L, -1) != LUA_TTABLE)
			xa_lua_invalid(L, "metric '%s': has to be a table, not a %s",
				       lua_tostring(L, -2), luaL_typename(L, -1));
		if (count == XA_PLUGIN_METRICS_MAX)
			xa_lua_invalid(L, "metrics: %d at most", XA_PLUGIN_METRICS_MAX);
		ret_names[count++] = xa_lua_anchor(L, -2);
	}
	qsort(ret_names, count, sizeof(*ret_names), by_name);
	return count;
}

static void read_metrics(lua_State *L, int rule)
{
	const char *names[XA_PLUGIN_METRICS_MAX];
	size_t count;
	int table;

	if (!push_field(L, rule, "rule", "metrics", LUA_TTABLE))
		return;
	table = lua_gettop(L);
	count = metric_names(L, table, names);
	for (size_t i = 0; i < count; i++) {
		lua_pushstring(L, names[i]);
		lua_rawget(L, table);
		declare_metric(L, xa_lua_of(L), names[i]);
		lua_settop(L, table);
	}
}

/* --- the rest --- */

static int read_function(lua_State *L, int rule, const char *name)
{
	return push_field(L, rule, "rule", name, LUA_TFUNCTION) ? luaL_ref(L, LUA_REGISTRYINDEX)
								: LUA_NOREF;
}

static void check_api(lua_State *L, int rule)
{
	if (push_field(L, rule, "rule", "api", LUA_TNUMBER) && lua_tonumber(L, -1) != XA_LUA_API)
		xa_lua_invalid(L, "rule: it is written for API %f, this is %d", lua_tonumber(L, -1),
			       XA_LUA_API);
}

void xa_lua_rule_read(lua_State *L)
{
	static const char *const keys[] = {"labels", "metrics", "init",	      "label",
					   "filter", "derive",	"keep_state", "api"};
	struct xa_lua *lua = xa_lua_of(L);
	const int rule = lua_gettop(L);

	check_keys(L, rule, "rule", keys, xa_lua_array_size(keys));
	check_api(L, rule);
	read_labels(L, rule);
	read_metrics(L, rule);
	lua->label_ref = read_function(L, rule, "label");
	lua->filter_ref = read_function(L, rule, "filter");
	lua->derive_ref = read_function(L, rule, "derive");
	lua->keep_state = push_field(L, rule, "rule", "keep_state", LUA_TBOOLEAN) &&
			  lua_toboolean(L, -1);
	if (lua->label_ref != LUA_NOREF && !lua->own_count)
		xa_lua_invalid(L, "rule: it has a label() and declares no labels");
	(void)push_field(L, rule, "rule", "init", LUA_TFUNCTION);
	lua_replace(L, rule);
	lua_settop(L, rule);
}
