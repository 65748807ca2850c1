/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A FIFO is not waited for, a terminal is not taken, a device is not read. */

#include "core/policy/regular_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "core/base/base.h"

/* Reads up to `size` bytes: a file may be shorter or longer than it said. */
static int read_whole(int fd, char *to, size_t size, size_t *ret_len)
{
	size_t len = 0;

	while (len < size) {
		const ssize_t got = read(fd, to + len, size - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			break;
		len += (size_t)got;
	}
	*ret_len = len;
	return 0;
}

static int open_regular(const char *path, size_t max, int *ret_fd, size_t *ret_size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status))
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	if ((uintmax_t)status.st_size > max)
		return -EFBIG;
	*ret_fd = take_fd(fd);
	*ret_size = (size_t)status.st_size;
	return 0;
}

int xa_regular_file_read(const char *path, size_t max, char **ret_text, size_t *ret_len)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *text = NULL;
	size_t size = 0, len = 0;
	int error = open_regular(path, max, &fd, &size);

	if (error)
		return error;
	/* The byte for the NUL is read to as well: a file that grew meanwhile takes it. */
	text = malloc(size + 1);
	if (!text)
		return -ENOMEM;
	error = read_whole(fd, text, size + 1, &len);
	if (!error && len > size)
		error = -EAGAIN;
	if (error)
		return error;
	text[len] = '\0';
	*ret_text = take_ptr(text);
	*ret_len = len;
	return 0;
}
