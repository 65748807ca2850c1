/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The options of a stage, held against the table of its plugin.
 */

#include "config/config.h"
#include "core/policy/setup.h"

/* Where a stage stands in the configuration: "policy.stages[1].lua". */
struct xa_stage_path {
	char text[80];
};
struct xa_stage_path xa_stage_path(const char *name, size_t number);

/* Gives each of the plugin's options its value, in `ret_values` with as many entries, which live as
 * long as the arena. 0, -EINVAL with every reason in `whys`, or -ENOMEM. `number` counts from 0. */
int xa_stage_options_read(struct xa_arena *arena, const struct xa_plugin *plugin,
			  const struct xa_setup_stage *stage, size_t number,
			  struct xa_plugin_value *ret_values, struct xa_whys *whys);
