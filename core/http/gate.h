/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What stands between a connection and the routes: the session of TLS at its beginning, who asks at
 * each request, and the headers that all answers get. In the threads of the listeners.
 */

#include <gnutls/abstract.h>

#include "core/http/guest.h"

/* What the server goes by now; the caller's reference. NULL: nothing is asked of anybody. */
struct xa_web *xa_gate_web(struct xa_server *server);

/* A connection begins, with its session of TLS where the listener has it, and has ended. */
void xa_gate_enter(struct xa_guest *guest, struct MHD_Connection *connection);
void xa_gate_leave(struct xa_guest *guest);

/* What libmicrohttpd starts TLS with, of GnuTLS' type: there is no certificate until the
 * connection's own credentials are there. Without TLS it is not called. */
int xa_gate_no_certificate(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
			   gnutls_pcert_st **certs, unsigned *count, gnutls_ocsp_data_st **ocsp,
			   unsigned *ocsp_count, gnutls_privkey_t *key, unsigned *flags);

/* Whether the request for that path may go on; if not, it has been answered: *ret_result. Health
 * and readiness are for all who come this far, since probes know no passwords. */
bool xa_gate_passes(struct xa_listener *listener, struct MHD_Connection *connection,
		    const char *path, enum MHD_Result *ret_result);

/* Adds the headers that web config has for all answers, in the place of our own. False: no memory.
 */
bool xa_gate_dress(const struct xa_web *web, struct MHD_Response *response);
bool xa_gate_dress_for(struct MHD_Connection *connection, struct MHD_Response *response);
