/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/http/guest.h"

#include <sys/socket.h>

#include "core/http/door.h"
#include "core/http/gate.h"

static void enter(struct xa_listener *listener, struct MHD_Connection *connection, void **guest_at)
{
	struct xa_guest *guest = calloc(1, sizeof(*guest));

	*guest_at = guest;
	if (!guest) {
		/* nothing would bound it */
		(void)shutdown(
			MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)
				->connect_fd,
			SHUT_RDWR);
		return;
	}
	guest->listener = listener;
	xa_door_enter(guest, connection);
	xa_gate_enter(guest, connection);
}

static void leave(struct xa_guest *guest)
{
	if (!guest)
		return;
	xa_gate_leave(guest);
	xa_door_leave(guest);
	free(guest);
}

void xa_guest_notify(void *ctx, struct MHD_Connection *connection, void **guest_at,
		     enum MHD_ConnectionNotificationCode what)
{
	if (what == MHD_CONNECTION_NOTIFY_STARTED)
		enter(ctx, connection, guest_at);
	else
		leave(*guest_at);
}

struct xa_guest *xa_guest_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}
