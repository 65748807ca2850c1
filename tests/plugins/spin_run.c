/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Never returns from a snapshot. */

#include "tests/plugins/bad.h"

static int spin_run(void *state, const struct xa_plugin_batch *batch)
{
	for (volatile bool forever = true; forever;)
		;
	return bad_run(state, batch);
}

XA_PLUGIN(spin_run, .help = "loops without end in run()", .open = bad_open, .run = spin_run,
	  .close = bad_close);
