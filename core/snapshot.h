/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the auditor says of itself beside the traffic, and the page that both become.
 */

#include "core/metrics/page.h"
#include "core/render.h"
#include "core/source/attach.h"

/* What a reload can fail at. */
enum xa_reload_phase {
	XA_RELOAD_PHASE_CONFIG, /* the file: reading, parsing, checking */
	XA_RELOAD_PHASE_LISTEN,
	XA_RELOAD_PHASE_ATTACH,
	XA_RELOAD_PHASE_COUNT_
};

/* How the running config came to be. Wall times in seconds. */
struct xa_reload_stats {
	bool last_ok;
	double success_time;
	uint64_t count;
	uint64_t failures[XA_RELOAD_PHASE_COUNT_];
};

struct xa_self {
	const struct xa_attachment *attachments; /* XA_SLOTS of them */
	bool attached; /* all that is wanted, and something is */
	size_t slotless; /* interfaces that are wanted and have no slot */
	struct xa_histogram poll_durations;
	uint64_t poll_failures;
	uint64_t interval_ns;
	uint64_t stale_after_ns; /* CLOCK_MONOTONIC */
	double snapshot_time; /* wall, seconds */
	struct xa_xdp_fill fill;
	uint32_t capacity;
	uint64_t map_bytes;
	uint64_t folded; /* samples left out so far */
	struct xa_reload_stats reload;
};

extern const struct xa_histogram_bounds xa_poll_bounds;

/* Renders a page, the caller's. Adds what found no room in it to self->folded. 0 or -ENOMEM. */
int xa_snapshot_page(struct xa_page **ret, const struct xa_traffic *traffic, struct xa_self *self);
