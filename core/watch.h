/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Word of changes to the files that make the configuration: the file or the directory that `-c`
 * names, its http.web_config_file, and the files that stages name by `file`. Seen is whatever makes
 * a path lead to something else: writing in place, replacing by rename, the swap of a symbolic link
 * or of a directory anywhere on the way, deletion and making anew. inotify(7) needs no privilege.
 * Loop thread only.
 */

#include <stdbool.h>

#include "config/config.h"

struct xa_watch;

/* Watches nothing yet. 0, -EMFILE (no inotify instance left to this user, of
 * fs.inotify.max_user_instances, or no descriptor), or another -errno. */
int xa_watch_new(struct xa_watch **ret);
void xa_watch_free(struct xa_watch *watch);
XA_DEFINE_CLEANUP(xa_watch)
#define _cleanup_xa_watch_ XA_CLEANUP(xa_watch_cleanup)

/* Watches `path` and the files that the config and its stages name, and no others any more. What
 * has changed since xa_watch_take(), or since xa_watch_new(), is told of later. Borrows nothing. 0,
 * or -ENOMEM with everything as it was. */
int xa_watch_set(struct xa_watch *watch, const char *path, const struct xa_config *config);

/* Readable when xa_watch_read() has something to do. */
int xa_watch_fd(const struct xa_watch *watch);

/* Takes off what has come. True once after a change, when there was silence for 200 ms or unrest
 * for 2 s: time to load the configuration. A file that became empty less than 30 s ago is waited
 * for, since an empty file is a good configuration, and the first half of every other one. A NULL
 * watch has no changes. */
bool xa_watch_read(struct xa_watch *watch);

/* The files as they are now are about to be loaded, for whatever reason: they are no change. NULL
 * is allowed. */
void xa_watch_take(struct xa_watch *watch);
