/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Shows a policy the living flows, and ranks them by what it says of them. Live traffic and a
 * capture are judged alike. Loop thread only.
 */

#include "core/books.h"
#include "core/policy/supervisor.h"
#include "core/policy/view.h"

/* Makes the books fit for the policy. 0 or -ENOMEM; again is harmless. */
int xa_judge_prepare(const struct xa_policy *policy, struct xa_books *books);

/* Retires what is over and lets the policy judge the rest. Nothing without stages. */
void xa_judge_flows(struct xa_policy *policy, struct xa_books *books,
		    const struct xa_view_time *time, const char *const *slot_names);

/* Ranks the flows by the last judgement, and fills in what the traffic families are made of; all of
 * it is borrowed until the next judgement. */
void xa_judge_rank(const struct xa_policy *policy, struct xa_books *books, uint32_t now_tick,
		   struct xa_topk *top, struct xa_traffic *traffic);
