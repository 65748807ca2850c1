/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A snapshot as text: what auditor and replay have in common. Nothing here keeps state.
 */

#include "config/config.h"
#include "core/flow/topk.h"
#include "core/metrics/exposition.h"

/* Everything that the traffic families are made of; borrowed for the call. */
struct xa_traffic {
	const struct xa_config *config;
	const struct xa_ledger *ledger;
	const char *const *slot_names; /* XA_SLOTS; NULL: no such interface */
	struct xa_totals totals;
	const struct xa_flow *top; /* largest first */
	size_t top_count;
};

/*
 * The counters of each interface and the conservation residual, then the living flows, as many of
 * the top as metrics.max_series leaves room for. Flows that the labels cannot tell apart (two
 * VLANs, say) are one sample, their sum. *ret_folded: samples that found no room. 0 or -ENOMEM.
 */
int xa_render_traffic(struct xa_exposition *expo, const struct xa_traffic *traffic,
		      uint64_t *ret_folded);
