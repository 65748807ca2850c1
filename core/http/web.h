/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Who may talk to the server, and how: what http.web_config_file holds, in the format of the web
 * configuration of Prometheus' exporters, and http.bearer_token_file. Shared by the threads of the
 * server; it never changes, what it refers to renews itself.
 */

#include "core/http/auth.h"
#include "core/http/tls.h"

struct xa_web_header {
	const char *name, *value;
};

#define XA_WEB_HEADERS_MAX 5

struct xa_web {
	unsigned refs; /* web.c's; one when it is made */
	struct xa_config *file; /* owns the texts; NULL: there is no file */
	char *token_file; /* a path */
	struct xa_tls_settings tls_settings;
	struct xa_tls *tls; /* NULL: none */
	struct xa_auth_settings auth_settings;
	struct xa_auth *auth; /* NULL: nobody is asked who he is */
	struct xa_web_header headers[XA_WEB_HEADERS_MAX]; /* of all answers */
	size_t header_count;
	const char *missing; /* that exposed addresses should have and do not; NULL: nothing */
};

struct xa_web *xa_web_ref(struct xa_web *web);
void xa_web_unref(struct xa_web *web); /* NULL is allowed */
static inline void xa_web_cleanup(struct xa_web **web)
{
	xa_web_unref(*web);
}
#define _cleanup_xa_web_ XA_CLEANUP(xa_web_cleanup)
