/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Crashes when it is to end in good order: at a reload and at the daemon's end. */

#include "tests/plugins/bad.h"

static void crash_close(void *state)
{
	bad_crash();
	bad_close(state);
}

XA_PLUGIN(crash_close, .help = "crashes in close()", .open = bad_open, .run = bad_run,
	  .close = crash_close);
