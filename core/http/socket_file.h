/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A listening socket that stands in the file system. Loop thread. */

#include <stdbool.h>
#include <sys/types.h>

#include "config/config.h"

/* The file that a socket was bound to, so that no other one is taken for it. */
struct xa_socket_file {
	bool made;
	dev_t device;
	ino_t inode;
};

/* Binds to the address, which is AF_UNIX; mode 0660. A socket that nobody listens on is replaced;
 * -EADDRINUSE: somebody does; -EEXIST: what stands there is no socket; or another -errno. Nothing
 * is left behind on failure. */
int xa_socket_file_bind(int fd, const struct xa_listen *listen_on, struct xa_socket_file *ret_file);

/* Removes the file, unless another one has taken its place; nothing if none was made. */
void xa_socket_file_remove(struct xa_socket_file *file, const struct xa_listen *listen_on);
