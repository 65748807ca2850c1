/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The options of a stage, held against the table of its plugin.
 */

#include "config/config.h"
#include "core/policy/setup.h"

/* Gives each of the plugin's options its value, in `ret_values` with as many entries, which live as
 * long as the arena. 0, -EINVAL with every reason in `whys`, or -ENOMEM. */
int xa_stage_options_read(struct xa_arena *arena, const struct xa_plugin *plugin,
			  const struct xa_setup_stage *stage, struct xa_plugin_value *ret_values,
			  struct xa_whys *whys);
