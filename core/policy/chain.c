/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Which flows are fresh is known by the serials of those that a whole run has seen. A stage that
 * fails leaves no trace: fresh flows get none of its labels, what it hid is shown again, and as the
 * run was not whole, the same flows are fresh in the next one.
 */

#include "core/policy/chain.h"

#include <dlfcn.h>
#include <string.h>

#include "config/whys.h"
#include "core/policy/answers.h"
#include "core/policy/host.h"
#include "core/policy/plugins.h"
#include "core/policy/stage_options.h"

struct stage {
	struct xa_host host;
	const struct xa_plugin *plugin;
	void *handle; /* of the shared object; NULL: compiled in */
	void *state;
	bool is_open;
};

struct xa_chain {
	const struct xa_setup *setup;
	struct xa_builtin_plugins builtin;
	struct xa_arena *arena; /* of options' values */
	struct xa_ground ground;
	struct stage stages[XA_POLICY_STAGES_MAX];
	const char *interfaces[XA_POLICY_INTERFACES];
	uint32_t *fresh; /* positions; as the next three, max_flows entries */
	uint32_t *serials; /* by handle: of the flow that a whole run has seen there */
	uint8_t *seen; /* by handle: whether there is one */
	uint8_t *hidden; /* what was hidden before the stage */
};

uint64_t xa_chain_memory_bytes(uint32_t max_flows, uint32_t max_values)
{
	return (uint64_t)max_flows * (2 * sizeof(uint32_t) + 2 * sizeof(uint8_t)) +
	       xa_values_memory_bytes(max_values);
}

int xa_chain_new(struct xa_chain **ret, const struct xa_setup *setup,
		 const struct xa_builtin_plugins *builtin, void *region, int socket)
{
	_cleanup_xa_chain_ struct xa_chain *chain = calloc(1, sizeof(*chain));
	const uint32_t max = setup->head.max_flows;
	const struct xa_region_layout layout = xa_region_layout(max, setup->head.max_values);
	int error;

	if (!chain)
		return -ENOMEM;
	chain->setup = setup;
	chain->builtin = *builtin;
	chain->fresh = calloc(max, sizeof(*chain->fresh));
	chain->serials = calloc(max, sizeof(*chain->serials));
	chain->seen = calloc(max, sizeof(*chain->seen));
	chain->hidden = calloc(max, sizeof(*chain->hidden));
	if (!chain->fresh || !chain->serials || !chain->seen || !chain->hidden)
		return -ENOMEM;
	error = xa_arena_new(&chain->arena);
	if (!error)
		error = xa_ground_init(&chain->ground, region, &layout, setup, socket);
	if (error)
		return error;
	for (uint32_t i = 0; i < setup->head.stage_count; i++)
		xa_host_init(&chain->stages[i].host, &chain->ground, i);
	*ret = take_ptr(chain);
	return 0;
}

/* Whom to blame if the worker is gone in the next moment. */
static void set_running(const struct xa_chain *chain, uint32_t running)
{
	struct xa_region_head *head = chain->ground.head;
	uint32_t *again = (void *)((char *)head + chain->ground.layout.running);

	__atomic_store_n(again, running, __ATOMIC_RELEASE);
	__atomic_store_n(&head->running, running, __ATOMIC_RELEASE);
}

static void stage_close(struct stage *stage)
{
	if (stage->is_open)
		stage->plugin->close(stage->state);
	stage->is_open = false;
	if (stage->handle)
		(void)dlclose(stage->handle);
	stage->handle = NULL;
}

void xa_chain_free(struct xa_chain *chain)
{
	if (!chain)
		return;
	for (uint32_t i = 0; i < chain->setup->head.stage_count; i++) {
		if (chain->stages[i].is_open)
			set_running(chain, i + 1);
		stage_close(&chain->stages[i]);
	}
	if (chain->ground.head)
		set_running(chain, 0);
	xa_ground_done(&chain->ground);
	xa_arena_free(chain->arena);
	free(chain->fresh);
	free(chain->serials);
	free(chain->seen);
	free(chain->hidden);
	free(chain);
}

/* Opening */

