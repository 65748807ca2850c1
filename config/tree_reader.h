/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* From YAML nodes to trees. What is wrong is a reason that names the path of the node and no error:
 * functions return 0, -EINVAL if there is no going on in this file, or -ENOMEM. */

#include "config/source.h"
#include "config/yaml.h"

/* Bytes of a key: in quotes it has to stay below the 1024 characters that YAML allows. */
#define XA_TREE_KEY_BYTES 255

struct xa_tree_reader {
	struct xa_yaml *yaml; /* borrowed */
	struct xa_source source;
	struct xa_buf path; /* of the current node: "policy.stages[0].lua.file" */
	struct xa_buf expanded;
	/* Reads the values of a mapping that has no path, which is a whole file's, in place of
	 * xa_tree_read(); NULL: does not. */
	int (*read_top)(struct xa_tree_reader *reader, struct xa_tree *child);
	bool verbatim; /* '$' is a character like others: there are no variables */
	size_t bytes; /* of all scalars; those beyond XA_STAGES_BYTES_MAX are left empty */
};

void xa_tree_reader_done(struct xa_tree_reader *reader);
#define _cleanup_xa_tree_reader_ XA_CLEANUP(xa_tree_reader_done)

/* Adds "[index]" or ".key" to the path. xa_tree_leave() takes it back to the length that it had. */
int xa_tree_enter_index(struct xa_tree_reader *reader, size_t index);
int xa_tree_enter_key(struct xa_tree_reader *reader, const char *key);
void xa_tree_leave(struct xa_tree_reader *reader, size_t len);

/* Adds a reason at the current node, the path in front. */
XA_PRINTF(2, 3)
void xa_tree_refuse(const struct xa_tree_reader *reader, const char *format, ...);

/* The current node is a key: puts a copy of it, or NULL if it was refused. */
int xa_tree_read_key(struct xa_tree_reader *reader, const char **ret_key);

/* Puts the current node, with all that is inside, into `tree`; the key is left alone. */
int xa_tree_read(struct xa_tree_reader *reader, struct xa_tree *tree);
