/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Tries a config's stages before they are let near the page: in a worker of their own that leaves
 * nothing behind, on a few flows of every kind and on those of the last snapshot. Loop thread only.
 */

#include "core/policy/supervisor.h"

/* Flows of the last snapshot that a trial is made with, at most. */
#define XA_TRIAL_FLOWS_MAX 65536

struct xa_trial;

/* Starts it and does not wait. `last` is the policy that runs, of which the snapshot is copied;
 * NULL: there is none. The config is borrowed for the trial's life. 0, or -errno with reasons. */
int xa_trial_begin(struct xa_trial **ret, const struct xa_config *config,
		   const struct xa_policy *last, const struct xa_policy_hooks *hooks,
		   struct xa_whys *ret_whys);
void xa_trial_free(struct xa_trial *trial);
XA_DEFINE_CLEANUP(xa_trial)
#define _cleanup_xa_trial_ XA_CLEANUP(xa_trial_cleanup)

/* Goes on with what can be done now. 0: all stages did their work; -EAGAIN: again when there is
 * news of its policy (xa_policy_fd(), xa_policy_until_ns()); -EINVAL with a reason for each stage
 * that failed, or another -errno with one. With the same reasons at each call. */
int xa_trial_step(struct xa_trial *trial, struct xa_whys *ret_whys);
const struct xa_policy *xa_trial_policy(const struct xa_trial *trial);

/* A whole trial, waited for. */
int xa_trial_run(const struct xa_config *config, const struct xa_policy_hooks *hooks,
		 struct xa_whys *ret_whys);