static void send_whys(const struct xa_chain *chain, uint32_t number, const struct xa_whys *whys)
{
	const size_t kept = whys->count < XA_WHYS_MAX ? whys->count : XA_WHYS_MAX;

	for (size_t i = 0; i < kept; i++)
		xa_answer_send_why(chain->ground.socket, number, &whys->why[i]);
}

static int find_plugin(struct xa_chain *chain, uint32_t number, struct xa_whys *whys)
{
	const struct xa_setup_stage *wanted = &chain->setup->stages[number];
	struct stage *stage = &chain->stages[number];
	struct xa_why why;

	if (!xa_plugin_find(&chain->builtin, chain->setup->head.plugin_dir, wanted->name,
			    &stage->plugin, &stage->handle, &why))
		return 0;
	return xa_whys_add(whys, wanted->file, wanted->line, wanted->column, "%s: %s", wanted->path,
			   why.text);
}

/* The stage's plugin and its options. */
static int prepare(struct xa_chain *chain, uint32_t number, struct xa_plugin_value **ret_values)
{
	const struct xa_setup_stage *wanted = &chain->setup->stages[number];
	struct xa_whys whys = {.count = 0};
	struct xa_plugin_value *values = NULL;
	int error = find_plugin(chain, number, &whys);

	if (!error) {
		const struct xa_plugin *plugin = chain->stages[number].plugin;

		values = xa_arena_alloc(chain->arena, plugin->option_count * sizeof(*values));
		error = values ? xa_stage_options_read(chain->arena, plugin, wanted, values, &whys)
			       : -ENOMEM;
	}
	if (error == -ENOMEM)
		(void)xa_whys_add(&whys, wanted->file, wanted->line, wanted->column,
				  "%s: not enough memory for its options", wanted->path);
	send_whys(chain, number, &whys);
	if (!error)
		*ret_values = values;
	return error;
}

static int open_stage(struct xa_chain *chain, uint32_t number)
{
	struct stage *stage = &chain->stages[number];
	struct xa_plugin_value *values;
	int error = prepare(chain, number, &values);

	if (error)
		return error;
	set_running(chain, number + 1);
	xa_host_begin(&stage->host, XA_HOST_OPENING);
	error = stage->plugin->open(&stage->host.lent, values, &stage->state);
	stage->is_open = !error;
	if (!xa_host_end(&stage->host, error))
		error = -EINVAL;
	set_running(chain, 0);
	return error;
}

int xa_chain_open(struct xa_chain *chain)
{
	int error = 0;

	for (uint32_t i = 0; i < chain->setup->head.stage_count; i++)
		if (!chain->setup->stages[i].disabled && open_stage(chain, i))
			error = -EINVAL;
	xa_values_pin(chain->ground.values);
	return error;
}

/* Running */

static bool is_fresh(const struct xa_chain *chain, const struct xa_plugin_flow *flow)
{
	return !chain->seen[flow->handle] || chain->serials[flow->handle] != flow->serial;
}

static bool handles_are_valid(const struct xa_chain *chain, const struct xa_plugin_flow *flows,
			      uint64_t count)
{
	const uint32_t max = chain->setup->head.max_flows;

	if (count > max)
		return false;
	for (uint64_t i = 0; i < count; i++)
		if (flows[i].handle >= max)
			return false;
	return true;
}

static void clear_labels(const struct xa_chain *chain, const struct xa_plugin_batch *batch,
			 uint32_t label)
{
	uint32_t *column = xa_ground_column(&chain->ground, label);

	for (size_t i = 0; i < batch->fresh_count; i++)
		column[batch->flows[batch->fresh[i]].handle] = XA_PLUGIN_VALUE_NONE;
}

static void find_fresh(struct xa_chain *chain, struct xa_plugin_batch *batch)
{
	batch->fresh = chain->fresh;
	batch->fresh_count = 0;
	for (size_t i = 0; i < batch->count; i++)
		if (is_fresh(chain, &batch->flows[i]))
			chain->fresh[batch->fresh_count++] = (uint32_t)i;
	for (uint32_t label = 0; label < chain->ground.label_count; label++)
		clear_labels(chain, batch, label);
}

