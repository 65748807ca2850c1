/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Files that are no configuration: a mapping each, whose keys are the caller's to check. */

#include "config/tree_reader.h"

struct xa_tree_file {
	const char *path;
	const char *key; /* one that it may have, for a reason */
	int (*read_top)(struct xa_tree_reader *reader, struct xa_tree *child); /* or NULL */
	bool verbatim; /* '$' begins no variable */
};

/*
 * Reads the file. *ret_top is the whole of it as it was written, a map that belongs to the config,
 * which is the default one but for what `read_top` does. 0, or with a reason -EINVAL or the errno
 * of opening or reading, or -ENOMEM.
 */
int xa_tree_file_load(struct xa_config **ret, const struct xa_tree **ret_top,
		      const struct xa_tree_file *file, struct xa_whys *ret_whys);
