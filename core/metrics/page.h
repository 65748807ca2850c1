/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What one snapshot looks like from outside: rendered once, never changed, shared by count. The
 * only shared type of the program. A page is made by the loop thread and dropped by whichever
 * thread is last.
 */

#include <pthread.h>
#include <stdbool.h>

#include "core/base/base.h"
#include "core/metrics/listing.h"

enum xa_format {
	XA_FORMAT_TEXT, /* Prometheus text format 0.0.4 */
	XA_FORMAT_OPENMETRICS, /* 1.0.0 */
	XA_FORMAT_COUNT_
};

struct xa_body {
	char *text; /* NULL: there is none */
	size_t len;
};

struct xa_page {
	struct xa_body metrics[XA_FORMAT_COUNT_];
	char *landing; /* HTML */
	size_t landing_len;
	char *state; /* why it is not ready, or "ready": one line a reason */
	size_t state_len;
	char *status; /* members of an object of JSON, without its braces */
	size_t status_len;
	struct xa_listing *listing; /* the largest flows */
	bool attached; /* everything that the config asks for is */
	uint64_t stale_after_ns; /* CLOCK_MONOTONIC: from then on the next snapshot is overdue */
	unsigned refs; /* this and what follows are page.c's */
	pthread_mutex_t zip_lock;
	struct xa_body zipped[XA_FORMAT_COUNT_];
};

/* An empty page with one reference, the caller's; fill it before it is pinned. 0 or -ENOMEM. */
int xa_page_new(struct xa_page **ret);

/* The metrics as a gzip file (RFC 1952), made when somebody asks for it first, and kept for as long
 * as the page. NULL: there is no memory for it. Any thread. */
const struct xa_body *xa_page_zipped(struct xa_page *page, enum xa_format format);

/* Any thread. */
struct xa_page *xa_page_ref(struct xa_page *page);
void xa_page_unref(struct xa_page *page);

static inline void xa_page_cleanup(struct xa_page **page)
{
	xa_page_unref(*page);
}
#define _cleanup_xa_page_ XA_CLEANUP(xa_page_cleanup)
