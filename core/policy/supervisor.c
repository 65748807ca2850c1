/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The beginning and the end of a policy: its first worker has to open all stages, and what they
 * declare is what holds. */

#include "core/policy/supervisor.h"

#include <stdarg.h>
#include <string.h>
#include <sys/poll.h>

#include "core/policy/memory.h"
#include "core/policy/policy.h"

const struct xa_histogram_bounds xa_policy_bounds = {
	.count = 13,
	.upper_ns = {XA_NS_PER_MS / 2, XA_NS_PER_MS, 5 * XA_NS_PER_MS / 2, 5 * XA_NS_PER_MS,
		     10 * XA_NS_PER_MS, 25 * XA_NS_PER_MS, 50 * XA_NS_PER_MS, 100 * XA_NS_PER_MS,
		     250 * XA_NS_PER_MS, 500 * XA_NS_PER_MS, XA_NS_PER_S, 5 * XA_NS_PER_S,
		     10 * XA_NS_PER_S},
};

/* --- reasons --- */

XA_PRINTF(4, 5)
static int refuse(const struct xa_policy *policy, size_t stage, struct xa_whys *whys,
		  const char *format, ...)
{
	const struct xa_stage *at = &policy->config->policy.stages[stage];
	char text[sizeof(whys->why[0].text)];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return xa_whys_add(whys, at->file, at->line, at->column, "%s: %s",
			   policy->blames[stage].state.title, text);
}

/* EAGAIN is fork(2)'s at the limit of processes and mmap(2)'s at that of locked memory: nothing is
 * to be waited for. */
static int fail(struct xa_whys *whys, int error, const char *what)
{
	xa_whys_add(whys, "", 0, 0, "%s: %s", what, strerror(-error));
	return error == -EAGAIN ? -ENOMEM : error;
}

/* --- what the stages before have kept --- */

static const struct xa_region_stage *region_stage(const struct xa_policy *policy, size_t stage)
{
	const struct xa_region_head *head = policy->child.region.bytes;

	return &head->stages[stage];
}

/* One that does not answer has an order open, and could be asked nothing any more. */
static bool save(struct xa_policy *policy)
{
	int r;

	if (!policy->child.pid || !policy->is_open)
		return false;
	r = xa_policy_order(policy, XA_ORDER_SAVE);
	if (!r)
		r = xa_policy_hear(policy, XA_ANSWER_SAVED,
				   xa_now_ns() + policy->config->policy.deadline_ns, NULL);
	if (r) {
		xa_child_done(&policy->child);
		policy->is_open = false;
	}
	return !r;
}

static void find_kept(const struct xa_policy *policy, const struct xa_policy *before,
		      struct xa_setup_stage *kept)
{
	for (size_t i = 0; i < policy->stage_count; i++) {
		for (size_t j = 0; j < before->stage_count; j++) {
			uint32_t len;

			if (before->blames[j].state.disabled ||
			    strcmp(policy->blames[i].state.title, before->blames[j].state.title) !=
				    0)
				continue;
			xa_copy_once(&len, &region_stage(before, j)->kept_len, sizeof(len));
			kept[i].kept = region_stage(before, j)->kept;
			kept[i].kept_len = len <= XA_PLUGIN_KEPT_BYTES ? len : 0;
		}
	}
}

/* --- the first worker --- */

static int refuse_end(struct xa_policy *policy, int error, struct xa_whys *whys)
{
	struct xa_end end;

	xa_policy_end(policy, error, &end);
	if (end.is_known)
		return refuse(policy, end.stage, whys, "%s", end.report.text);
	return xa_whys_add(whys, "", 0, 0, "%s", end.report.text);
}

static int start_stages(struct xa_policy *policy, struct xa_policy *before, struct xa_whys *whys)
{
	struct xa_setup_stage kept[XA_POLICY_STAGES_MAX] = {0};
	int r;

	if (before && save(before))
		find_kept(policy, before, kept);
	r = xa_policy_start(policy, kept);
	return r ? fail(whys, r, "cannot start the policy worker") : 0;
}

static uint64_t open_until_ns(const struct xa_policy *policy)
{
	return policy->child.started_ns + XA_POLICY_OPEN_NS;
}

