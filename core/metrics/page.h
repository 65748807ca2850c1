/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What one snapshot looks like from outside: rendered once, never changed, shared by count. The
 * only shared type of the program. A page is made by the loop thread and dropped by whichever
 * thread is last.
 */

#include <stdbool.h>

#include "core/base/base.h"
#include "core/metrics/listing.h"

struct xa_page {
	char *metrics; /* Prometheus text format 0.0.4 */
	size_t metrics_len;
	char *landing; /* HTML */
	size_t landing_len;
	char *state; /* why it is not ready, or "ready": one line a reason */
	size_t state_len;
	char *status; /* members of an object of JSON, without its braces */
	size_t status_len;
	struct xa_listing *listing; /* the largest flows */
	bool attached; /* everything that the config asks for is */
	uint64_t stale_after_ns; /* CLOCK_MONOTONIC: from then on the next snapshot is overdue */
	unsigned refs; /* page.c's */
};

/* An empty page with one reference, the caller's; fill it before it is pinned. 0 or -ENOMEM. */
int xa_page_new(struct xa_page **ret);

/* Any thread. */
struct xa_page *xa_page_ref(struct xa_page *page);
void xa_page_unref(struct xa_page *page);

static inline void xa_page_cleanup(struct xa_page **page)
{
	xa_page_unref(*page);
}
#define _cleanup_xa_page_ XA_CLEANUP(xa_page_cleanup)
