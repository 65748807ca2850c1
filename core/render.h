/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A snapshot as text: what auditor and replay have in common. Nothing here keeps state.
 */

#include "config/config.h"
#include "core/flow/rows.h"
#include "core/metrics/exposition.h"

/* The interface label of packets that stand for no interface of their own: of those given up, of
 * those beyond what metrics.max_series has room for, and of none that is known. No interface's name
 * has a ':'. */
#define XA_INTERFACE_OTHER ":other"

/* Everything that the traffic families are made of; borrowed for the call. */
struct xa_traffic {
	const struct xa_config *config;
	const struct xa_ledger *ledger;
	const char *const *slot_names; /* XA_SLOTS; NULL: no such interface */
	bool interface_label; /* on the flows; xa_wants_interface_label() */
	struct xa_totals totals;
	const struct xa_flow *top; /* rows, largest first: rows.h */
	size_t top_count;
};

/* Whether flows need a label that tells their interface: the config names several, or the table has
 * flows of several. */
bool xa_wants_interface_label(const struct xa_config *config, const struct xa_table *table);

/* Whether an interface has series of its own, or shares those of XA_INTERFACE_OTHER:
 * metrics.max_series. */
bool xa_is_shown_alone(const struct xa_config *config, unsigned slot);

/*
 * The counters of each interface and the conservation residual, then the living flows, as many of
 * the top as metrics.max_series leaves room for. *ret_folded: samples that found no room. Errors
 * are the buffer's.
 */
void xa_render_traffic(struct xa_exposition *expo, const struct xa_traffic *traffic,
		       uint64_t *ret_folded);
