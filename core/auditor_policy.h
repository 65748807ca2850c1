/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the daemon says of its policy: in the log, and on the page. Loop thread only.
 */

#include "core/judge.h"
#include "core/snapshot.h"

/* Hooks that log. */
extern const struct xa_policy_hooks xa_policy_loggers;

/* Tries the config's stages, then starts them. 0 or -errno, the reasons being logged. */
int xa_policy_load(struct xa_policy **ret, const struct xa_config *config);

/* How the stages fare, for the page. `stages` has XA_POLICY_STAGES_MAX of them and lives as long as
 * what is returned. */
struct xa_self_policy xa_policy_tell(const struct xa_policy *policy, struct xa_self_stage *stages);
