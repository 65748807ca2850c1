/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Requests go by what the server goes by now, so that a password that was taken away is good for
 * none, on connections from before either; a session of TLS keeps the credentials that it began
 * with.
 */

#include "core/http/gate.h"

#include <string.h>

#include "core/http/response.h"
#include "core/http/web.h"

#define RETRY_SECONDS "1"

struct xa_web *xa_gate_web(struct xa_server *server)
{
	struct xa_web *web;

	(void)pthread_mutex_lock(&server->lock);
	web = server->web ? xa_web_ref(server->web) : NULL;
	(void)pthread_mutex_unlock(&server->lock);
	return web;
}

static void warn(const struct xa_server *server, const struct xa_why *why)
{
	if (why->text[0] && server->hooks.warn)
		server->hooks.warn(server->hooks.ctx, why);
}

/* --- TLS --- */

int xa_gate_no_certificate(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
			   gnutls_pcert_st **certs, unsigned *count, gnutls_ocsp_data_st **ocsp,
			   unsigned *ocsp_count, gnutls_privkey_t *key, unsigned *flags)
{
	(void)session;
	(void)info;
	(void)certs;
	(void)count;
	(void)ocsp;
	(void)ocsp_count;
	(void)key;
	(void)flags;
	return -1;
}

/* Before the handshake. Without credentials it fails, for there is no certificate. */
static void begin_tls(struct xa_guest *guest, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	struct xa_server *server = guest->listener->server;
	_cleanup_xa_web_ struct xa_web *web = xa_gate_web(server);
	struct xa_why why = {0};

	if (!info || !web || !web->tls)
		return;
	guest->web = xa_web_ref(web);
	guest->credentials = xa_tls_begin(web->tls, info->tls_session, &why);
	warn(server, &why);
}

void xa_gate_enter(struct xa_guest *guest, struct MHD_Connection *connection)
{
	if (guest->listener->tls)
		begin_tls(guest, connection);
}

void xa_gate_leave(struct xa_guest *guest)
{
	if (guest->credentials)
		xa_credentials_unref(guest->credentials);
	xa_web_unref(guest->web);
}

/* --- requests --- */

/* A reload that may yet be refused has opened it: what holds for its address is not in force. */
static bool is_kept(const struct xa_listener *listener)
{
	bool kept;

	(void)pthread_mutex_lock(&listener->server->lock);
	kept = listener->kept;
	(void)pthread_mutex_unlock(&listener->server->lock);
	return kept;
}

/* Whether its client was asked for a certificate by what holds now, where one is verified. */
static bool is_verified(const struct xa_web *web, struct MHD_Connection *connection)
{
	const struct xa_guest *guest = xa_guest_of(connection);

	if (!web->tls || (web->tls_settings.client_auth != XA_CLIENT_VERIFY_GIVEN &&
			  web->tls_settings.client_auth != XA_CLIENT_REQUIRE_VERIFIED))
		return true;
	return guest && guest->web == web;
}

static bool is_open(const char *path)
{
	return !strcmp(path, "/-/healthy") || !strcmp(path, "/-/ready");
}

/* 429 and not 401, or a browser would ask for another password. */
static enum MHD_Result refuse(const struct xa_auth *auth, struct MHD_Connection *connection,
			      enum xa_auth_verdict verdict)
{
	if (verdict == XA_AUTH_BUSY)
		return xa_say_with(connection, MHD_HTTP_TOO_MANY_REQUESTS,
				   "too many passwords to look at\n", MHD_HTTP_HEADER_RETRY_AFTER,
				   RETRY_SECONDS);
	return xa_say_with(connection, MHD_HTTP_UNAUTHORIZED, "unauthorized\n",
			   MHD_HTTP_HEADER_WWW_AUTHENTICATE, xa_auth_challenge(auth));
}

bool xa_gate_passes(struct xa_listener *listener, struct MHD_Connection *connection,
		    const char *path, enum MHD_Result *ret_result)
{
	_cleanup_xa_web_ struct xa_web *web = NULL;
	enum xa_auth_verdict verdict;
	struct xa_why why = {0};

	if (is_open(path))
		return true;
	if (!is_kept(listener)) {
		*ret_result = xa_say_with(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "not yet\n",
					  MHD_HTTP_HEADER_RETRY_AFTER, RETRY_SECONDS);
		return false;
	}
	web = xa_gate_web(listener->server);
	if (web && !is_verified(web, connection)) {
		*ret_result = MHD_NO; /* it may connect again */
		return false;
	}
	if (!web || !web->auth)
		return true;
	verdict = xa_auth_check(web->auth,
				MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
							    MHD_HTTP_HEADER_AUTHORIZATION),
				&why);
	warn(listener->server, &why);
	if (verdict == XA_AUTH_ALLOWED)
		return true;
	*ret_result = refuse(web->auth, connection, verdict);
	return false;
}

/* --- headers --- */

bool xa_gate_dress(const struct xa_web *web, struct MHD_Response *response)
{
	for (size_t i = 0; web && i < web->header_count; i++) {
		const struct xa_web_header *header = &web->headers[i];
		const char *before = MHD_get_response_header(response, header->name);

		if (before && MHD_del_response_header(response, header->name, before) != MHD_YES)
			return false;
		if (MHD_add_response_header(response, header->name, header->value) != MHD_YES)
			return false;
	}
	return true;
}

bool xa_gate_dress_for(struct MHD_Connection *connection, struct MHD_Response *response)
{
	const struct xa_guest *guest = xa_guest_of(connection);
	_cleanup_xa_web_ struct xa_web *web = guest ? xa_gate_web(guest->listener->server) : NULL;

	return xa_gate_dress(web, response);
}
