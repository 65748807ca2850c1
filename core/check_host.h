/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What this host makes of a config: the part of `check` that a file alone cannot tell. */

#include "config/config.h"
#include "core/base/buf.h"

/*
 * Appends a line for each thing that a start with the config would stumble over, a warning or a
 * note, then one that sums up. With CAP_BPF and CAP_NET_ADMIN it attaches to each interface whose
 * hook is free, and detaches at once. Gives up all capabilities of the process. 0, -ENODEV with a
 * reason, the daemon's own, if there is nothing to attach to, or another -errno.
 */
int xa_check_host(const struct xa_config *config, struct xa_buf *buf, struct xa_why *ret_why);
