/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * HTTP over libmicrohttpd: answers from the page on the board, shows the config, and passes on that
 * a reload is wanted. Each listen address has a thread of libmicrohttpd's; the functions here are
 * the loop thread's.
 */

#include "config/config.h"
#include "core/metrics/board.h"

struct xa_server;
struct xa_web;

struct xa_server_hooks {
	void *ctx;
	/* A reload is asked for by a request that already waits for it. Called in a thread of the
	 * server's, in several at once: it may only signal the loop. */
	void (*reload)(void *ctx);
	/* A renewed file of the web configuration is no good. Called in a thread of the server's;
	 * NULL: nobody wants to know. */
	void (*warn)(void *ctx, const struct xa_why *why);
};

/* Listens nowhere yet. Borrows the board for its life. 0 or -ENOMEM. */
int xa_server_new(struct xa_server **ret, struct xa_board *board,
		  const struct xa_server_hooks *hooks);

/* Stops listening, ends open connections, those that wait for a reload too, and waits for the
 * threads. */
void xa_server_free(struct xa_server *server);
XA_DEFINE_CLEANUP(xa_server)
#define _cleanup_xa_server_ XA_CLEANUP(xa_server_cleanup)

/* Listens on the config's addresses too, with TLS if the web configuration has it; on those that it
 * listens on already it goes on without a gap, and where one has to change to TLS or back, on the
 * same socket. What is new answers no more than probes until it is kept. NULL web: no TLS. 0, or
 * -errno with a reason and everything as it was. */
int xa_server_listen(struct xa_server *server, const struct xa_config *config,
		     const struct xa_web *web, struct xa_why *ret_why);

/* From now on goes by this config, and who may ask what by this web configuration (NULL: all who
 * come), alone: listens on no other addresses than its, takes POST
 * /-/reload if its http.reload is on, and shows it at /config, in the words of xa_config_dump(). No
 * key holds a secret: one that did would have to be left out here; those that name a file show its
 * path only, and options of stages are shown as they are. What it shows is copied; of the web
 * configuration it takes a reference. */
void xa_server_keep(struct xa_server *server, const struct xa_config *config, struct xa_web *web);

/*
 * The two ends of each reload, whoever asked for it. Requests that wait when it begins are answered
 * when it has ended; those that come in between wait for the one after, which the loop will run
 * because the hook was called after this one had begun. So the loop first takes the signal off,
 * then calls xa_server_reload_begins(), and only then looks at the config's files.
 *
 * `text` says how it ended and becomes the body of the answer: whole lines, of which 8 KiB are
 * sent; NULL: nothing. An address that the reload itself gives up closes its connections without
 * it.
 */
void xa_server_reload_begins(struct xa_server *server);
void xa_server_reloaded(struct xa_server *server, bool ok, const char *text);
