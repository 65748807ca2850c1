/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A map is read key by key in the file's order; what leads nowhere is refused with the nearest. */

#include "core/rule_tree.h"

#include <inttypes.h>
#include <string.h>

#include "config/options.h"
#include "config/text.h"

#define KEYS_MAX 32

void xa_rule_refuse(struct xa_rule_reader *reader, const struct xa_tree *tree, const char *format,
		    ...)
{
	va_list args;

	va_start(args, format);
	(void)xa_whys_addv(reader->whys, tree->file, tree->line, tree->column, format, args);
	va_end(args);
}

void *xa_rule_alloc(struct xa_rule_reader *reader, size_t count, size_t size)
{
	void *memory = xa_arena_alloc(reader->arena, (count ? count : 1) * size);

	if (!memory)
		reader->error = -ENOMEM;
	return memory;
}

static void refuse_key(struct xa_rule_reader *reader, const struct xa_tree *value,
		       const struct xa_rule_key *keys, size_t count)
{
	const char *names[KEYS_MAX], *near;

	for (size_t i = 0; i < count; i++)
		names[i] = keys[i].name;
	near = xa_suggest_name(value->key, names, count);
	(void)xa_whys_add(reader->whys, value->file, value->key_line, value->key_column,
			  "unknown key %s%s%s%s", xa_quotes(value->key).text,
			  near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
}

static const struct xa_rule_key *find_key(const struct xa_rule_key *keys, size_t count,
					  const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(keys[i].name, name))
			return &keys[i];
	return NULL;
}

static bool has_key(const struct xa_tree *tree, const char *name)
{
	for (const struct xa_tree *child = tree->children; child; child = child->next)
		if (!strcmp(child->key, name))
			return true;
	return false;
}

bool xa_rule_read_map(struct xa_rule_reader *reader, const struct xa_tree *tree, const char *what,
		      const struct xa_rule_key *keys, size_t count, void *to)
{
	if (tree->kind != XA_TREE_MAP) {
		xa_rule_refuse(reader, tree, "%s: expected keys ('%s: ...'), not a %s", what,
			       keys[0].name, tree->kind == XA_TREE_LIST ? "list" : "value");
		return false;
	}
	for (const struct xa_tree *child = tree->children; child; child = child->next) {
		const struct xa_rule_key *key = find_key(keys, count, child->key);

		if (key)
			key->read(reader, key, child, to);
		else
			refuse_key(reader, child, keys, count);
	}
	for (size_t i = 0; i < count; i++)
		if (keys[i].required && !has_key(tree, keys[i].name))
			xa_rule_refuse(reader, tree, "%s: '%s' is missing", what, keys[i].name);
	return true;
}

const char *xa_rule_text(struct xa_rule_reader *reader, const struct xa_tree *tree,
			 const char *what)
{
	if (tree->kind != XA_TREE_SCALAR)
		xa_rule_refuse(reader, tree, "%s: expected a value, not a %s", what,
			       tree->kind == XA_TREE_LIST ? "list" : "mapping");
	else if (!*tree->text)
		xa_rule_refuse(reader, tree, "%s: has no value", what);
	else
		return tree->text;
	return NULL;
}

bool xa_rule_list(struct xa_rule_reader *reader, const struct xa_tree *tree, const char *what,
		  size_t *ret_count)
{
	*ret_count = 0;
	if (tree->kind != XA_TREE_LIST) {
		xa_rule_refuse(reader, tree, "%s: expected a list, not a %s", what,
			       tree->kind == XA_TREE_MAP ? "mapping" : "value");
		return false;
	}
	for (const struct xa_tree *child = tree->children; child; child = child->next)
		++*ret_count;
	return true;
}

bool xa_rule_number(struct xa_rule_reader *reader, const struct xa_tree *tree, const char *what,
		    uint64_t min, uint64_t max, uint64_t *ret)
{
	const char *text = xa_rule_text(reader, tree, what);
	const char *end = text ? xa_digits_read(text, ret) : NULL;

	if (!text)
		return false;
	if (end && !*end && *ret >= min && *ret <= max)
		return true;
	xa_rule_refuse(reader, tree,
		       "%s: expected a number from %" PRIu64 " to %" PRIu64 ", not %s", what, min,
		       max, xa_quotes(text).text);
	return false;
}

void xa_rule_read_number(struct xa_rule_reader *reader, const struct xa_rule_key *key,
			 const struct xa_tree *value, void *to)
{
	char *at = (char *)to + key->offset;
	uint64_t number;

	if (!xa_rule_number(reader, value, key->name, key->min, key->max, &number))
		return;
	if (key->size == sizeof(uint8_t))
		*(uint8_t *)at = (uint8_t)number;
	else if (key->size == sizeof(uint16_t))
		memcpy(at, &(uint16_t){(uint16_t)number}, sizeof(uint16_t));
	else
		memcpy(at, &number, sizeof(number));
}

void xa_rule_read_text(struct xa_rule_reader *reader, const struct xa_rule_key *key,
		       const struct xa_tree *value, void *to)
{
	const char *text = xa_rule_text(reader, value, key->name);

	memcpy((char *)to + key->offset, &text, sizeof(text));
}

void xa_rule_read_tree(struct xa_rule_reader *reader, const struct xa_rule_key *key,
		       const struct xa_tree *value, void *to)
{
	(void)reader;
	memcpy((char *)to + key->offset, &value, sizeof(value));
}
