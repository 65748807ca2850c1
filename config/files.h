/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "config/config.h"

/* Files of one directory that are read at most. */
#define XA_FILES_MAX 64

struct xa_file {
	char *name; /* as reasons name it */
	char *text; /* NULL if it could not be read: the reason has been given */
	size_t len;
};

/* In a directory of such a name, if there is one, stand the files that hold: Kubernetes swaps it.
 */
#define XA_FILES_CURRENT "..data"

/* Whether a file of that name in a directory is part of its configuration. */
bool xa_files_is_config(const char *name);

/* What `-c` names, read once: one file, or those of a directory, in the order in which they hold.
 */
struct xa_files {
	struct xa_file *files;
	size_t count;
};

void xa_files_done(struct xa_files *files);
#define _cleanup_xa_files_ XA_CLEANUP(xa_files_done)

/*
 * Reads the file `path`, or all of *.yaml in the directory `path` that are not hidden, by name in
 * the order of bytes. `whys` is begun anew. 0 also where only single files of a directory cannot be
 * read; else with a reason -EINVAL, -EAGAIN for a directory that does not come to rest, or the
 * errno of opening or reading; or -ENOMEM.
 */
int xa_files_read(const char *path, struct xa_files *ret, struct xa_whys *whys);
