/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Logs without end, lines that would break a log as well. */

#include "tests/plugins/bad.h"

static int noisy_run(void *state, const struct xa_plugin_batch *batch)
{
	const struct xa_plugin_host *host = state;

	for (volatile bool forever = true; forever;)
		host->log(host, XA_PLUGIN_LOG_ERROR,
			  "noise\nlevel=error msg=\"a line of its own\" \x1b[31m\xff");
	return bad_run(state, batch);
}

XA_PLUGIN(noisy, .help = "logs without end in run()", .open = bad_open, .run = noisy_run,
	  .close = bad_close);
