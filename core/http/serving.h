/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What the files of the server share: the server and its listeners. */

#include <microhttpd.h>

#include "core/http/access.h"
#include "core/http/guard.h"
#include "core/http/server.h"
#include "core/http/socket_file.h"
#include "core/http/waits.h"

struct xa_listener {
	struct xa_listener *next;
	struct xa_listen listen; /* without its text, which is the config's */
	bool tls;
	bool kept; /* under the server's lock: its config is the one that holds */
	struct xa_server *server;
	struct xa_waits waits;
	struct xa_guard guard;
	struct xa_socket_file file; /* of a listen address that is one */
	struct MHD_Daemon *daemon;
};

/* Who may open a socket file was decided by its mode: neither address nor Host matter there. */
static inline bool xa_listener_is_file(const struct xa_listener *listener)
{
	return listener->listen.address.ss_family == AF_UNIX;
}

struct xa_server {
	struct xa_board *board;
	struct xa_server_hooks hooks;
	struct xa_listener *listeners;
	pthread_mutex_t lock; /* of what follows */
	bool reload; /* http.reload */
	struct xa_access access;
	struct xa_web *web; /* a reference; NULL: there is none */
	struct MHD_Response *config; /* NULL: there was no memory for it */
};
