/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/http/sockets.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>

static uint16_t port_of(const struct xa_listen *listen_on)
{
	return listen_on->address.ss_family == AF_INET
		       ? ((const struct sockaddr_in *)&listen_on->address)->sin_port
		       : ((const struct sockaddr_in6 *)&listen_on->address)->sin6_port;
}

static bool is_any(const struct xa_listen *listen_on)
{
	return listen_on->address.ss_family == AF_INET
		       ? !((const struct sockaddr_in *)&listen_on->address)->sin_addr.s_addr
		       : IN6_IS_ADDR_UNSPECIFIED(
				 &((const struct sockaddr_in6 *)&listen_on->address)->sin6_addr);
}

static bool do_overlap(const struct xa_listen *a, const struct xa_listen *b)
{
	return a->address.ss_family == b->address.ss_family && a->address.ss_family != AF_UNIX &&
	       port_of(a) == port_of(b) && (is_any(a) || is_any(b));
}

static int socket_offer(int fd)
{
	const int on = 1;

	return setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) ? -errno : 0;
}

/* Those of ours that stand in the way offer to share their port. Whether there are any. */
static bool overlapping_offer(const struct xa_listener *listener)
{
	bool any = false;

	for (const struct xa_listener *l = listener->server->listeners; l; l = l->next) {
		const union MHD_DaemonInfo *info = do_overlap(&l->listen, &listener->listen)
							   ? MHD_get_daemon_info(
								     l->daemon,
								     MHD_DAEMON_INFO_LISTEN_FD)
							   : NULL;

		any |= info && !socket_offer(info->listen_fd);
	}
	return any;
}

/* Addresses that overlap, as 0.0.0.0 does 127.0.0.1, share a port where both sockets offer to and
 * are one user's: so a reload goes from one to the other, and the socket before ends after the new
 * one has begun. In all other cases none of ours offers it: a second daemon is refused the port. */
static int socket_bind_beside(int fd, const struct xa_listener *listener)
{
	const struct xa_listen *listen_on = &listener->listen;
	int error = overlapping_offer(listener) ? socket_offer(fd) : -EADDRINUSE;

	if (error)
		return error;
	return bind(fd, (const struct sockaddr *)&listen_on->address, listen_on->address_len)
		       ? -errno
		       : 0;
}

static int socket_bind(int fd, const struct xa_listener *listener)
{
	const struct xa_listen *listen_on = &listener->listen;
	int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)))
		return -errno;
	if (listen_on->address.ss_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)))
		return -errno;
	if (!bind(fd, (const struct sockaddr *)&listen_on->address, listen_on->address_len))
		return 0;
	return errno == EADDRINUSE ? socket_bind_beside(fd, listener) : -errno;
}

static int socket_open(struct xa_listener *listener, int *ret_fd, struct stat *ret_as)
{
	const struct xa_listen *listen_on = &listener->listen;
	_cleanup_close_ int fd = socket(listen_on->address.ss_family,
					SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error;

	if (fd < 0)
		return -errno;
	error = xa_listener_is_file(listener) ? xa_socket_file_bind(fd, listen_on, &listener->file)
					      : socket_bind(fd, listener);
	if (error)
		return error;
	if (listen(fd, SOMAXCONN) || fstat(fd, ret_as))
		return -errno;
	*ret_fd = take_fd(fd);
	return 0;
}

void xa_socket_close_left(int fd, const struct stat *as)
{
	struct stat now;

	if (!fstat(fd, &now) && now.st_dev == as->st_dev && now.st_ino == as->st_ino)
		(void)close(fd);
}

bool xa_is_same_address(const struct xa_listener *listener, const struct xa_listen *listen_on)
{
	return listener->listen.address_len == listen_on->address_len &&
	       !memcmp(&listener->listen.address, &listen_on->address, listen_on->address_len);
}

/* With TLS and without it are two daemons of libmicrohttpd's; the socket may be one. */
static int socket_share(const struct xa_listener *with, int *ret_fd, struct stat *ret_as)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(with->daemon,
							       MHD_DAEMON_INFO_LISTEN_FD);
	_cleanup_close_ int fd = info ? fcntl(info->listen_fd, F_DUPFD_CLOEXEC, 0) : -1;

	if (fd < 0 || fstat(fd, ret_as))
		return info ? -errno : -EBADF;
	*ret_fd = take_fd(fd);
	return 0;
}

int xa_socket_get(struct xa_listener *listener, int *ret_fd, struct stat *ret_as)
{
	for (const struct xa_listener *l = listener->server->listeners; l; l = l->next)
		if (xa_is_same_address(l, &listener->listen))
			return socket_share(l, ret_fd, ret_as);
	return socket_open(listener, ret_fd, ret_as);
}
