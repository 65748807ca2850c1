/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Never returns from a snapshot. */

#include "tests/plugins/bad.h"

static int spin_run(void *state, const struct xa_plugin_batch *batch)
{
	const struct bad *bad = state;

	if (bad_is_spared(batch, bad->spare_trial))
		return 0;
	for (volatile bool forever = true; forever;)
		;
	return 0;
}

XA_PLUGIN(spin_run, .help = "loops without end in run()", .options = bad_options, .option_count = 1,
	  .open = bad_open_spared, .run = spin_run, .close = bad_close_spared);
