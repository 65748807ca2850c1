/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Exit codes. 77 and 78 are EX_NOPERM and EX_CONFIG of <sysexits.h>. */
enum xa_exit {
	XA_EXIT_OK = 0,
	XA_EXIT_FAILURE = 1,
	XA_EXIT_USAGE = 2,
	XA_EXIT_NOT_PERMITTED = 77,
	XA_EXIT_CONFIG = 78,
};
