/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The daemon: everything hangs on struct xa_auditor. Starts the parts, then loops over the poll
 * timer, signals and interface changes until it is told to stop.
 */

#include "core/running.h"

/* Runs until SIGTERM or SIGINT. Logs. Returns the exit code: 0, 1, 77 (not permitted) or 78 (bad
 * config). */
int xa_auditor_run(const struct xa_config_source *source);
