/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What has changed from one list of stages to another. */

#include "config/options.h"

/*
 * Appends a line "key: title: option: old -> new" for each option that differs, its path with dots,
 * a line "key: title: old -> new" for each stage that was added or removed, with "none" on one
 * side, and "key: order: old -> new" where those that stay stand in another order. Titles are those
 * of the metrics: "lua:scan", "lua:scan#2". Of long paths and values only the place that differs is
 * shown, of one stage only the first changes. `ending` stands behind each line.
 */
void xa_stages_diff(const struct xa_config *old, const struct xa_config *new,
		    const struct xa_option *option, const char *ending, struct xa_buf *buf);
