/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A file or a directory of files, as they stood at one moment. The directory is opened once, so
 * that a swapped symbolic link in front of it does no harm, and a change inside it, seen by its
 * time of modification, makes all of it be read again. Kubernetes swaps `..data` and mends the
 * links to it one by one afterwards: there the version that `..data` leads to is the directory.
 */

#include "config/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "config/file.h"
#include "config/whys.h"

#define ATTEMPTS  3
#define ENDING	  ".yaml"
#define NEAR_MISS ".yml"

void xa_files_done(struct xa_files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		free(files->files[i].name);
		free(files->files[i].text);
	}
	free(files->files);
	*files = (struct xa_files){0};
}

static int refuse(struct xa_why *why, const char *what)
{
	const int error = errno;

	return xa_why_set(why, -error, "%s: %s", what, strerror(error));
}

/* Adds a file without text: "folder/name". */
static int add_file(struct xa_files *files, const char *folder, const char *name)
{
	const size_t len = strlen(folder);
	const char *slash = len && name[0] && folder[len - 1] != '/' ? "/" : "";
	const size_t size = len + strlen(slash) + strlen(name) + 1;
	char *full = malloc(size);

	if (!full)
		return -ENOMEM;
	(void)snprintf(full, size, "%s%s%s", folder, slash, name);
	files->files[files->count++] = (struct xa_file){.name = full};
	return 0;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

/* Hidden files have none. */
static bool has_ending(const char *name, const char *ending)
{
	const size_t len = strlen(name), cut = strlen(ending);

	return name[0] != '.' && len > cut && !strcmp(name + len - cut, ending);
}

bool xa_files_is_config(const char *name)
{
	return has_ending(name, ENDING);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct xa_file *)a)->name, ((const struct xa_file *)b)->name);
}

static int list_names(const char *path, DIR *dir, struct xa_files *files, struct xa_why *why)
{
	const struct dirent *entry;
	int r = 0;

	for (errno = 0; !r && (entry = readdir(dir)); errno = 0) {
		/* somebody who wrote it believes that it is in force */
		if (has_ending(entry->d_name, NEAR_MISS))
			return xa_why_set(why, -EINVAL,
					  "%s would not be read: rename it to *" ENDING,
					  entry->d_name);
		if (!xa_files_is_config(entry->d_name))
			continue;
		if (files->count == XA_FILES_MAX)
			return xa_why_set(why, -EINVAL, "more than %d files *" ENDING,
					  XA_FILES_MAX);
		r = add_file(files, path, entry->d_name);
	}
	if (!r && errno)
		return refuse(why, "cannot read");
	if (!r && !files->count)
		return xa_why_set(why, -EINVAL, "no file *" ENDING " in this directory");
	qsort(files->files, files->count, sizeof(*files->files), by_name);
	return r;
}

static int list_folder(const char *path, int folder, struct xa_files *files, struct xa_why *why)
{
	_cleanup_close_ int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	XA_CLEANUP(close_dir) DIR *dir = NULL;

	if (fd < 0)
		return refuse(why, "cannot read");
	dir = fdopendir(fd);
	if (!dir)
		return refuse(why, "cannot read");
	(void)take_fd(fd);
	files->files = calloc(XA_FILES_MAX, sizeof(*files->files));
	if (!files->files)
		return -ENOMEM;
	return list_names(path, dir, files, why);
}

/* Whatever else has the right name, a pipe above all, must not hold up a reload. */
static int open_regular(int folder, const char *name, int *ret_fd, struct xa_why *why)
{
	_cleanup_close_ int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat status;

	if (fd < 0 || fstat(fd, &status))
		return refuse(why, "cannot open");
	if (!S_ISREG(status.st_mode))
		return xa_why_set(why, -EINVAL, "not a regular file");
	*ret_fd = take_fd(fd);
	return 0;
}

/* Without the text if there is a reason, so that the other files are looked at as well. */
static int read_entry(int folder, struct xa_file *file, struct xa_whys *whys)
{
	_cleanup_close_ int fd = -1;
	const char *slash = strrchr(file->name, '/');
	struct xa_why why = {0};
	int r = open_regular(folder, slash ? slash + 1 : file->name, &fd, &why);

	if (!r)
		r = xa_file_read_fd(fd, &file->text, &file->len, &why);
	if (!r || r == -ENOMEM)
		return r;
	(void)xa_whys_add(whys, file->name, 0, 0, "%s", why.text);
	return 0;
}

