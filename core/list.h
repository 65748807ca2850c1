/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A snapshot's rows as a listing. Nothing here keeps state.
 */

#include "core/metrics/listing.h"
#include "core/render.h"

/* All rows of the traffic, metrics.max_series or not; the caller's. `snapshot_time` is wall time in
 * seconds. 0 or -ENOMEM. */
int xa_list_flows(struct xa_listing **ret, const struct xa_traffic *traffic, double snapshot_time);

/* Appends an interface's name, which may have any byte, as the metrics write it. */
void xa_list_name(struct xa_buf *buf, const char *name);