/* -EAGAIN without `wait`, while there is time left. */
static int hear_opened(struct xa_policy *policy, bool wait, struct xa_whys *whys)
{
	const uint64_t until_ns = open_until_ns(policy);
	const bool is_late = xa_now_ns() >= until_ns;
	int r;

	r = xa_policy_hear(policy, XA_ANSWER_OPENED, wait ? until_ns : 0, whys);
	if (r == -ETIMEDOUT && !wait && !is_late)
		return -EAGAIN;
	if (r == -ECONNREFUSED && whys->count)
		return -EINVAL;
	return r ? refuse_end(policy, r, whys) : 0;
}

/* --- what it declared --- */

static int take_labels(struct xa_policy *policy, struct xa_whys *whys)
{
	const struct xa_schema *schema = &policy->first;
	int r = 0;

	for (size_t i = 0; i < schema->label_count; i++) {
		struct xa_why why;

		if (!xa_schema_label_is_valid(schema, i, &why))
			r = refuse(policy, schema->labels[i].stage, whys, "%s", why.text);
	}
	if (!r)
		xa_annotations_set_labels(policy->annotations, schema->labels, schema->label_count);
	return r;
}

static int take_metrics(struct xa_policy *policy, struct xa_whys *whys)
{
	const struct xa_schema *schema = &policy->first;
	int r = 0;

	for (size_t i = 0; i < schema->metric_count; i++) {
		struct xa_why why;
		const int family = xa_families_declare(policy->families, &schema->metrics[i], &why);

		if (family == -EINVAL)
			r = refuse(policy, schema->metrics[i].stage, whys, "%s", why.text);
		else if (family < 0)
			return fail(whys, family, "cannot keep what stages declare");
	}
	return r;
}

static int take_schema(struct xa_policy *policy, struct xa_whys *whys)
{
	struct xa_why why;
	int r, metrics;

	r = xa_schema_copy(&policy->first, policy->child.region.bytes, policy->stage_count, &why);
	if (r) {
		xa_whys_add(whys, "", 0, 0, "the policy worker declares %s", why.text);
		return -EINVAL;
	}
	r = take_labels(policy, whys);
	metrics = take_metrics(policy, whys);
	xa_places_init(&policy->places, &policy->first);
	return r ? r : metrics;
}

/* --- the policy --- */

static int reserve(struct xa_policy *policy)
{
	int r;

	r = xa_arena_new(&policy->arena);
	if (!r)
		r = xa_blames_init(policy->blames, policy->config, policy->arena);
	if (!r)
		r = xa_annotations_new(&policy->annotations, policy->max_flows,
				       policy->layout.max_values);
	if (!r)
		r = xa_families_new(&policy->families, policy->config->policy.max_series);
	if (!r)
		r = xa_memory_new_ours(&policy->snapshot, xa_snapshot_size(policy->max_flows));
	return r;
}

static int inherit(struct xa_policy *policy, const struct xa_policy *before)
{
	xa_blames_inherit(policy->blames, policy->stage_count, before->blames, before->stage_count);
	policy->durations = before->durations;
	policy->restarts = before->restarts;
	policy->samples_refused = before->samples_refused;
	return xa_families_inherit(policy->families, before->families);
}

static int begin(struct xa_policy *policy, struct xa_policy *before, struct xa_whys *whys)
{
	int r;

	r = reserve(policy);
	if (r)
		return fail(whys, r, "cannot reserve what the policy needs");
	return policy->stage_count ? start_stages(policy, before, whys) : 0;
}

int xa_policy_begin(struct xa_policy **ret, const struct xa_config *config, uint32_t max_flows,
		    struct xa_policy *before, const struct xa_policy_hooks *hooks,
		    struct xa_whys *ret_whys)
{
	_cleanup_xa_policy_ struct xa_policy *policy = calloc(1, sizeof(*policy));
	int r;

	if (!policy)
		return fail(ret_whys, -ENOMEM, "cannot reserve what the policy needs");
	policy->config = config;
	policy->hooks = *hooks;
	policy->max_flows = max_flows;
	policy->layout = xa_region_layout(max_flows,
					  config->policy.max_values + XA_PLUGIN_VALUE_OTHER + 1);
	policy->snapshot.fd = -1;
	policy->child = (struct xa_child)XA_CHILD_NONE;
	policy->stage_count = config->policy.stage_count;
	r = begin(policy, before, ret_whys);
	if (!r)
		*ret = take_ptr(policy);
	return r;
}

