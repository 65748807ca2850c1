/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Says that it is another stage than its file's name. */

#include "tests/plugins/bad.h"

XA_PLUGIN(somebody_else, .help = "has another name than its file", .open = bad_open, .run = bad_run,
	  .close = bad_close);
