/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What is looked at is the file that was opened, so that no name is swapped in between. */

#include "core/http/secret_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "config/file.h"
#include "config/text.h"

static uint64_t time_ns(const struct timespec *time)
{
	return (uint64_t)time->tv_sec * XA_NS_PER_S + (uint64_t)time->tv_nsec;
}

bool xa_file_state_renew(struct xa_file_state *state, const char *path)
{
	const struct xa_file_state before = *state;
	struct stat status;

	*state = (struct xa_file_state){0};
	if (!stat(path, &status))
		*state = (struct xa_file_state){
			.device = status.st_dev,
			.inode = status.st_ino,
			.bytes = (uint64_t)status.st_size,
			.modified_ns = time_ns(&status.st_mtim),
			.changed_ns = time_ns(&status.st_ctim),
		};
	return memcmp(&before, state, sizeof(before)) != 0;
}

static int check(int fd, const char *path, bool only_ours, struct xa_why *why)
{
	struct stat status;

	if (fstat(fd, &status))
		return xa_why_set(why, -errno, "%s: %s", xa_quotes(path).text, strerror(errno));
	if (!S_ISREG(status.st_mode))
		return xa_why_set(why, -EINVAL, "%s is not a regular file", xa_quotes(path).text);
	if (only_ours && status.st_mode & S_IRWXO)
		return xa_why_set(why, -EINVAL,
				  "%s is a secret that all users of this host have access to "
				  "(chmod o= takes it from them)",
				  xa_quotes(path).text);
	return 0;
}

int xa_secret_read(struct xa_secret *ret, const char *path, bool only_ours, struct xa_why *why)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct xa_why inner = {0};
	int error;

	if (fd < 0)
		return xa_why_set(why, -errno, "cannot open %s: %s", xa_quotes(path).text,
				  strerror(errno));
	error = check(fd, path, only_ours, why);
	if (error)
		return error;
	error = xa_file_read_fd(fd, &ret->text, &ret->len, &inner);
	return error ? xa_why_set(why, error, "%s: %s", xa_quotes(path).text, inner.text) : 0;
}

void xa_secret_done(struct xa_secret *secret)
{
	if (secret->text)
		explicit_bzero(secret->text, secret->len);
	free(secret->text);
	*secret = (struct xa_secret){0};
}
