/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What stands under `stages` goes the way of a configuration, all else becomes a tree. */

#include "config/stages_file.h"

#include <string.h>

#include "config/stages.h"
#include "config/tree_file.h"

#define KEY    "stages"
#define OPTION "policy.stages"

static int read_value(struct xa_tree_reader *reader, struct xa_tree *child)
{
	if (strcmp(child->key, KEY) != 0)
		return xa_tree_read(reader, child);
	child->file = reader->source.file;
	child->line = reader->yaml->line;
	child->column = reader->yaml->column;
	child->text = "";
	return xa_stages_read(reader->yaml, &reader->source, xa_option_find(OPTION), KEY);
}

int xa_stages_file_load(struct xa_config **ret, const struct xa_tree **ret_top, const char *path,
			struct xa_whys *ret_whys)
{
	const struct xa_tree_file file = {.path = path, .key = KEY, .read_top = read_value};

	return xa_tree_file_load(ret, ret_top, &file, ret_whys);
}
