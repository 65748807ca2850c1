/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* How stages are called in metrics, in the log, and where two configurations are compared. */

#include "config/tree.h"

/* "zones", "lua:services", "lua:services#2". */
struct xa_stage_title {
	char text[64];
};

/* All of them, no two alike, fit to be shown; `ret` has room for `count`. */
void xa_stage_titles(struct xa_stage_title *ret, const struct xa_stage *stages, size_t count);
