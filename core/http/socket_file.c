/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A daemon that was killed leaves its socket behind: whether anybody listens, only connecting
 * tells. */

#include "core/http/socket_file.h"

#include <sys/stat.h>
#include <sys/un.h>

#define MODE 0660

static const char *path_of(const struct xa_listen *listen_on)
{
	return ((const struct sockaddr_un *)&listen_on->address)->sun_path;
}

/* 0: nobody listens there. */
static int probe(const struct xa_listen *listen_on)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (!connect(fd, (const struct sockaddr *)&listen_on->address, listen_on->address_len) ||
	    errno == EAGAIN) /* so many wait that it would block */
		return -EADDRINUSE;
	return errno == ECONNREFUSED ? 0 : -errno;
}

static int make_room(const struct xa_listen *listen_on)
{
	struct stat there;
	int error;

	if (lstat(path_of(listen_on), &there))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(there.st_mode))
		return -EEXIST;
	error = probe(listen_on);
	if (!error && unlink(path_of(listen_on)))
		error = -errno;
	return error;
}

/* The file gets its mode from the socket, less the umask, so it is never open to more; then what
 * the umask took is given back. */
int xa_socket_file_bind(int fd, const struct xa_listen *listen_on, struct xa_socket_file *ret_file)
{
	const char *path = path_of(listen_on);
	int error = make_room(listen_on);
	struct stat made;

	if (error)
		return error;
	if (fchmod(fd, MODE) ||
	    bind(fd, (const struct sockaddr *)&listen_on->address, listen_on->address_len))
		return -errno;
	if (chmod(path, MODE) || lstat(path, &made)) {
		error = -errno;
		(void)unlink(path);
		return error;
	}
	*ret_file = (struct xa_socket_file){true, made.st_dev, made.st_ino};
	return 0;
}

void xa_socket_file_remove(struct xa_socket_file *file, const struct xa_listen *listen_on)
{
	struct stat there;

	if (file->made && !lstat(path_of(listen_on), &there) && there.st_dev == file->device &&
	    there.st_ino == file->inode)
		(void)unlink(path_of(listen_on));
	file->made = false;
}
