/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Reasons as lines of the log. */

#include "config/config.h"

/* Appends reasons, each with its place, a line each. */
void xa_whys_lines(const struct xa_whys *whys, struct xa_buf *buf);

/* Logs those lines. */
void xa_log_whys(const struct xa_whys *whys);
