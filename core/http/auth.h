/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Who asks: a user with a password, or the bearer of a token. A password is held against its bcrypt
 * hash once; what was right is known again by a keyed hash of it, so that a scrape costs no bcrypt.
 */

#include <stdbool.h>

#include "core/base/base.h"

/* The cost that a bcrypt hash may have: a thread of the server computes it, and serves nobody
 * meanwhile. 14 takes about a second. */
#define XA_AUTH_COST_MIN 4
#define XA_AUTH_COST_MAX 14

struct xa_auth_user {
	const char *name;
	const char *hash; /* which xa_auth_is_hash() takes */
};

struct xa_auth_settings {
	const struct xa_auth_user *users;
	size_t user_count;
	const char *token_file; /* NULL: none */
};

enum xa_auth_verdict {
	XA_AUTH_ALLOWED,
	XA_AUTH_REFUSED,
	XA_AUTH_BUSY, /* too many unknown passwords of late: this one was not looked at */
};

struct xa_auth;

/* Whether it is a bcrypt hash ($2a$, $2b$, $2y$) of a cost that is allowed. */
bool xa_auth_is_hash(const char *text);

/* Borrows the settings, and all that they point to, for its life. 0, or -errno with the text of
 * `why`. */
int xa_auth_new(struct xa_auth **ret, const struct xa_auth_settings *settings, struct xa_why *why);
void xa_auth_free(struct xa_auth *auth);
XA_DEFINE_CLEANUP(xa_auth)
#define _cleanup_xa_auth_ XA_CLEANUP(xa_auth_cleanup)

/* By the value of the header Authorization, which may be NULL. The token's file is read anew when
 * it has changed; one that is no good lets nobody in, and `why` says so once. Any thread. */
enum xa_auth_verdict xa_auth_check(struct xa_auth *auth, const char *authorization,
				   struct xa_why *why);

/* What the header WWW-Authenticate has to say. */
const char *xa_auth_challenge(const struct xa_auth *auth);
