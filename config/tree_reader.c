/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A recursive walk, as deep as yaml.c allows. What holds for the rest of a file holds here; only
 * the keys are not known. Duplicate ones are found by sorting, in n log n for any input.
 */

#include "config/tree_reader.h"

#include <string.h>

#include "config/expand.h"
#include "config/scalar.h"
#include "config/text.h"

/* Of a path in a reason; what does not fit is left out step by step. */
#define PATH_BYTES 160

void xa_tree_reader_done(struct xa_tree_reader *reader)
{
	xa_buf_done(&reader->path);
	xa_buf_done(&reader->expanded);
}

/* The path */

static int enter(struct xa_tree_reader *reader, const char *step)
{
	const char *path = reader->path.text;
	const size_t len = reader->path.len;
	const bool gap = len > 3 && !strcmp(path + len - 3, "...");

	if (len + strlen(step) <= PATH_BYTES)
		xa_buf_adds(&reader->path, step);
	else if (!gap)
		xa_buf_adds(&reader->path, "...");
	return xa_buf_failed(&reader->path) ? -ENOMEM : 0;
}

int xa_tree_enter_index(struct xa_tree_reader *reader, size_t index)
{
	char step[32];

	(void)snprintf(step, sizeof(step), "[%zu]", index);
	return enter(reader, step);
}

int xa_tree_enter_key(struct xa_tree_reader *reader, const char *key)
{
	static const char simple[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789_-";
	const struct xa_quoted quoted = xa_quotes(key);
	const size_t len = strlen(key);
	char step[sizeof(quoted.text) + 2];

	if (len == strspn(key, simple) && len < sizeof(quoted.text))
		(void)snprintf(step, sizeof(step), "%s%s", reader->path.len ? "." : "", key);
	else
		(void)snprintf(step, sizeof(step), "[%s]", quoted.text);
	return enter(reader, step);
}

void xa_tree_leave(struct xa_tree_reader *reader, size_t len)
{
	reader->path.len = len;
	reader->path.text[len] = '\0';
}

void xa_tree_refuse(const struct xa_tree_reader *reader, const char *format, ...)
{
	struct xa_why why;
	va_list args;

	va_start(args, format);
	(void)vsnprintf(why.text, sizeof(why.text), format, args);
	va_end(args);
	(void)xa_yaml_refuse(reader->yaml, "%s%s%s", reader->path.len ? reader->path.text : "",
			     reader->path.len ? ": " : "", why.text);
}

/* Keys */

static bool has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return true;
	return false;
}

/* NULL, or what is wrong with the key. */
static const char *key_fault(const char *key)
{
	if (!*key)
		return "a key is empty";
	if (!strcmp(key, "<<"))
		return "merge keys ('<<') are not supported";
	if (strlen(key) > XA_TREE_KEY_BYTES)
		return "a key is longer than 255 bytes";
	if (has_control(key))
		return "a key has control characters";
	if (strchr(key, '$'))
		return "no '$' may stand in a key: variables are for values";
	return NULL;
}
_Static_assert(XA_TREE_KEY_BYTES == 255, "key_fault() says how many");

int xa_tree_read_key(struct xa_tree_reader *reader, const char **ret_key)
{
	const struct xa_yaml *yaml = reader->yaml;
	const char *fault, *key = NULL;

	if (yaml->node == XA_NODE_LIST || yaml->node == XA_NODE_MAP) {
		xa_tree_refuse(reader, "a key has to be a plain name");
		*ret_key = NULL;
		return xa_yaml_skip(reader->yaml);
	}
	fault = yaml->node == XA_NODE_SCALAR ? key_fault(yaml->scalar) : NULL;
	if (fault)
		xa_tree_refuse(reader, "%s", fault);
	else if (yaml->node == XA_NODE_SCALAR) {
		key = xa_arena_strndup(reader->source.config->arena, yaml->scalar,
				       strlen(yaml->scalar));
		if (!key)
			return -ENOMEM;
	}
	*ret_key = key;
	return 0;
}

/* By key; equal ones by their place. */
static int by_key(const void *a, const void *b)
{
	const struct xa_tree *const one = *(const struct xa_tree *const *)a;
	const struct xa_tree *const other = *(const struct xa_tree *const *)b;
	const int order = strcmp(one->key, other->key);

	if (order)
		return order;
	if (one->key_line != other->key_line)
		return one->key_line < other->key_line ? -1 : 1;
	return one->key_column < other->key_column ? -1 : 1;
}

