/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The K largest of a stream, without sorting it: a heap whose smallest is the threshold. A flow
 * under the threshold costs one comparison, and among many flows nearly all are.
 *
 * From one time to the next there is hysteresis: a flow comes in by being one of the K, and stays
 * for as long as it is one of that many more. Loop thread only.
 */

#include "core/flow/table.h"

struct xa_topk;

/* The largest by packets, or by bytes; `hysteresis` more ranks for those that were among them the
 * last time. Both may be 0. 0, -ENOMEM or -EIO. */
int xa_topk_new(struct xa_topk **ret, size_t k, size_t hysteresis, bool by_bytes);
void xa_topk_free(struct xa_topk *top);
XA_DEFINE_CLEANUP(xa_topk)
#define _cleanup_xa_topk_ XA_CLEANUP(xa_topk_cleanup)

/* What the flow is ranked by. */
uint64_t xa_topk_rank(const struct xa_topk *top, const struct xa_flow *flow);

/* Whether the flow may be among the largest, whatever interface and marks its key has:
 * xa_topk_visit() may still find it too small. */
bool xa_topk_wants(const struct xa_topk *top, const struct xa_flow *flow);

/* A struct xa_topk as `ctx`: the shape that xa_table_sweep() calls. Copies the flow if it is among
 * the largest. */
void xa_topk_visit(void *ctx, const struct xa_flow *flow);

/* The K, and behind them those that stay, largest first; equal ones in the order of their keys,
 * then of their handles, so that the same flows make the same page. They are told from one time to
 * the next by their keys and the hash of their labels. Borrowed until the next reset; neither
 * visits nor another call are allowed before that. */
const struct xa_flow *xa_topk_sorted(struct xa_topk *top, size_t *ret_count);

void xa_topk_reset(struct xa_topk *top);
