/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The connections of a listener: how many there may be, and until when each may take. A connection
 * that is overdue is shut down, not closed: its socket is libmicrohttpd's, which closes it when it
 * finds it shut. All but start and stop: the listener's thread.
 */

#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>

#include "core/base/base.h"

#define XA_GUARD_PLACES 128U
#define XA_GUARD_KEPT	16U /* of them, for scrapers alone */
#define XA_GUARD_SHARE	16U /* of one client's that is no scraper */

#define XA_GUARD_NEVER UINT64_MAX

struct xa_guard_place {
	int fd; /* -1: the place is free */
	bool scraper;
	struct in6_addr peer; /* of IPv6 the first 64 bits */
	uint64_t due_ns; /* XA_GUARD_NEVER: it is not cut off */
	unsigned requests; /* that have ended */
};

struct xa_guard {
	pthread_t thread;
	pthread_mutex_t lock; /* of all below, but for `requests` */
	pthread_cond_t wake;
	uint64_t sleeps_until_ns;
	bool over;
	struct xa_guard_place places[XA_GUARD_PLACES];
};

/* Starts the thread that cuts off. 0 or -errno. */
int xa_guard_start(struct xa_guard *guard);

/* Ends it. To be called when no connection can come or end any more. */
void xa_guard_stop(struct xa_guard *guard);

/* Whether one more connection may come from there. A host of IPv6 has 64 bits of addresses for
 * itself (RFC 4291, 2.5.1), so they count as one. */
bool xa_guard_admits(struct xa_guard *guard, const struct in6_addr *peer, bool scraper);

/* The connection takes a place; NULL: none is free. The socket is borrowed until it leaves. */
struct xa_guard_place *xa_guard_enter(struct xa_guard *guard, int fd, const struct in6_addr *peer,
				      bool scraper);

/* Before its socket is closed. */
void xa_guard_leave(struct xa_guard *guard, struct xa_guard_place *place);

/* By then, on the monotonic clock, it is cut off, whatever was said before. */
void xa_guard_due(struct xa_guard *guard, struct xa_guard_place *place, uint64_t due_ns);
