/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What listeners listen on. Loop thread. */

#include <sys/stat.h>

#include "core/http/serving.h"

bool xa_is_same_address(const struct xa_listener *listener, const struct xa_listen *listen_on);

/* A listening socket for the listener's address, the caller's, and which one it is: that of a
 * listener on the same address, or a new one. 0 or -errno. */
int xa_socket_get(struct xa_listener *listener, int *ret_fd, struct stat *ret_as);

/* Where libmicrohttpd does not start, whether it has closed the socket depends on how far it came;
 * the number may be that of a connection of another thread by then. Closes it if it is still the
 * same. */
void xa_socket_close_left(int fd, const struct stat *as);
