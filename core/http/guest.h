/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Who is connected: what the server knows of a connection for its life. */

#include "core/http/serving.h"

struct xa_guest {
	struct xa_listener *listener;
	struct xa_guard_place *place; /* NULL: without a limit of time */
	struct xa_credentials *credentials; /* NULL: without TLS */
	struct xa_web *web; /* a reference to what its session of TLS began by; NULL: none */
};

/* libmicrohttpd's: a connection of the listener `ctx` begins or has ended. */
void xa_guest_notify(void *ctx, struct MHD_Connection *connection, void **guest_at,
		     enum MHD_ConnectionNotificationCode what);

/* NULL: there was no memory for it. */
struct xa_guest *xa_guest_of(struct MHD_Connection *connection);
