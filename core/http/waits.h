/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Requests that wait for a reload to end, a few for each listen address. Their connections are
 * suspended meanwhile: libmicrohttpd neither reads from them, nor times them out, nor notices that
 * the client went away.
 */

#include <pthread.h>
#include <stdbool.h>

#include "core/base/base.h"

struct MHD_Connection;
struct MHD_Response;

#define XA_WAITS_MAX 8

enum xa_wait_phase {
	XA_WAIT_NONE, /* the place is free */
	XA_WAIT_ASKED, /* for a reload that has not begun */
	XA_WAIT_BEGUN,
	XA_WAIT_OVER, /* resumed: the answer is there, its thread has to send it */
};

struct xa_wait {
	enum xa_wait_phase phase;
	struct MHD_Connection *connection;
	unsigned status;
	struct MHD_Response *response; /* NULL: there was no memory for it */
};

struct xa_waits {
	pthread_mutex_t lock; /* of all below */
	bool closed;
	struct xa_wait places[XA_WAITS_MAX];
};

/* 0 or -ENOMEM. */
int xa_waits_init(struct xa_waits *waits);

/* After the listener's thread has ended. */
void xa_waits_done(struct xa_waits *waits);

/* Suspends the connection; its handler is called again when the wait is over. NULL: no place is
 * free, or the address is being closed. From the handler alone. */
struct xa_wait *xa_waits_join(struct xa_waits *waits, struct MHD_Connection *connection);

/* Gives the place back, and the answer to the caller. From the listener's thread, once the wait is
 * over. */
struct MHD_Response *xa_waits_leave(struct xa_waits *waits, struct xa_wait *wait,
				    unsigned *ret_status);

/* A reload begins: it is the one that those wait for who have asked by now. Loop thread. */
void xa_waits_begin(struct xa_waits *waits);

/* It has ended: those that it began for get this answer. Loop thread. */
void xa_waits_end(struct xa_waits *waits, unsigned status, const char *text, size_t len);

/* Ends every wait and lets nobody wait any more: to be called before the listener is stopped, for
 * libmicrohttpd aborts where a connection is still suspended then. Loop thread. */
void xa_waits_close(struct xa_waits *waits);
