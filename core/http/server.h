/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * HTTP over libmicrohttpd: answers from the page on the board and knows nothing else. Each listen
 * address has a thread of libmicrohttpd's; the functions here are the loop thread's.
 */

#include "config/config.h"
#include "core/metrics/board.h"

struct xa_server;

/* Listens nowhere yet. Borrows the board for its life. 0 or -ENOMEM. */
int xa_server_new(struct xa_server **ret, struct xa_board *board);

/* Stops listening, ends open connections, waits for the threads. */
void xa_server_free(struct xa_server *server);
XA_DEFINE_CLEANUP(xa_server)
#define _cleanup_xa_server_ XA_CLEANUP(xa_server_cleanup)

/* Listens on the config's addresses too; on those that it listens on already it goes on without a
 * gap. 0, or -errno with a reason and everything as it was. */
int xa_server_listen(struct xa_server *server, const struct xa_config *config,
		     struct xa_why *ret_why);

/* Listens on no other addresses than the config's any more. */
void xa_server_keep(struct xa_server *server, const struct xa_config *config);
