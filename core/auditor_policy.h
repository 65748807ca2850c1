/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the daemon says of its policy: in the log, and on the page. Loop thread only.
 */

#include "core/judge.h"
#include "core/snapshot.h"

/* Hooks that log. */
extern const struct xa_policy_hooks xa_policy_loggers;

/* Logs an error, and appends it to `reasons` as a line. */
XA_PRINTF(2, 3) void xa_log_reason(struct xa_buf *reasons, const char *format, ...);

/* The same for reasons, each with its place. */
void xa_log_whys(const struct xa_whys *whys, struct xa_buf *reasons);

/* Tries the config's stages, then starts them beside those of `before` (NULL: none). 0 or -errno,
 * the reasons being logged and appended. */
int xa_policy_load(struct xa_policy **ret, const struct xa_config *config, uint32_t max_flows,
		   struct xa_policy *before, struct xa_buf *reasons);

/* How the stages fare, for the page. `stages` has XA_POLICY_STAGES_MAX of them and lives as long as
 * what is returned. */
struct xa_self_policy xa_policy_tell(const struct xa_policy *policy, struct xa_self_stage *stages);
