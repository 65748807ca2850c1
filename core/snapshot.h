/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the auditor says of itself beside the traffic, and the page that both become.
 */

#include "core/metrics/page.h"
#include "core/render.h"
#include "core/source/attach.h"
#include "plugins/xa_plugin.h"

/* What a reload can fail at. */
enum xa_reload_phase {
	XA_RELOAD_PHASE_CONFIG, /* the file: reading, parsing, checking */
	XA_RELOAD_PHASE_POLICY, /* the stages: opening, trying */
	XA_RELOAD_PHASE_LISTEN,
	XA_RELOAD_PHASE_ATTACH,
	XA_RELOAD_PHASE_COUNT_
};

extern const char *const xa_reload_phase_names[XA_RELOAD_PHASE_COUNT_];

/* How the running config came to be. Wall times in seconds. */
struct xa_reload_stats {
	bool last_ok;
	bool needs_restart; /* of the last that was taken: keys keep their values until then */
	double success_time;
	uint64_t count;
	uint64_t failures[XA_RELOAD_PHASE_COUNT_];
	enum xa_reload_phase last_phase; /* at which the last one failed, unless it is last_ok */
	char hash[XA_CONFIG_HASH_BYTES]; /* "": not known */
};

/* A stage of rules. Texts and counts are borrowed for the call. */
struct xa_self_stage {
	const char *title;
	bool disabled;
	const uint64_t *errors; /* by cause */
	const char *file; /* that the last complaint is about, with its line; "": none */
	uint32_t line;
	const char *complaint; /* the last one, several lines; "": none */
	uint64_t duration_ns; /* of the last run */
};

/* How the policy fares, in plain words: nothing here knows the policy itself. Without stages
 * nothing is said of it. */
struct xa_self_policy {
	const struct xa_self_stage *stages;
	size_t stage_count;
	const char *const *cause_names; /* XA_PLUGIN_CAUSE_COUNT_ of them */
	const struct xa_histogram *durations; /* of all stages together */
	const struct xa_histogram_bounds *bounds;
	uint64_t samples_refused;
	uint64_t restarts;
};

struct xa_self {
	const struct xa_attachment *attachments; /* XA_SLOTS of them */
	bool attached; /* all that is wanted, and something is */
	size_t slotless; /* interfaces that are wanted and have no slot */
	uint64_t started_ns; /* CLOCK_MONOTONIC */
	struct xa_histogram poll_durations;
	uint64_t last_poll_ns; /* how long the one before took */
	uint64_t poll_failures;
	uint64_t interval_ns;
	uint64_t stale_after_ns; /* CLOCK_MONOTONIC */
	double snapshot_time; /* wall, seconds */
	struct xa_xdp_fill fill;
	const struct xa_program *programs; /* XA_PROGRAM_COUNT_ of them; NULL: nothing is said */
	uint32_t capacity;
	uint64_t map_bytes;
	struct xa_left_out folded; /* samples left out so far */
	struct xa_reload_stats reload;
	struct xa_self_policy policy;
};

extern const struct xa_histogram_bounds xa_poll_bounds;

/* Renders a page, the caller's. Adds what found no room in it to self->folded. 0 or -ENOMEM. */
int xa_snapshot_page(struct xa_page **ret, const struct xa_traffic *traffic, struct xa_self *self);
