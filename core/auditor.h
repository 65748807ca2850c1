/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The daemon: everything hangs on struct xa_auditor. Starts the parts, then loops over the poll
 * timer, signals, interface and file changes until it is told to stop.
 */

#include "core/base/base.h"

/* What the command line says of the run; borrowed for the call. */
struct xa_auditor_options {
	const char *config_path; /* NULL: defaults */
	const char *const *settings;
	size_t setting_count;
};

/* Runs until SIGTERM or SIGINT. Logs. Returns the exit code: 0, 1, 77 (not permitted) or 78 (bad
 * config). */
int xa_auditor_run(const struct xa_auditor_options *options);
