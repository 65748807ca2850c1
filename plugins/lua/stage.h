/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * One Lua stage: what its rule file declared, and what is going on. Each stage has a lua_State of
 * its own; whatever can raise an error runs below xa_lua_protect().
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <lua.h>

#include "plugins/lua/heap.h"
#include "plugins/xa_plugin.h"

#define xa_lua_array_size(a) (sizeof(a) / sizeof((a)[0]))

/* A label that the rule can read; its own ones come first. */
struct xa_lua_label {
	const char *name; /* anchored */
	uint32_t *column; /* by flow->handle */
};

struct xa_lua_metric {
	const char *name; /* anchored, as the labels are */
	const char *labels[XA_PLUGIN_METRIC_LABELS_MAX];
	size_t label_count;
	enum xa_plugin_metric_type type;
	int number; /* the host's */
};

/* VM instructions, and what native functions charge for loops of their own. */
struct xa_lua_budget {
	uint64_t steps; /* of one call from outside */
	uint64_t left;
	bool is_gone;
};

/* Why the last protected call failed. */
struct xa_lua_fault {
	enum xa_plugin_cause cause;
	char file[512];
	uint32_t line;
};

/* Names of fields by the address of their interned text: a power of two, four times what there can
 * be. */
#define XA_LUA_NAMES 128

struct xa_lua_name {
	const char *text;
	int column;
};

struct xa_lua {
	const struct xa_plugin_host *host;
	const char *file; /* as configured; lives as long as the worker */
	const struct xa_plugin_node *options;
	lua_State *L;
	struct xa_lua_heap heap;
	struct xa_lua_budget budget;
	struct xa_lua_fault fault;
	uint64_t seed; /* of hashes of what traffic decides */

	struct xa_lua_name names[XA_LUA_NAMES];
	struct xa_lua_label labels[XA_PLUGIN_LABELS_MAX];
	size_t label_count, own_count;
	struct xa_lua_metric metrics[XA_PLUGIN_METRICS_MAX];
	size_t metric_count;
	int label_ref, filter_ref, derive_ref; /* in the registry; LUA_NOREF: none */
	bool keep_state;

	struct xa_lua_cidr *sets; /* all there are */
	char *source; /* the file that is being compiled */
	bool is_opening;
	bool is_deriving;
	const struct xa_plugin_batch *batch; /* while run() runs */
	uint8_t *hidden; /* the host's */
	uint8_t *hid; /* a bit for each flow of the batch: this stage hid it */
	size_t hid_bytes;
	uint64_t serial; /* of calls: what was handed out in another one is stale */
};

static inline struct xa_lua *xa_lua_of(lua_State *L)
{
	struct xa_lua *lua;

	memcpy(&lua, lua_getextraspace(L), sizeof(lua));
	return lua;
}

static inline bool xa_lua_is_hidden(const struct xa_lua *lua, const struct xa_plugin_flow *flow)
{
	return lua->hidden[flow->handle];
}
