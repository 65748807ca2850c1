/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the configuration does not interpret: the stages of the policy and their options, kept as
 * they were written. All of it belongs to the config's arena.
 */

#include <stdbool.h>

#include "core/base/buf.h"

enum xa_tree_kind {
	XA_TREE_SCALAR,
	XA_TREE_LIST,
	XA_TREE_MAP,
};

/* No key appears twice in a map. A null (nothing, ~ or null) is a scalar that is empty and not
 * quoted. A scalar that is not quoted has neither blanks nor anything else that YAML wants quotes
 * for; what a variable has made of it may be a number or a boolean, but is never a null. */
struct xa_tree {
	enum xa_tree_kind kind;
	const char *key; /* inside a map; else NULL */
	const char *text; /* of a scalar: UTF-8, variables replaced; else NULL */
	bool quoted; /* the scalar is text, whatever it looks like */
	struct xa_tree *children, *next; /* the first one; the one behind this one */
	const char *file;
	unsigned line, column; /* of the value */
	unsigned key_line, key_column; /* of the key, inside a map */
};

/* The names of stages: [a-z][a-z0-9_]*, that long at most. */
#define XA_STAGE_NAME_BYTES 32

/* A piece of the policy: a rule, a plugin. */
struct xa_stage {
	const char *name;
	const char *path; /* for messages: "policy.stages[1].lua", the key as the file has it */
	const struct xa_tree *options; /* a map, empty where there are none */
	const char *file;
	unsigned line, column; /* of the name */
};

/* What its option `file` names, as written; NULL: nothing. */
const char *xa_stage_file(const struct xa_stage *stage);

/* All stages, written out, have at most this many bytes. */
#define XA_STAGES_BYTES_MAX 49152

/* Appends a key as it stands in a map, in quotes where it needs them. */
void xa_tree_add_key(const char *key, struct xa_buf *buf);

/* Appends the value, not its key, as YAML on one line; all of it is ASCII. */
void xa_tree_format(const struct xa_tree *tree, struct xa_buf *buf);
