/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The policy worker: the same program, started anew as `xdp-auditor policy-worker`, without rights
 * and with the four descriptors of region.h.
 */

#include <stdbool.h>
#include <stddef.h>

#include "plugins/xa_plugin.h"

/* Whether the first of the descriptors is there: nobody but an auditor starts a worker. */
bool xa_worker_is_wanted(void);

/* Does its work until it is told to stop or the auditor is gone; returns an exit code. `builtin`
 * are the plugins that are compiled in. */
int xa_worker_main(const struct xa_plugin *const *builtin, size_t count);
