/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What the files of the server share: the server and its listeners. */

#include <microhttpd.h>

#include "core/http/server.h"
#include "core/http/waits.h"

struct xa_listener {
	struct xa_listener *next;
	struct xa_listen listen; /* without its text, which is the config's */
	bool tls;
	bool kept; /* under the server's lock: its config is the one that holds */
	struct xa_server *server;
	struct xa_waits waits;
	struct MHD_Daemon *daemon;
};

struct xa_server {
	struct xa_board *board;
	struct xa_server_hooks hooks;
	struct xa_listener *listeners;
	pthread_mutex_t lock; /* of what follows */
	bool reload; /* http.reload */
	struct xa_web *web; /* a reference; NULL: there is none */
	struct MHD_Response *config; /* NULL: there was no memory for it */
};
