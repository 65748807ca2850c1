/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The subset of YAML that a config is written in, as a stream of nodes: scalars, lists, mappings.
 * Anchors, aliases, tags, second documents, NUL bytes and depth are dealt with here, each refused
 * by name, so that whoever reads nodes never sees them.
 */

#include <stdbool.h>
#include <yaml.h>

#include "config/whys.h"

#define XA_YAML_DEPTH_MAX 16

enum xa_node {
	XA_NODE_SCALAR,
	XA_NODE_LIST,
	XA_NODE_LIST_END,
	XA_NODE_MAP,
	XA_NODE_MAP_END,
	XA_NODE_REFUSED, /* stands for a node that a reason has been given for already */
	XA_NODE_END, /* of the file */
};

struct xa_yaml {
	yaml_parser_t parser;
	yaml_event_t event; /* behind the current node */
	const char *text; /* borrowed: the whole file */
	size_t len;
	const char *file; /* borrowed: its name */
	struct xa_whys *whys; /* borrowed: what is wrong with the file */
	enum xa_node node;
	const char *scalar; /* of XA_NODE_SCALAR: without NUL inside, until the next node */
	unsigned line, column; /* of the node's start */
	unsigned depth; /* lists and mappings around what follows */
	bool opened, ended;
};

/* `text` has passed xa_text_check(). 0 or -ENOMEM. Reasons go to `whys`. */
int xa_yaml_open(struct xa_yaml *yaml, const char *file, const char *text, size_t len,
		 struct xa_whys *whys);
void xa_yaml_done(struct xa_yaml *yaml);
#define _cleanup_xa_yaml_ XA_CLEANUP(xa_yaml_done)

/* Goes to the next node: 0, -EINVAL if there is no going on (a reason has been given), -ENOMEM. */
int xa_yaml_next(struct xa_yaml *yaml);

/* With a node just read: goes on to its last one, which is itself unless it is a list or map. */
int xa_yaml_skip(struct xa_yaml *yaml);

/* Whether the scalar stands in quotes or is a block: text, whatever it looks like. */
bool xa_yaml_is_quoted(const struct xa_yaml *yaml);

/* Whether the scalar is YAML's null: nothing at all, or ~ or null without quotes. */
bool xa_yaml_is_null(const struct xa_yaml *yaml);

/* Adds a reason at the current node; returns -EINVAL. */
XA_PRINTF(2, 3) int xa_yaml_refuse(struct xa_yaml *yaml, const char *format, ...);