static int opened(struct xa_policy *policy, const struct xa_policy *before, bool wait,
		  struct xa_whys *whys)
{
	int r = 0;

	if (policy->stage_count) {
		r = hear_opened(policy, wait, whys);
		if (!r)
			r = take_schema(policy, whys);
		if (r)
			return r;
		policy->is_open = true;
	}
	r = before ? inherit(policy, before) : 0;
	return r ? fail(whys, r, "cannot take over what the policy before has counted") : 0;
}

int xa_policy_opened(struct xa_policy *policy, const struct xa_policy *before,
		     struct xa_whys *ret_whys)
{
	return opened(policy, before, false, ret_whys);
}

int xa_policy_new(struct xa_policy **ret, const struct xa_config *config, uint32_t max_flows,
		  const struct xa_policy_hooks *hooks, struct xa_whys *ret_whys)
{
	_cleanup_xa_policy_ struct xa_policy *policy = NULL;
	int r;

	r = xa_policy_begin(&policy, config, max_flows, NULL, hooks, ret_whys);
	if (!r)
		r = opened(policy, NULL, true, ret_whys);
	if (!r)
		*ret = take_ptr(policy);
	return r;
}

int xa_policy_fd(const struct xa_policy *policy)
{
	return policy->child.socket;
}

uint64_t xa_policy_until_ns(const struct xa_policy *policy)
{
	return policy->is_open ? policy->asked_ns + policy->config->policy.deadline_ns
			       : open_until_ns(policy);
}

void xa_policy_wait(const struct xa_policy *policy)
{
	const uint64_t now_ns = xa_now_ns(), until_ns = xa_policy_until_ns(policy);
	struct pollfd news = {.fd = xa_policy_fd(policy), .events = POLLIN};

	if (until_ns > now_ns)
		(void)poll(&news, 1, (int)((until_ns - now_ns) / XA_NS_PER_MS) + 1);
}

/* What goes wrong there is only told of: nobody counts for this policy any more. */
static void close_stages(struct xa_policy *policy)
{
	struct xa_end end;
	int r;

	if (!policy->child.pid || !policy->is_open)
		return;
	policy->is_closing = true;
	r = xa_child_stop(&policy->child, XA_POLICY_CLOSE_NS);
	xa_policy_end(policy, r, &end);
	if (!end.is_orderly && end.is_known)
		xa_blame_fail(&policy->blames[end.stage], &policy->hooks, &end.report);
}

void xa_policy_free(struct xa_policy *policy)
{
	if (!policy)
		return;
	close_stages(policy);
	xa_child_done(&policy->child);
	xa_memory_done(&policy->snapshot);
	xa_annotations_free(policy->annotations);
	xa_families_free(policy->families);
	xa_arena_free(policy->arena);
	free(policy);
}

bool xa_policy_has_stages(const struct xa_policy *policy)
{
	return policy->stage_count > 0;
}

struct xa_snapshot_head *xa_policy_head(const struct xa_policy *policy)
{
	return policy->snapshot.bytes;
}

struct xa_plugin_flow *xa_policy_flows(const struct xa_policy *policy)
{
	return (void *)((char *)policy->snapshot.bytes + XA_SNAPSHOT_FLOWS);
}

const struct xa_annotations *xa_policy_annotations(const struct xa_policy *policy)
{
	return policy->annotations;
}

struct xa_families *xa_policy_families(const struct xa_policy *policy)
{
	return policy->families;
}

size_t xa_policy_stage_count(const struct xa_policy *policy)
{
	return policy->stage_count;
}

const struct xa_stage_state *xa_policy_stage(const struct xa_policy *policy, size_t index)
{
	return &policy->blames[index].state;
}

const struct xa_histogram *xa_policy_durations(const struct xa_policy *policy)
{
	return &policy->durations;
}

uint64_t xa_policy_restarts(const struct xa_policy *policy)
{
	return policy->restarts;
}

uint64_t xa_policy_samples_refused(const struct xa_policy *policy)
{
	return policy->samples_refused;
}

pid_t xa_policy_pid(const struct xa_policy *policy)
{
	return policy->child.pid;
}
