/* SPDX-License-Identifier: GPL-2.0-or-later */

/* One pass, held to what holds for a configuration. */

#include "config/tree_file.h"

#include <fcntl.h>
#include <string.h>

#include "config/file.h"
#include "config/text.h"

static int read_text(const char *path, char **ret_text, size_t *ret_len, struct xa_whys *whys)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct xa_why why = {0};
	int r;

	if (fd < 0)
		r = xa_why_set(&why, -errno, "cannot open: %s", strerror(errno));
	else
		r = xa_file_read_fd(fd, ret_text, ret_len, &why);
	if (r && r != -ENOMEM)
		(void)xa_whys_add(whys, path, 0, 0, "%s", why.text);
	return r;
}

static int read_top(struct xa_tree_reader *reader, const struct xa_tree_file *file,
		    struct xa_tree *top)
{
	struct xa_yaml *yaml = reader->yaml;
	int r = xa_yaml_next(yaml);

	top->kind = XA_TREE_MAP;
	top->file = reader->source.file;
	top->line = top->column = 1;
	if (r || yaml->node == XA_NODE_END)
		return r;
	if (yaml->node == XA_NODE_MAP) {
		r = xa_tree_read(reader, top);
	} else {
		if (yaml->node == XA_NODE_LIST || !xa_yaml_is_null(yaml))
			(void)xa_yaml_refuse(yaml, "expected keys ('%s:'), not a %s", file->key,
					     yaml->node == XA_NODE_LIST ? "list" : "value");
		r = xa_yaml_skip(yaml);
	}
	/* Behind the top comes the end, or what refuses itself. */
	return r ? r : xa_yaml_next(yaml);
}

static int read_yaml(const struct xa_tree_file *file, const struct xa_source *source,
		     const char *text, size_t len, struct xa_tree *top)
{
	_cleanup_xa_yaml_ struct xa_yaml yaml = {0};
	_cleanup_xa_tree_reader_ struct xa_tree_reader reader = {
		.yaml = &yaml,
		.source = *source,
		.read_top = file->read_top,
		.verbatim = file->verbatim,
	};
	struct xa_why why = {0};
	int r;

	if (!xa_text_check(text, len, &why))
		return xa_whys_add(source->whys, source->file, why.line, why.column, "%s",
				   why.text);
	r = xa_yaml_open(&yaml, source->file, text, len, source->whys);
	if (!r)
		r = read_top(&reader, file, top);
	if (!r && reader.bytes > XA_STAGES_BYTES_MAX)
		r = xa_whys_add(source->whys, source->file, 0, 0, "values of more than %d KiB",
				XA_STAGES_BYTES_MAX / 1024);
	return r;
}

int xa_tree_file_load(struct xa_config **ret, const struct xa_tree **ret_top,
		      const struct xa_tree_file *file, struct xa_whys *ret_whys)
{
	_cleanup_xa_config_ struct xa_config *config = NULL;
	_cleanup_free_ char *text = NULL;
	struct xa_source source = {.whys = ret_whys};
	struct xa_tree *top;
	size_t len;
	int r = xa_config_load(&config, NULL, NULL, 0, ret_whys);

	if (!r)
		r = read_text(file->path, &text, &len, ret_whys);
	if (r)
		return r;
	source.config = config;
	source.file = xa_arena_strndup(config->arena, file->path, strlen(file->path));
	top = xa_arena_alloc(config->arena, sizeof(*top));
	r = source.file && top ? read_yaml(file, &source, text, len, top) : -ENOMEM;
	if (r || ret_whys->count)
		return r ? r : -EINVAL;
	*ret = take_ptr(config);
	*ret_top = top;
	return 0;
}
