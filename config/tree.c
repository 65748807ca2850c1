/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A tree back to YAML. What reads it anew gets an equal tree, places left aside. */

#include "config/tree.h"

#include "config/scalar.h"

static void add_scalar(const struct xa_tree *tree, struct xa_buf *buf)
{
	if (tree->quoted)
		xa_scalar_add_quoted(tree->text, buf);
	else
		xa_buf_adds(buf, *tree->text ? tree->text : "~");
}

/* A key is text in any case: 8443 needs no quotes. */
void xa_tree_add_key(const char *key, struct xa_buf *buf)
{
	if (xa_scalar_is_plain(key))
		xa_buf_adds(buf, key);
	else
		xa_scalar_add_quoted(key, buf);
}

static void add_children(const struct xa_tree *tree, struct xa_buf *buf)
{
	for (const struct xa_tree *child = tree->children; child; child = child->next) {
		if (child->key) {
			xa_tree_add_key(child->key, buf);
			xa_buf_adds(buf, ": ");
		}
		xa_tree_format(child, buf);
		xa_buf_adds(buf, child->next ? ", " : "");
	}
}

void xa_tree_format(const struct xa_tree *tree, struct xa_buf *buf)
{
	switch (tree->kind) {
	case XA_TREE_LIST:
		xa_buf_adds(buf, "[");
		add_children(tree, buf);
		xa_buf_adds(buf, "]");
		break;
	case XA_TREE_MAP:
		xa_buf_adds(buf, "{");
		add_children(tree, buf);
		xa_buf_adds(buf, "}");
		break;
	default:
		add_scalar(tree, buf);
	}
}

const char *xa_stage_file(const struct xa_stage *stage)
{
	for (const struct xa_tree *option = stage->options->children; option; option = option->next)
		if (!strcmp(option->key, "file"))
			return option->kind == XA_TREE_SCALAR && option->text[0] ? option->text
										 : NULL;
	return NULL;
}
