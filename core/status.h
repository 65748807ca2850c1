/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * How the daemon fares, as JSON. Nothing here keeps state.
 */

#include "core/snapshot.h"

/* Appends the members of an object, as docs/api.md names them, without its braces: what changes
 * while the page stands is put before them. Errors are the buffer's. */
void xa_status_render(struct xa_buf *buf, const struct xa_traffic *traffic,
		      const struct xa_self *self);
