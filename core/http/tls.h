/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The server's side of TLS, for connections that libmicrohttpd accepts: it sets up the session, and
 * what is chosen here takes the place of its own choices before the handshake. Files that have
 * changed are read anew, so that a new certificate takes neither a reload nor the socket.
 */

#include <gnutls/gnutls.h>

#include "config/whys.h"

enum xa_client_auth {
	XA_CLIENT_NONE, /* certificates of clients are not asked for */
	XA_CLIENT_REQUEST, /* asked for and not looked at */
	XA_CLIENT_REQUIRE_ANY,
	XA_CLIENT_VERIFY_GIVEN,
	XA_CLIENT_REQUIRE_VERIFIED,
	XA_CLIENT_AUTH_COUNT_
};

/* A file, and where it is named. */
struct xa_tls_file {
	const char *path; /* NULL: none */
	const char *file;
	unsigned line, column;
};

enum {
	XA_TLS_CERT,
	XA_TLS_KEY,
	XA_TLS_CLIENT_CA,
	XA_TLS_FILES
};

struct xa_tls_settings {
	struct xa_tls_file files[XA_TLS_FILES]; /* the first two are there */
	enum xa_client_auth client_auth;
	const char *priorities; /* of GnuTLS */
};

struct xa_tls;
struct xa_credentials;

/* Borrows the settings for its life. 0, -EINVAL with a reason, or -ENOMEM. Loop thread. */
int xa_tls_new(struct xa_tls **ret, const struct xa_tls_settings *settings,
	       struct xa_whys *ret_whys);
void xa_tls_free(struct xa_tls *tls);
XA_DEFINE_CLEANUP(xa_tls)
#define _cleanup_xa_tls_ XA_CLEANUP(xa_tls_cleanup)

/* Puts the credentials of now into the session, which has not begun its handshake: to be given back
 * once the session is over, also after xa_tls_free(). NULL: the session must not go on. Where new
 * files are no good those before stay, and `why` says so once. Any thread. */
struct xa_credentials *xa_tls_begin(struct xa_tls *tls, gnutls_session_t session,
				    struct xa_why *why);
void xa_credentials_unref(struct xa_credentials *credentials);
