/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The plugin: opens a rule file, hands it one snapshot after the other, keeps its state over a
 * reload. A run that fails leaves no trace in labels and hidden flows.
 */

#include <errno.h>
#include <stdlib.h>

#include <lauxlib.h>
#include <sys/random.h>

#include "plugins/lua/address.h"
#include "plugins/lua/api.h"
#include "plugins/lua/emit.h"
#include "plugins/lua/fields.h"
#include "plugins/lua/flow_view.h"
#include "plugins/lua/guard.h"
#include "plugins/lua/judge.h"
#include "plugins/lua/keep.h"
#include "plugins/lua/loader.h"
#include "plugins/lua/options.h"
#include "plugins/lua/rule.h"
#include "plugins/lua/sandbox.h"
#include "plugins/lua/snapshot.h"
#include "plugins/lua/stage.h"

enum option {
	OPTION_FILE,
	OPTION_OPTIONS,
	OPTION_STEPS,
	OPTION_COUNT_
};

static const struct xa_plugin_option options[] = {
	[OPTION_FILE] = {.name = "file",
			 .type = XA_PLUGIN_FILE,
			 .required = true,
			 .help = "the rule file"},
	[OPTION_OPTIONS] = {.name = "options",
			    .type = XA_PLUGIN_TREE,
			    .help = "what the rule's init() is given"},
	[OPTION_STEPS] = {.name = "steps",
			  .type = XA_PLUGIN_INTEGER,
			  .fallback = "50000000",
			  .min = 100000,
			  .max = 1000000000000,
			  .help = "instructions that the rule may take for one snapshot"},
};
_Static_assert(xa_lua_array_size(options) == OPTION_COUNT_, "a row for each");

/* --- open --- */

static void restore_state(lua_State *L, struct xa_lua *lua)
{
	size_t len;
	const void *kept = lua->host->kept(lua->host, &len);

	if (!lua->keep_state || !kept || !len)
		return;
	xa_lua_api_push_state(L);
	if (!lua_istable(L, -1) || !xa_lua_keep_read(L, -1, kept, len))
		lua->host->log(lua->host, XA_PLUGIN_LOG_WARN,
			       "xa.state of the rule before cannot be read, ignoring");
	lua_pop(L, 1);
}

static int open_rule(lua_State *L)
{
	struct xa_lua *lua = xa_lua_of(L);

	xa_lua_sandbox_open(L);
	xa_lua_fields_open(L);
	xa_lua_view_open(L);
	xa_lua_snapshot_open(L);
	xa_lua_api_open(L);
	xa_lua_loader_open(L);
	xa_lua_load(L, lua->file);
	lua_call(L, 0, 1);
	if (!lua_istable(L, -1))
		return xa_lua_invalid(L, "rule: the file has to return a table, not a %s",
				      luaL_typename(L, -1));
	xa_lua_rule_read(L);
	xa_lua_emit_open(L);
	restore_state(L, lua);
	if (lua_isfunction(L, -1)) {
		xa_lua_options_push(L, lua->options);
		lua_call(L, 1, 0);
	}
	return 0;
}

static void lua_stage_close(void *state)
{
	struct xa_lua *lua = state;

	if (!lua)
		return;
	if (lua->L)
		lua_close(lua->L);
	xa_lua_address_close(lua);
	free(lua->source);
	free(lua->hid);
	free(lua);
}

/* Where no randomness is to be had, an address that the kernel chose has to do. */
static uint64_t make_seed(const void *address)
{
	uint64_t seed;

	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) == sizeof(seed))
		return seed;
	return (uint64_t)(uintptr_t)address * 0x9e3779b97f4a7c15ULL;
}

