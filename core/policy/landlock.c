/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A kernel refuses rights that it does not know, so each version gets its own. What the versions
 * added is written here in numbers: the headers of the build may be older than the kernel.
 */

#include "core/policy/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* struct landlock_ruleset_attr as of version 6. An older kernel takes what is behind its own end as
 * long as it is 0. */
struct ruleset {
	uint64_t fs; /* what is allowed beneath a rule's file alone */
	uint64_t net;
	uint64_t scoped;
};

/* By version, from 1; include/uapi/linux/landlock.h of Linux 6.12. */
static const struct ruleset added[] = {
	{.fs = (1ULL << 13) - 1}, /* 5.13: executing, writing, reading, removing, making */
	{.fs = 1ULL << 13}, /* 5.19: linking and renaming from folder to folder */
	{.fs = 1ULL << 14}, /* 6.2: truncating */
	{.net = 3}, /* 6.7: TCP, binding and connecting */
	{.fs = 1ULL << 15}, /* 6.10: ioctl(2) of devices */
	{.scoped = 3}, /* 6.12: abstract sockets and signals */
};

int xa_landlock_version(void)
{
	const long version = syscall(SYS_landlock_create_ruleset, NULL, 0UL,
				     LANDLOCK_CREATE_RULESET_VERSION);

	return version > 0 ? (int)version : 0;
}

static int make_ruleset(int version)
{
	struct ruleset all = {0};
	long fd;

	for (size_t i = 0; i < array_size(added) && i < (size_t)version; i++) {
		all.fs |= added[i].fs;
		all.net |= added[i].net;
		all.scoped |= added[i].scoped;
	}
	fd = syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0UL);
	return fd < 0 ? -errno : (int)fd;
}

static int allow_reading(int ruleset, const char *path)
{
	_cleanup_close_ int fd = open(path, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr rule = {
		.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE,
		.parent_fd = fd,
	};
	struct stat status;

	if (fd < 0 || fstat(fd, &status))
		return 0;
	if (S_ISDIR(status.st_mode))
		rule.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR;
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0UL))
		return -errno;
	return 0;
}

static int confine(int version, const char *const *readable)
{
	_cleanup_close_ int ruleset = make_ruleset(version);
	int error = ruleset < 0 ? ruleset : 0;

	for (; *readable && !error; readable++)
		error = allow_reading(ruleset, *readable);
	if (!error && syscall(SYS_landlock_restrict_self, ruleset, 0UL))
		error = -errno;
	return error;
}

int xa_landlock_enter(const char *const *readable, struct xa_why *ret_why)
{
	const int version = xa_landlock_version();
	const int error = version ? confine(version, readable) : 0;

	return error ? xa_why_set(ret_why, error,
				  "cannot confine the policy worker by Landlock: %s",
				  strerror(-error))
		     : 0;
}
