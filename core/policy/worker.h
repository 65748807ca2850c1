/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The policy worker: the same program, started anew as `xdp-auditor policy-worker`, without rights
 * and with the four descriptors of region.h.
 */

/* Does its work until it is told to stop or the auditor is gone; returns an exit code. */
int xa_worker_main(void);
