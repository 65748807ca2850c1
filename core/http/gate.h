/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What stands between a connection and the routes: the session of TLS at its beginning, who asks at
 * each request, and the headers that all answers get. In the threads of the listeners.
 */

#include "core/http/serving.h"

/* What the server goes by now; the caller's reference. NULL: nothing is asked of anybody. */
struct xa_web *xa_gate_web(struct xa_server *server);

/* libmicrohttpd's: a connection of the listener `ctx` begins or has ended. */
void xa_gate_notify(void *ctx, struct MHD_Connection *connection, void **guest,
		    enum MHD_ConnectionNotificationCode what);

/* What libmicrohttpd starts TLS with: nothing, until the connection's own credentials are there. */
extern const struct MHD_OptionItem xa_gate_tls_options[];

/* Whether the request for that path may go on; if not, it has been answered: *ret_result. Health
 * and readiness are for all who come this far, since probes know no passwords. */
bool xa_gate_passes(struct xa_listener *listener, struct MHD_Connection *connection,
		    const char *path, enum MHD_Result *ret_result);

/* Adds the headers that web config has for all answers, in the place of our own. False: no memory.
 */
bool xa_gate_dress(const struct xa_web *web, struct MHD_Response *response);
bool xa_gate_dress_for(struct MHD_Connection *connection, struct MHD_Response *response);