static int stage_new(struct xa_lua **ret, const struct xa_plugin_host *host,
		     const struct xa_plugin_value *values)
{
	struct xa_lua *lua = calloc(1, sizeof(*lua));

	if (!lua)
		return -ENOMEM;
	lua->host = host;
	lua->file = values[OPTION_FILE].text;
	lua->options = values[OPTION_OPTIONS].node;
	lua->budget.steps = (uint64_t)values[OPTION_STEPS].number;
	lua->label_ref = lua->filter_ref = lua->derive_ref = LUA_NOREF;
	lua->heap.limit = xa_lua_heap_limit(host->memory_bytes);
	lua->seed = make_seed(lua);
	lua->hidden = host->hidden(host);
	lua->L = lua_newstate(xa_lua_heap_alloc, &lua->heap);
	if (!lua->L) {
		lua_stage_close(lua);
		return -ENOMEM;
	}
	lua->heap.L = lua->L;
	memcpy(lua_getextraspace(lua->L), &lua, sizeof(lua));
	*ret = lua;
	return 0;
}

static int lua_stage_open(const struct xa_plugin_host *host, const struct xa_plugin_value *values,
			  void **ret_state)
{
	struct xa_lua *lua;
	int error = stage_new(&lua, host, values);

	if (error) {
		host->fail(host, XA_PLUGIN_MEMORY, &(struct xa_plugin_place){0},
			   "not enough memory for Lua");
		return error;
	}
	lua->is_opening = true;
	error = xa_lua_protect(lua, open_rule);
	lua->is_opening = false;
	if (error) {
		lua_stage_close(lua);
		return error;
	}
	*ret_state = lua;
	return 0;
}

/* --- run --- */

static int clear_hid(struct xa_lua *lua, size_t count)
{
	const size_t bytes = count / 8 + 1;

	if (bytes > lua->hid_bytes) {
		uint8_t *hid = realloc(lua->hid, bytes);

		if (!hid)
			return -ENOMEM;
		lua->hid = hid;
		lua->hid_bytes = bytes;
	}
	memset(lua->hid, 0, bytes);
	return 0;
}

static int lua_stage_run(void *state, const struct xa_plugin_batch *batch)
{
	struct xa_lua *lua = state;
	int error = clear_hid(lua, batch->count);

	if (error) {
		lua->host->fail(lua->host, XA_PLUGIN_MEMORY, &(struct xa_plugin_place){0},
				"not enough memory to note what is hidden");
		return error;
	}
	lua->batch = batch;
	lua->serial++;
	error = xa_lua_protect(lua, xa_lua_judge);
	if (error) {
		xa_lua_judge_undo(lua);
		/* What it piled up would wait for the next snapshot. */
		lua_gc(lua->L, LUA_GCCOLLECT);
	}
	/* From here on, every view that the rule has kept is stale. */
	lua->serial++;
	lua->is_deriving = false;
	lua->batch = NULL;
	return error;
}

/* --- save --- */

struct save {
	void *to;
	size_t size, len;
};

static int save_state(lua_State *L)
{
	struct save *save = lua_touserdata(L, 1);

	xa_lua_api_push_state(L);
	if (lua_istable(L, -1))
		save->len = xa_lua_keep_write(L, -1, save->to, save->size);
	return 0;
}

/* There is nobody to tell of an error but the log. */
static size_t lua_stage_save(void *state, void *to, size_t size)
{
	struct xa_lua *lua = state;
	struct save save = {.to = to, .size = size};

	if (!lua->keep_state)
		return 0;
	lua_pushcfunction(lua->L, save_state);
	lua_pushlightuserdata(lua->L, &save);
	(void)lua_pcall(lua->L, 1, 0, 0);
	lua_settop(lua->L, 0);
	if (!save.len)
		lua->host->log(lua->host, XA_PLUGIN_LOG_WARN,
			       "xa.state is no table or too large to be kept, ignoring");
	return save.len;
}

XA_PLUGIN(lua, .help = "rules in Lua 5.4", .options = options, .option_count = OPTION_COUNT_,
	  .open = lua_stage_open, .run = lua_stage_run, .close = lua_stage_close,
	  .save = lua_stage_save);
