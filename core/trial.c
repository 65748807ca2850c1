/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A policy of its own, shown one snapshot. */

#include "core/trial.h"

#include <string.h>

#include "config/whys.h"

/* Under load a start is slow, which is no fault of the rules. */
#define DEADLINE_NS (2 * XA_NS_PER_S)

struct xa_trial {
	struct xa_config config; /* a shallow copy, with a deadline of its own */
	struct xa_policy *policy;
	bool was_asked;
};

/* --- its snapshot --- */

static const struct {
	uint8_t family, proto, src[4];
	uint16_t sport, dport;
} kinds[] = {
	{4, 6, {10, 0, 0, 1}, 40000, 443},
	{4, 17, {192, 0, 2, 1}, 53, 40000},
	{4, 1, {198, 51, 100, 7}, 8, 0},
	{4, 47, {203, 0, 113, 9}, 0, 0},
	{6, 6, {0x20, 0x01, 0x0d, 0xb8}, 40000, 22},
	{6, 58, {0xfe, 0x80}, 135, 0},
};

/* Of an interface of their own, the last that there may be. */
#define SLOT (XA_POLICY_INTERFACES - 1)

static void fill_kinds(struct xa_plugin_flow *flows, struct xa_snapshot_head *head)
{
	(void)snprintf(head->interfaces[SLOT], sizeof(head->interfaces[SLOT]), "trial");
	for (size_t i = 0; i < array_size(kinds); i++) {
		flows[i] = (struct xa_plugin_flow){
			.packets = 1,
			.bytes = 64,
			.packets_delta = 1,
			.bytes_delta = 64,
			.first_seen_ns = head->now_ns - XA_NS_PER_S,
			.last_seen_ns = head->now_ns,
			.sport = kinds[i].sport,
			.dport = kinds[i].dport,
			.interface = SLOT,
			.family = kinds[i].family,
			.proto = kinds[i].proto,
			.ttl_min = 64,
			.ttl_max = 64,
			.len_min = 64,
			.len_max = 64,
		};
		memcpy(flows[i].src, kinds[i].src, sizeof(kinds[i].src));
	}
}

static size_t count_last(const struct xa_policy *last)
{
	const size_t count = last ? xa_policy_head(last)->count : 0;

	return count < XA_TRIAL_FLOWS_MAX ? count : XA_TRIAL_FLOWS_MAX;
}

static void fill(const struct xa_policy *policy, const struct xa_policy *last)
{
	const size_t last_count = count_last(last), count = array_size(kinds) + last_count;
	struct xa_snapshot_head *head = xa_policy_head(policy);
	struct xa_plugin_flow *flows = xa_policy_flows(policy);

	*head = (struct xa_snapshot_head){.interval_ns = XA_NS_PER_S};
	if (last_count) {
		*head = *xa_policy_head(last);
		memcpy(&flows[array_size(kinds)], xa_policy_flows(last),
		       last_count * sizeof(*flows));
	}
	head->now_ns = xa_wall_ns();
	fill_kinds(flows, head);
	head->count = count;
	head->packets = 0;
	head->bytes = 0;
	for (size_t i = 0; i < count; i++) {
		flows[i].handle = (uint32_t)i;
		flows[i].serial = 1;
		head->packets += flows[i].packets;
		head->bytes += flows[i].bytes;
	}
}

/* --- its outcome --- */

/* Where the rule says that it failed, else where the config names it. */
static void explain(const struct xa_stage *place, const struct xa_stage_state *stage,
		    struct xa_whys *whys)
{
	const struct xa_report *report = &stage->last;
	const bool placed = report->file[0] && report->line;

	(void)xa_whys_add(
		whys, placed ? report->file : place->file, placed ? report->line : place->line,
		placed ? report->column : place->column, "%s: failed on a trial run: %.*s",
		stage->title, (int)strcspn(report->text, "\n"), report->text);
}

static uint64_t errors_of(const struct xa_stage_state *stage)
{
	uint64_t sum = 0;

	for (size_t cause = 0; cause < XA_PLUGIN_CAUSE_COUNT_; cause++)
		sum += stage->errors[cause];
	return sum;
}

static int refuse(const struct xa_trial *trial, struct xa_whys *whys)
{
	const size_t reasons = whys->count;

	for (size_t i = 0; i < xa_policy_stage_count(trial->policy); i++) {
		const struct xa_stage_state *stage = xa_policy_stage(trial->policy, i);

		if (errors_of(stage))
			explain(&trial->config.policy.stages[i], stage, whys);
	}
	if (whys->count == reasons)
		(void)xa_whys_add(whys, "", 0, 0, "the policy worker did not answer a trial run");
	return -EINVAL;
}

/* --- the trial --- */

int xa_trial_begin(struct xa_trial **ret, const struct xa_config *config,
		   const struct xa_policy *last, const struct xa_policy_hooks *hooks,
		   struct xa_whys *ret_whys)
{
	_cleanup_xa_trial_ struct xa_trial *trial = calloc(1, sizeof(*trial));
	int error;

	if (!trial) {
		xa_whys_add(ret_whys, "", 0, 0, "cannot try the policy: %s", strerror(ENOMEM));
		return -ENOMEM;
	}
	trial->config = *config;
	if (trial->config.policy.deadline_ns < DEADLINE_NS)
		trial->config.policy.deadline_ns = DEADLINE_NS;
	error = xa_policy_begin(&trial->policy, &trial->config,
				(uint32_t)(array_size(kinds) + count_last(last)), NULL, hooks,
				ret_whys);
	if (error)
		return error;
	fill(trial->policy, last);
	*ret = take_ptr(trial);
	return 0;
}

void xa_trial_free(struct xa_trial *trial)
{
	if (!trial)
		return;
	xa_policy_free(trial->policy);
	free(trial);
}

static int ask(struct xa_trial *trial, struct xa_whys *whys)
{
	int error = xa_policy_opened(trial->policy, NULL, whys);

	if (error || !xa_policy_has_stages(trial->policy))
		return error;
	trial->was_asked = true;
	return xa_policy_ask(trial->policy) ? -EAGAIN : refuse(trial, whys);
}

int xa_trial_step(struct xa_trial *trial, struct xa_whys *ret_whys)
{
	int error;

	if (!trial->was_asked)
		return ask(trial, ret_whys);
	error = xa_policy_answered(trial->policy);
	return error && error != -EAGAIN ? refuse(trial, ret_whys) : error;
}

const struct xa_policy *xa_trial_policy(const struct xa_trial *trial)
{
	return trial->policy;
}

int xa_trial_run(const struct xa_config *config, const struct xa_policy_hooks *hooks,
		 struct xa_whys *ret_whys)
{
	_cleanup_xa_trial_ struct xa_trial *trial = NULL;
	int error = xa_trial_begin(&trial, config, NULL, hooks, ret_whys);

	while (!error && (error = xa_trial_step(trial, ret_whys)) == -EAGAIN) {
		xa_policy_wait(trial->policy);
		error = 0;
	}
	return error;
}
