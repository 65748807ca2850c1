/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The socket is a path, or with a leading '@' a name in the abstract namespace. */

#include "core/notify.h"

#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

static int connect_to(const char *name, int *ret_fd)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = strlen(name);

	if (fd < 0)
		return -errno;
	if (len >= sizeof(address.sun_path) || (name[0] != '/' && name[0] != '@'))
		return -EINVAL;
	memcpy(address.sun_path, name, len);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	if (connect(fd, (const struct sockaddr *)&address,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)))
		return -errno;
	*ret_fd = take_fd(fd);
	return 0;
}

static uint64_t watchdog_of_environment(void)
{
	const char *microseconds = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (!microseconds || (pid && strtol(pid, NULL, 10) != getpid()))
		return 0;
	return strtoull(microseconds, NULL, 10) * 1000;
}

int xa_notify_open(struct xa_notify *ret_notify)
{
	const char *name = getenv("NOTIFY_SOCKET");
	int error;

	*ret_notify = (struct xa_notify){.fd = -1};
	if (!name)
		return 0;
	error = connect_to(name, &ret_notify->fd);
	if (!error)
		ret_notify->watchdog_ns = watchdog_of_environment();
	return error;
}

void xa_notify_close(struct xa_notify *notify)
{
	if (notify->fd >= 0)
		(void)close(take_fd(notify->fd));
}

void xa_notify_send(const struct xa_notify *notify, const char *format, ...)
{
	char message[512];
	va_list args;
	int len;

	if (notify->fd < 0)
		return;
	va_start(args, format);
	len = vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	if (len > 0 && send(notify->fd, message,
			    (size_t)len < sizeof(message) ? (size_t)len : sizeof(message) - 1,
			    MSG_NOSIGNAL) < 0)
		return; /* the manager's loss, not ours */
}
