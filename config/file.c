/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Reading a whole small file, pipes included: "-c /dev/stdin" is a fair thing to write. */

#include "config/file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static ssize_t read_some(int fd, char *text, size_t size)
{
	ssize_t n;

	do
		n = read(fd, text, size);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* Reads to the end, or one byte beyond what is allowed. */
static int read_all(int fd, char *text, size_t *ret_len)
{
	size_t len = 0;

	while (len <= XA_FILE_BYTES_MAX) {
		const ssize_t n = read_some(fd, text + len, XA_FILE_BYTES_MAX + 1 - len);

		if (n < 0)
			return (int)n;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	*ret_len = len;
	return 0;
}

static void drop_mark(char *text, size_t *len)
{
	if (*len < 3 || memcmp(text, "\xef\xbb\xbf", 3) != 0)
		return;
	*len -= 3;
	memmove(text, text + 3, *len);
}

int xa_file_read_fd(int fd, char **ret_text, size_t *ret_len, struct xa_why *why)
{
	_cleanup_free_ char *text = malloc(XA_FILE_BYTES_MAX + 1);
	size_t len = 0;
	int r;

	if (!text)
		return -ENOMEM;
	r = read_all(fd, text, &len);
	if (r)
		return xa_why_set(why, r, "cannot read: %s", strerror(-r));
	if (len > XA_FILE_BYTES_MAX)
		return xa_why_set(why, -EINVAL, "larger than %d KiB", XA_FILE_BYTES_MAX / 1024);
	drop_mark(text, &len);
	*ret_text = take_ptr(text);
	*ret_len = len;
	return 0;
}

int xa_file_reread(const char *path, char **ret_text, size_t *ret_len)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat status;

	if (fd < 0 || fstat(fd, &status))
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	return xa_file_read_fd(fd, ret_text, ret_len, NULL);
}
