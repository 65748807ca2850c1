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

struct xa_annotations;
struct xa_families;

/* Everything that the traffic families are made of; borrowed for the call. */
struct xa_traffic {
	const struct xa_config *config;
	const struct xa_ledger *ledger;
	const struct xa_lives *lives;
	const char *const *slot_names; /* XA_SLOTS; NULL: no such interface */
	bool interface_label; /* on the flows; xa_wants_interface_label() */
	uint8_t sole_slot; /* of all flows, where that label is not needed */
	struct xa_totals totals;
	struct xa_totals hidden; /* of these; rules hide them */
	const struct xa_flow *top; /* rows, largest first: rows.h */
	size_t top_count;
	const struct xa_annotations *annotations; /* of the rows' handles; NULL: no labels */
	struct xa_families *families; /* that rules derive; NULL: none */
};

/* Whether flows need a label that tells their interface: the config names several, or the table has
 * flows of several. */
bool xa_wants_interface_label(const struct xa_config *config, const struct xa_table *table);

/* Whether an interface has series of its own, or shares those of XA_INTERFACE_OTHER:
 * metrics.max_series. */
bool xa_is_shown_alone(const struct xa_config *config, unsigned slot);

/* Samples that metrics.max_series left no room for; those of flows are in the rest. */
struct xa_left_out {
	uint64_t flows; /* of the families of flows; families.h counts those of derived ones */
};

/*
 * The counters of each interface and the conservation residual, the sums over the living flows,
 * what rules derive, then the flows: as many of the top as metrics.max_series leaves room for, and
 * the sum of all others that no rule hides, which is there always. Errors are the buffer's.
 */
void xa_render_traffic(struct xa_exposition *expo, const struct xa_traffic *traffic,
		       struct xa_left_out *ret_left_out);

/* The counter of all samples that were left out or folded so far: as of "flow", and by the name of
 * each derived family. */
void xa_render_folded(struct xa_exposition *expo, const struct xa_families *families,
		      const struct xa_left_out *left_out);
