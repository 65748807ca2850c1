/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The auditor's side of the policy: starts the worker, shows it snapshots, takes its judgement over
 * after checking every number, name and length, and kills it when it is late. Loop thread only;
 * nothing here logs.
 */

#include <sys/types.h>

#include "config/config.h"
#include "core/policy/annotation.h"
#include "core/policy/families.h"
#include "core/policy/region.h"

/* How long a worker may take to open its stages. */
#define XA_POLICY_OPEN_NS (2 * XA_NS_PER_S)

/* A stage that failed so often in a row is left out until its file or the config changes. */
#define XA_POLICY_FAILURES_MAX 3

extern const char *const xa_cause_names[XA_PLUGIN_CAUSE_COUNT_]; /* the metric label `cause` */

/* What is known of a stage, for metrics and readiness. */
struct xa_stage_state {
	char title[64];
	bool disabled;
	uint64_t errors[XA_PLUGIN_CAUSE_COUNT_];
	struct xa_report last; /* the last complaint; text "" if there was none */
	uint64_t duration_ns; /* of the last run */
};

/* What is worth a line in the log. Texts are borrowed for the call; any may be NULL. */
struct xa_policy_hooks {
	void *ctx;
	const char *executable; /* of the worker; NULL: this program */
	/* a stage's own words */
	void (*log)(void *ctx, const char *title, enum xa_plugin_log_level level, const char *text);
	/* a stage failed: called for the first failure of each cause until it worked again */
	void (*failed)(void *ctx, const char *title, enum xa_plugin_cause cause,
		       const struct xa_report *report);
	/* it is left out: after so many snapshots in a row in which it failed */
	void (*disabled)(void *ctx, const char *title, enum xa_plugin_cause cause, unsigned in_row);
	void (*enabled)(void *ctx, const char *title);
	/* the worker ended or could not be started, and no stage is to blame: called for the first
	 * time until it has judged a snapshot again */
	void (*lost)(void *ctx, const char *text);
};

struct xa_policy;

/*
 * Starts a worker with the config's stages and waits until they are open, XA_POLICY_OPEN_NS at
 * most. 0, -EINVAL with reasons in ret_whys (file:line:column), or another -errno with one reason.
 * Without stages there is no worker, and everything below does nothing. The config is borrowed for
 * the policy's life, the hooks' struct is copied.
 */
int xa_policy_new(struct xa_policy **ret, const struct xa_config *config, uint32_t max_flows,
		  const struct xa_policy_hooks *hooks, struct xa_whys *ret_whys);

/*
 * The same beside a policy that runs (`before`, which may be NULL), in two steps between which it
 * goes on working. xa_policy_begin() asks the stages of `before` for what they keep, which takes
 * its `deadline` at most, and starts the worker. xa_policy_opened() then says whether the stages
 * are open: -EAGAIN, not yet: ask again when xa_policy_fd() is readable, or at
 * xa_policy_until_ns(); with the same reasons. With 0 it has taken over the counters and error
 * counts of `before`, which is to judge nothing any more.
 */
int xa_policy_begin(struct xa_policy **ret, const struct xa_config *config, uint32_t max_flows,
		    struct xa_policy *before, const struct xa_policy_hooks *hooks,
		    struct xa_whys *ret_whys);
int xa_policy_opened(struct xa_policy *policy, const struct xa_policy *before,
		     struct xa_whys *ret_whys);

/* The worker's socket (-1: none), and when (CLOCK_MONOTONIC) what was begun is late. */
int xa_policy_fd(const struct xa_policy *policy);
uint64_t xa_policy_until_ns(const struct xa_policy *policy);

/* Waits for either, where there is nothing else to do. */
void xa_policy_wait(const struct xa_policy *policy);

void xa_policy_free(struct xa_policy *policy);
XA_DEFINE_CLEANUP(xa_policy)
#define _cleanup_xa_policy_ XA_CLEANUP(xa_policy_cleanup)

/* Whether there is any stage to show a snapshot to. */
bool xa_policy_has_stages(const struct xa_policy *policy);

/* The memory to write the next snapshot to: the head, and max_flows flows. Borrowed; write it
 * before each xa_policy_judge(). */
struct xa_snapshot_head *xa_policy_head(const struct xa_policy *policy);
struct xa_plugin_flow *xa_policy_flows(const struct xa_policy *policy);

/*
 * Lets the worker judge the snapshot that was written, `deadline` at most. Always leaves valid
 * annotations: those of this snapshot, or none (xa_annotations_none()) if there is no worker that
 * answers in time. Counters of derived families go on either way. A dead or late worker is started
 * anew and asked again with the next snapshot. Returns whether every stage did its work.
 */
bool xa_policy_judge(struct xa_policy *policy);

/* The same in two steps, for stages that there are. xa_policy_ask() says whether there is a worker
 * to answer; xa_policy_answered() is -EAGAIN as xa_policy_opened() is, 0 if every stage did its
 * work, else -EIO. */
bool xa_policy_ask(struct xa_policy *policy);
int xa_policy_answered(struct xa_policy *policy);

/* Of the last snapshot; borrowed until the next call of xa_policy_judge(). */
const struct xa_annotations *xa_policy_annotations(const struct xa_policy *policy);

/* The derived families with their series; rendering them counts what finds no room. */
struct xa_families *xa_policy_families(const struct xa_policy *policy);

size_t xa_policy_stage_count(const struct xa_policy *policy);
const struct xa_stage_state *xa_policy_stage(const struct xa_policy *policy, size_t index);

/* Durations of whole runs by their bounds, late ones included; workers started anew; and samples
 * over XA_POLICY_SAMPLES_MAX a run. They go on over a reload. */
extern const struct xa_histogram_bounds xa_policy_bounds;
const struct xa_histogram *xa_policy_durations(const struct xa_policy *policy);
uint64_t xa_policy_restarts(const struct xa_policy *policy);
uint64_t xa_policy_samples_refused(const struct xa_policy *policy);

/* The worker's process; 0: there is none now. */
pid_t xa_policy_pid(const struct xa_policy *policy);
