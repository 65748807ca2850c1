/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A snapshot out of the books, a verdict into the ranking. */

#include "core/judge.h"

#include <string.h>

#include "config/whys.h"
#include "core/policy/judgement.h"

int xa_judge_prepare(const struct xa_policy *policy, struct xa_books *books)
{
	return xa_policy_has_stages(policy) ? xa_table_mark(books->table) : 0;
}

void xa_judge_flows(struct xa_policy *policy, struct xa_books *books,
		    const struct xa_view_time *time, const char *const *slot_names)
{
	if (!xa_policy_has_stages(policy))
		return;
	(void)xa_view_write(xa_policy_head(policy), xa_policy_flows(policy), books->table, time,
			    slot_names);
	(void)xa_policy_judge(policy);
}

void xa_judge_rank(const struct xa_policy *policy, struct xa_books *books, uint32_t now_tick,
		   struct xa_topk *top, struct xa_traffic *traffic)
{
	struct xa_judgement judgement;

	if (!xa_policy_has_stages(policy)) {
		xa_books_rank(books, now_tick, NULL, top, traffic);
		return;
	}
	traffic->annotations = xa_policy_annotations(policy);
	traffic->families = xa_policy_families(policy);
	judgement = xa_judgement_of(traffic->annotations);
	xa_books_rank(books, now_tick, &judgement, top, traffic);
}

/* --- a trial --- */

/* Under load a start is slow, which is no fault of the rules. */
#define TRIAL_DEADLINE_NS (2 * XA_NS_PER_S)

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

static void trial_fill(struct xa_policy *policy)
{
	struct xa_snapshot_head *head = xa_policy_head(policy);
	struct xa_plugin_flow *flows = xa_policy_flows(policy);

	*head = (struct xa_snapshot_head){
		.count = array_size(kinds),
		.packets = array_size(kinds),
		.bytes = 64 * array_size(kinds),
		.now_ns = xa_wall_ns(),
		.interval_ns = XA_NS_PER_S,
		.interfaces = {[1] = "trial"},
	};
	for (uint32_t i = 0; i < array_size(kinds); i++) {
		flows[i] = (struct xa_plugin_flow){
			.packets = 1,
			.bytes = 64,
			.packets_delta = 1,
			.bytes_delta = 64,
			.first_seen_ns = head->now_ns - XA_NS_PER_S,
			.last_seen_ns = head->now_ns,
			.handle = i,
			.serial = 1,
			.sport = kinds[i].sport,
			.dport = kinds[i].dport,
			.interface = 1,
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

/* Where the rule says that it failed, else where the config names it. */
static void trial_explain(const struct xa_stage *place, const struct xa_stage_state *stage,
			  struct xa_whys *whys)
{
	const struct xa_report *report = &stage->last;
	bool placed = report->file[0] && report->line;

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

int xa_judge_try(const struct xa_config *config, const struct xa_policy_hooks *hooks,
		 struct xa_whys *ret_whys)
{
	_cleanup_xa_policy_ struct xa_policy *policy = NULL;
	struct xa_config trial = *config;
	int error;

	if (trial.policy.deadline_ns < TRIAL_DEADLINE_NS)
		trial.policy.deadline_ns = TRIAL_DEADLINE_NS;
	error = xa_policy_new(&policy, &trial, array_size(kinds), NULL, hooks, ret_whys);
	if (error || !xa_policy_has_stages(policy))
		return error;
	trial_fill(policy);
	if (xa_policy_judge(policy))
		return 0;
	for (size_t i = 0; i < xa_policy_stage_count(policy); i++)
		if (errors_of(xa_policy_stage(policy, i)))
			trial_explain(&config->policy.stages[i], xa_policy_stage(policy, i),
				      ret_whys);
	if (!ret_whys->count)
		(void)xa_whys_add(ret_whys, "", 0, 0,
				  "the policy worker did not answer a trial run");
	return -EINVAL;
}
