/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Crashes while it is opened, as a configuration is checked or loaded. */

#include "tests/plugins/bad.h"

static int crash_open(const struct xa_plugin_host *host, const struct xa_plugin_value *options,
		      void **ret_state)
{
	bad_crash();
	return bad_open(host, options, ret_state);
}

XA_PLUGIN(crash_open, .help = "crashes in open()", .open = crash_open, .run = bad_run,
	  .close = bad_close);
