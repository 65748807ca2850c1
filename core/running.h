/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Everything that a reload replaces, as one unit. Loop thread only.
 */

#include "core/flow/topk.h"
#include "core/policy/supervisor.h"

struct xa_web;

/* What the command line says of the config; borrowed for the run. */
struct xa_config_source {
	const char *path; /* NULL: defaults */
	const char *const *settings;
	size_t setting_count;
};

struct xa_running {
	struct xa_config *config;
	struct xa_web *web; /* a reference */
	struct xa_topk *top;
	struct xa_policy *policy; /* borrows the config */
};

/* The config as its files are now, and what it takes but for the policy. 0, or -errno with
 * reasons. */
int xa_running_load(struct xa_running *ret, const struct xa_config_source *source,
		    struct xa_whys *ret_whys);
void xa_running_done(struct xa_running *running);