static int read_entries(const char *path, int folder, struct xa_files *files, struct xa_whys *whys)
{
	struct xa_why why = {0};
	int r = list_folder(path, folder, files, &why);

	if (r && r != -ENOMEM)
		(void)xa_whys_add(whys, path, 0, 0, "%s", why.text);
	for (size_t i = 0; !r && i < files->count; i++)
		r = read_entry(folder, &files->files[i], whys);
	return r;
}

/* Whether the name leads elsewhere by now, or names in the directory came or went. An old version
 * that is being deleted has lost its name before. */
static bool has_changed(int at, const char *name, const struct stat *before)
{
	struct stat now;

	return fstatat(at, name, &now, 0) || now.st_dev != before->st_dev ||
	       now.st_ino != before->st_ino || now.st_mtim.tv_sec != before->st_mtim.tv_sec ||
	       now.st_mtim.tv_nsec != before->st_mtim.tv_nsec;
}

/* Reads the directory `folder`, opened by its `name` in `at`: -EAGAIN, without a reason, if it
 * changed meanwhile. */
static int read_version(const char *path, int folder, int at, const char *name,
			struct xa_files *files, struct xa_whys *whys)
{
	struct stat before;
	int r;

	if (fstat(folder, &before))
		return -EAGAIN;
	r = read_entries(path, folder, files, whys);
	if (r == -ENOMEM || !has_changed(at, name, &before))
		return r;
	whys->count = 0;
	return -EAGAIN;
}

static int read_folder(const char *path, int folder, struct xa_files *files, struct xa_whys *whys)
{
	_cleanup_close_ int current = -1;
	struct xa_why why = {0};
	struct stat link;

	if (fstatat(folder, XA_FILES_CURRENT, &link, AT_SYMLINK_NOFOLLOW))
		return read_version(path, folder, AT_FDCWD, path, files, whys);
	current = openat(folder, XA_FILES_CURRENT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (current >= 0)
		return read_version(path, current, folder, XA_FILES_CURRENT, files, whys);
	/* Perhaps what it led to was taken away just then. */
	(void)refuse(&why, "cannot open " XA_FILES_CURRENT);
	(void)xa_whys_add(whys, path, 0, 0, "%s", why.text);
	return -EAGAIN;
}

static int read_single(const char *path, int fd, struct xa_files *files, struct xa_why *why)
{
	int r;

	files->files = calloc(1, sizeof(*files->files));
	r = files->files ? add_file(files, path, "") : -ENOMEM;
	return r ? r : xa_file_read_fd(fd, &files->files[0].text, &files->files[0].len, why);
}

/* One attempt. A file is opened so that a pipe waits for its writer. */
static int read_path(const char *path, struct xa_files *files, struct xa_whys *whys)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct xa_why why = {0};
	struct stat status;
	int r;

	if (fd < 0 || fstat(fd, &status))
		r = refuse(&why, "cannot open");
	else if (S_ISDIR(status.st_mode))
		return read_folder(path, fd, files, whys);
	else
		r = read_single(path, fd, files, &why);
	if (r && r != -ENOMEM)
		(void)xa_whys_add(whys, path, 0, 0, "%s", why.text);
	return r;
}

int xa_files_read(const char *path, struct xa_files *ret, struct xa_whys *whys)
{
	_cleanup_xa_files_ struct xa_files files = {0};
	int r = -EAGAIN;

	for (int i = 0; i < ATTEMPTS && r == -EAGAIN; i++) {
		xa_files_done(&files);
		whys->count = 0;
		r = read_path(path, &files, whys);
	}
	if (r == -EAGAIN && !whys->count)
		(void)xa_whys_add(whys, path, 0, 0, "changed while it was read, %d times",
				  ATTEMPTS);
	if (r)
		return r;
	*ret = files;
	files = (struct xa_files){0};
	return 0;
}
