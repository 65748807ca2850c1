/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A capture file through the same parser, flow table and rendering as live traffic.
 */

#include "config/config.h"
#include "core/base/buf.h"

/*
 * Reads the capture and appends the traffic metrics as they are at the time of its last packet,
 * with what the config's stages say of them: they see a snapshot each poll interval of the
 * capture's time. Needs no privilege. 0, -EINVAL (not a capture that can be read, or stages that
 * cannot be opened), -EIO (damaged: what came before is rendered) or another -errno, all but
 * -ENOMEM with reasons. Logs what stages say and fail at.
 */
int xa_replay(const struct xa_config *config, const char *capture, struct xa_buf *buf,
	      struct xa_whys *ret_whys);
