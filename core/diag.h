/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What this host and its interfaces have for `run`, found out by trying rather than by version.
 */

#include <stdbool.h>

#include "config/config.h"
#include "core/base/buf.h"

/*
 * Appends what was found, a table or JSON: of the host, for maps as large as the config wants them,
 * and of `interface`, or of all that are up if it is NULL. Attaches to each XDP hook that is free,
 * if permitted, and detaches at once; a hook that is taken is not touched. *ret_passed: whether
 * nothing stands against `run`. 0 or -errno. Starts a child process for a moment: not with threads.
 */
int xa_diag(const struct xa_config *config, const char *interface, bool json, struct xa_buf *buf,
	    bool *ret_passed);
