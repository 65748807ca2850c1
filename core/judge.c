/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A snapshot out of the books, a verdict into the ranking. */

#include "core/judge.h"

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
