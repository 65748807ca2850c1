/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the files of the supervisor share: the policy itself, and the steps of its work.
 */

#include "config/whys.h"
#include "core/policy/blame.h"
#include "core/policy/child.h"
#include "core/policy/schema.h"
#include "core/policy/setup.h"

struct xa_policy {
	const struct xa_config *config; /* borrowed */
	struct xa_policy_hooks hooks;
	struct xa_arena *arena; /* of the blames' texts */
	uint32_t max_flows;
	struct xa_region_layout layout;
	struct xa_memory snapshot;
	struct xa_child child;
	bool is_open; /* the child's stages are */
	bool is_closing; /* they were told to close */
	bool is_lost; /* told of by the hook, and not back at work */
	uint64_t number; /* of the last order */
	uint64_t asked_ns; /* when it was to judge a snapshot last */
	struct xa_annotations *annotations;
	struct xa_families *families;
	struct xa_schema first, later; /* the one that holds; that of the worker */
	struct xa_places places; /* of the worker */
	size_t stage_count;
	struct xa_blame blames[XA_POLICY_STAGES_MAX];
	unsigned lines[XA_POLICY_STAGES_MAX]; /* of the log, since the last order */
	struct xa_histogram durations;
	uint64_t restarts;
	uint64_t samples_refused;
};

/* How long the stages may take to close. */
#define XA_POLICY_CLOSE_NS (100 * XA_NS_PER_MS)

/* --- talking.c: with the worker --- */

/* Starts one. `kept` is what is handed to each stage; NULL: nothing. 0 or -errno. */
int xa_policy_start(struct xa_policy *policy, const struct xa_setup_stage *kept);

/* Gives an order; -errno like xa_channel_send(). */
int xa_policy_order(struct xa_policy *policy, enum xa_order_kind kind);

/*
 * Waits for an answer to the last order, or that the stages are open, until `until_ns`; a time that
 * has passed: only looks. Lines for the log are passed on meanwhile. Reasons are added to `whys`,
 * or kept with their stages if it is NULL. 0; -ECONNREFUSED: a stage did not open; else
 * xa_channel_receive()'s.
 */
int xa_policy_hear(struct xa_policy *policy, enum xa_answer_kind wanted, uint64_t until_ns,
		   struct xa_whys *whys);

/* How a worker came to its end. */
struct xa_end {
	struct xa_report report; /* with the cause */
	bool is_orderly; /* by itself, with success */
	bool was_killed; /* by somebody else, as the kernel does that is short of memory */
	bool is_known; /* the stage */
	size_t stage;
};

/* Ends the worker for an error of the functions above, and says whose fault it was. */
void xa_policy_end(struct xa_policy *policy, int error, struct xa_end *ret_end);

/* --- taking.c: over what it wrote --- */

/* Copies what a stage reports and makes it fit to show; whether it failed. */
bool xa_policy_report(const struct xa_policy *policy, size_t stage, struct xa_report *ret_report);

/* Reports, annotations and samples of a run that took so long. 0, or -EBADMSG if the worker lies
 * about what no stage alone is to blame for. */
int xa_policy_take(struct xa_policy *policy, uint64_t duration_ns);
