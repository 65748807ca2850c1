/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Crashes with the first snapshot, and so after each new start. */

#include "tests/plugins/bad.h"

static int crash_run(void *state, const struct xa_plugin_batch *batch)
{
	bad_crash();
	return bad_run(state, batch);
}

XA_PLUGIN(crash_run, .help = "crashes in run()", .open = bad_open, .run = crash_run,
	  .close = bad_close);