static void mark_seen(struct xa_chain *chain, const struct xa_plugin_batch *batch)
{
	for (size_t i = 0; i < batch->fresh_count; i++) {
		const struct xa_plugin_flow *flow = &batch->flows[batch->fresh[i]];

		chain->seen[flow->handle] = 1;
		chain->serials[flow->handle] = flow->serial;
	}
}

/* Frees the numbers of texts that no living flow has. */
static void collect(const struct xa_chain *chain, const struct xa_plugin_batch *batch)
{
	const struct xa_ground *ground = &chain->ground;

	if (!xa_values_are_short(ground->values))
		return;
	for (uint32_t label = 0; label < ground->label_count; label++) {
		const uint32_t *column = xa_ground_column(ground, label);

		for (size_t i = 0; i < batch->count; i++)
			xa_values_mark(ground->values, column[batch->flows[i].handle]);
	}
	xa_values_sweep(ground->values);
}

static void undo(const struct xa_chain *chain, uint32_t number, const struct xa_plugin_batch *batch)
{
	const struct xa_ground *ground = &chain->ground;

	for (uint32_t label = 0; label < ground->label_count; label++)
		if (ground->head->labels[label].stage == number)
			clear_labels(chain, batch, label);
	memcpy(ground->hidden, chain->hidden, chain->setup->head.max_flows);
}

static bool run_stage(struct xa_chain *chain, uint32_t number, const struct xa_plugin_batch *batch)
{
	struct stage *stage = &chain->stages[number];
	const uint64_t began_ns = xa_now_ns();
	bool worked;

	memcpy(chain->hidden, chain->ground.hidden, chain->setup->head.max_flows);
	set_running(chain, number + 1);
	xa_host_begin(&stage->host, XA_HOST_RUNNING);
	worked = xa_host_end(&stage->host, stage->plugin->run(stage->state, batch));
	set_running(chain, 0);
	if (!worked)
		undo(chain, number, batch);
	chain->ground.head->stages[number].duration_ns = xa_now_ns() - began_ns;
	return worked;
}

/* What the run before has left. */
static void clear_region(struct xa_chain *chain, const struct xa_plugin_batch *batch)
{
	struct xa_ground *ground = &chain->ground;

	ground->head->sample_count = ground->sample_count = 0;
	ground->head->samples_refused = ground->samples_refused = 0;
	for (size_t i = 0; i < batch->count; i++)
		ground->hidden[batch->flows[i].handle] = 0;
}

static struct xa_plugin_batch make_batch(struct xa_chain *chain,
					 const struct xa_snapshot_head *head,
					 const struct xa_plugin_flow *flows)
{
	for (size_t i = 0; i < XA_POLICY_INTERFACES; i++)
		chain->interfaces[i] = head->interfaces[i];
	return (struct xa_plugin_batch){
		.flows = flows,
		.count = head->count,
		.packets = head->packets,
		.bytes = head->bytes,
		.now_ns = head->now_ns,
		.interval_ns = head->interval_ns,
		.interfaces = chain->interfaces,
		.interface_count = XA_POLICY_INTERFACES,
	};
}

int xa_chain_run(struct xa_chain *chain, const struct xa_snapshot_head *head,
		 const struct xa_plugin_flow *flows)
{
	struct xa_plugin_batch batch = make_batch(chain, head, flows);
	bool whole = true;

	if (!handles_are_valid(chain, flows, batch.count))
		return -EBADMSG;
	clear_region(chain, &batch);
	find_fresh(chain, &batch);
	collect(chain, &batch);
	for (uint32_t i = 0; i < chain->setup->head.stage_count; i++)
		if (chain->stages[i].is_open && !run_stage(chain, i, &batch))
			whole = false;
	if (whole)
		mark_seen(chain, &batch);
	return 0;
}

void xa_chain_save(struct xa_chain *chain)
{
	for (uint32_t i = 0; i < chain->setup->head.stage_count; i++) {
		const struct stage *stage = &chain->stages[i];
		struct xa_region_stage *region = &chain->ground.head->stages[i];
		size_t len;

		if (!stage->is_open || !stage->plugin->save)
			continue;
		set_running(chain, i + 1);
		len = stage->plugin->save(stage->state, region->kept, sizeof(region->kept));
		region->kept_len = len <= sizeof(region->kept) ? (uint32_t)len : 0;
		set_running(chain, 0);
	}
}
