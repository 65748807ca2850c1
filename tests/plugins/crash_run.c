/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Crashes with the first snapshot, and so after each new start. */

#include "tests/plugins/bad.h"

static int crash_run(void *state, const struct xa_plugin_batch *batch)
{
	const struct bad *bad = state;

	if (bad_is_spared(batch, bad->spare_trial))
		return 0;
	bad_crash();
	return 0;
}

XA_PLUGIN(crash_run, .help = "crashes in run()", .options = bad_options, .option_count = 1,
	  .open = bad_open_spared, .run = crash_run, .close = bad_close_spared);