static int refuse_duplicates(const struct xa_tree_reader *reader, const struct xa_tree *map,
			     size_t count)
{
	_cleanup_free_ const struct xa_tree **sorted = NULL;
	const char *path = reader->path.len ? reader->path.text : "";
	const struct xa_tree *first = NULL;
	size_t used = 0;

	if (count < 2)
		return 0;
	sorted = malloc(count * sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	for (const struct xa_tree *child = map->children; child; child = child->next)
		sorted[used++] = child;
	qsort(sorted, used, sizeof(*sorted), by_key);
	for (size_t i = 0; i < used; i++) {
		if (!first || strcmp(sorted[i]->key, first->key) != 0)
			first = sorted[i];
		else
			(void)xa_whys_add(reader->source.whys, sorted[i]->file, sorted[i]->key_line,
					  sorted[i]->key_column,
					  "%s%sduplicate key %s (first in line %u)", path,
					  *path ? ": " : "", xa_quotes(first->key).text,
					  first->key_line);
	}
	return 0;
}

/* Values */

static int keep_scalar(struct xa_tree_reader *reader, struct xa_tree *tree)
{
	const char *text = reader->expanded.text;
	const char *scalar = reader->yaml->scalar;
	const bool variable = !reader->verbatim && strchr(scalar, '$');

	if (!xa_text_is_utf8(text)) {
		xa_tree_refuse(reader, "%s is not UTF-8, from %s", xa_quotes(text).text,
			       xa_quotes(scalar).text);
		return 0;
	}
	reader->bytes += reader->expanded.len;
	if (reader->bytes > XA_STAGES_BYTES_MAX)
		return 0;
	if (!xa_scalar_is_plain(text) || (variable && xa_scalar_is_null(text)))
		tree->quoted = true;
	tree->text = xa_arena_strndup(reader->source.config->arena, text, strlen(text));
	return tree->text ? 0 : -ENOMEM;
}

static int expand(struct xa_tree_reader *reader, struct xa_why *why)
{
	if (!reader->verbatim)
		return xa_expand(reader->yaml->scalar, &reader->expanded, why);
	xa_buf_reset(&reader->expanded);
	xa_buf_adds(&reader->expanded, reader->yaml->scalar);
	return xa_buf_failed(&reader->expanded) ? -ENOMEM : 0;
}

static int read_scalar(struct xa_tree_reader *reader, struct xa_tree *tree)
{
	struct xa_why why = {0};
	int r;

	tree->text = "";
	tree->quoted = xa_yaml_is_quoted(reader->yaml);
	if (xa_yaml_is_null(reader->yaml))
		return 0;
	r = expand(reader, &why);
	if (r == -EINVAL)
		xa_tree_refuse(reader, "%s", why.text);
	if (r)
		return r == -EINVAL ? 0 : r;
	return keep_scalar(reader, tree);
}

/* Appends a child at the end, which moves. */
static struct xa_tree *add_child(const struct xa_tree_reader *reader, struct xa_tree ***end)
{
	struct xa_tree *child = xa_arena_alloc(reader->source.config->arena, sizeof(*child));

	if (!child)
		return NULL;
	**end = child;
	*end = &child->next;
	return child;
}

static int read_list(struct xa_tree_reader *reader, struct xa_tree *tree)
{
	const size_t len = reader->path.len;
	struct xa_tree **end = &tree->children;
	int r;

	for (size_t i = 0;; i++) {
		struct xa_tree *child;

		r = xa_yaml_next(reader->yaml);
		if (r || reader->yaml->node == XA_NODE_LIST_END)
			return r;
		child = add_child(reader, &end);
		r = child ? xa_tree_enter_index(reader, i) : -ENOMEM;
		if (!r)
			r = xa_tree_read(reader, child);
		if (r)
			return r;
		xa_tree_leave(reader, len);
	}
}

/* The current node is a key; its value is read or, if the key was refused, skipped. */
static int read_entry(struct xa_tree_reader *reader, struct xa_tree ***end, size_t *count)
{
	const size_t len = reader->path.len;
	const unsigned line = reader->yaml->line, column = reader->yaml->column;
	struct xa_tree *child;
	const char *key;
	int r = xa_tree_read_key(reader, &key);

	if (!r)
		r = xa_yaml_next(reader->yaml);
	if (r)
		return r;
	if (!key)
		return xa_yaml_skip(reader->yaml);
	child = add_child(reader, end);
	if (!child)
		return -ENOMEM;
	child->key = key;
	child->key_line = line;
	child->key_column = column;
	++*count;
	r = xa_tree_enter_key(reader, key);
	if (!r)
		r = !len && reader->read_top ? reader->read_top(reader, child)
					     : xa_tree_read(reader, child);
	if (!r)
		xa_tree_leave(reader, len);
	return r;
}

static int read_map(struct xa_tree_reader *reader, struct xa_tree *tree)
{
	struct xa_tree **end = &tree->children;
	size_t count = 0;
	int r = 0;

	while (!r) {
		r = xa_yaml_next(reader->yaml);
		if (r)
			return r;
		if (reader->yaml->node == XA_NODE_MAP_END)
			return refuse_duplicates(reader, tree, count);
		r = read_entry(reader, &end, &count);
	}
	return r;
}

int xa_tree_read(struct xa_tree_reader *reader, struct xa_tree *tree)
{
	tree->file = reader->source.file;
	tree->line = reader->yaml->line;
	tree->column = reader->yaml->column;
	switch (reader->yaml->node) {
	case XA_NODE_LIST:
		tree->kind = XA_TREE_LIST;
		return read_list(reader, tree);
	case XA_NODE_MAP:
		tree->kind = XA_TREE_MAP;
		return read_map(reader, tree);
	case XA_NODE_SCALAR:
		return read_scalar(reader, tree);
	default:
		/* Refused: nothing will be made of this config. */
		tree->text = "";
		return 0;
	}
}
