/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Logs without end, lines that would break a log as well. */

#include "tests/plugins/bad.h"

static int noisy_run(void *state, const struct xa_plugin_batch *batch)
{
	const struct bad *bad = state;
	const struct xa_plugin_host *host = bad->host;

	if (bad_is_spared(batch, bad->spare_trial))
		return 0;
	for (volatile bool forever = true; forever;)
		host->log(host, XA_PLUGIN_LOG_ERROR,
			  "noise\nlevel=error msg=\"a line of its own\" \x1b[31m\xff");
	return 0;
}

XA_PLUGIN(noisy, .help = "logs without end in run()", .options = bad_options, .option_count = 1,
	  .open = bad_open_spared, .run = noisy_run, .close = bad_close_spared);
