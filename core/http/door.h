/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * How connections come and go, and how long each step of theirs may take. Called in the threads of
 * the listeners, the first by libmicrohttpd with the listener as `ctx`.
 */

#include "core/http/guest.h"

/* Of libmicrohttpd: one more, so that it is never at its limit, where it would accept nobody. */
#define XA_DOOR_CONNECTIONS (XA_GUARD_PLACES + 1)

enum MHD_Result xa_door_admits(void *ctx, const struct sockaddr *address, socklen_t len);

/* A connection begins, and has ended. */
void xa_door_enter(struct xa_guest *guest, struct MHD_Connection *connection);
void xa_door_leave(struct xa_guest *guest);

/* Its head was heard, or its wait is over: the answer is due. */
void xa_door_answers(struct xa_listener *listener, struct MHD_Connection *connection);

/* It waits for somebody else, for as long as they take. */
void xa_door_waits(struct xa_listener *listener, struct MHD_Connection *connection);

/* Its answer was sent, and the next request may come. */
void xa_door_answered(struct xa_listener *listener, struct MHD_Connection *connection);

/* Whether this answer is to be the connection's last. */
bool xa_door_closes(struct MHD_Connection *connection);
