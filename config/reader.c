/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * From YAML nodes to values. A recursive walk along the table: a key leads to an option or to a
 * section, and what leads nowhere is refused and skipped. Whatever the file holds, each node is
 * looked at once.
 */

#include <string.h>

#include "config/expand.h"
#include "config/source.h"
#include "config/stages.h"
#include "config/text.h"
#include "config/value.h"
#include "config/yaml.h"

#define KEY_BYTES 128

struct reader {
	struct xa_yaml yaml;
	struct xa_source source;
	struct xa_buf expanded;
};

static void reader_done(struct reader *reader)
{
	xa_yaml_done(&reader->yaml);
	xa_buf_done(&reader->expanded);
}

/* The scalar with its variables replaced, in reader->expanded; *ret_ok tells whether it worked. */
static int expand_scalar(struct reader *reader, const struct xa_option *option, bool *ret_ok)
{
	const char *scalar = reader->yaml.scalar;
	struct xa_why why = {0};
	int r;

	reader->source.line = reader->yaml.line;
	reader->source.column = reader->yaml.column;
	reader->source.written = NULL;
	r = xa_expand(scalar, &reader->expanded, &why);
	*ret_ok = !r;
	if (r == -EINVAL)
		xa_source_refuse(&reader->source, "%s: %s", option->key, why.text);
	else if (!r && strchr(scalar, '$'))
		reader->source.written = scalar;
	return r == -EINVAL ? 0 : r;
}

static int read_scalar(struct reader *reader, const struct xa_option *option,
		       int (*set)(const struct xa_source *source, const struct xa_option *option,
				  const char *text))
{
	bool ok;
	int r;

	if (xa_yaml_is_null(&reader->yaml)) {
		(void)xa_yaml_refuse(&reader->yaml, "%s: has no value (leave the key out for '%s')",
				     option->key, xa_option_shown(option));
		return 0;
	}
	r = expand_scalar(reader, option, &ok);
	if (r || !ok)
		return r;
	return set(&reader->source, option, reader->expanded.text ? reader->expanded.text : "");
}

/* Refuses the list or mapping that stands where a single value has to. */
static int refuse_nested(struct reader *reader, const struct xa_option *option)
{
	(void)xa_yaml_refuse(&reader->yaml, "%s: expected a value, not a %s%s", option->key,
			     reader->yaml.node == XA_NODE_LIST ? "list" : "mapping",
			     option->type == XA_OPTION_LISTEN
				     ? " (quotes around an IPv6 address: \"[::1]:9400\")"
				     : "");
	return xa_yaml_skip(&reader->yaml);
}

static int read_list_entry(struct reader *reader, const struct xa_option *option)
{
	switch (reader->yaml.node) {
	case XA_NODE_SCALAR:
		return read_scalar(reader, option, xa_source_add);
	case XA_NODE_LIST:
	case XA_NODE_MAP:
		return refuse_nested(reader, option);
	default:
		return 0;
	}
}

static int read_list(struct reader *reader, const struct xa_option *option)
{
	const unsigned line = reader->yaml.line, column = reader->yaml.column;
	uint64_t entries = 0;
	int r;

	reader->source.line = line;
	r = xa_source_begin(&reader->source, option);
	while (!r) {
		r = xa_yaml_next(&reader->yaml);
		if (r || reader->yaml.node == XA_NODE_LIST_END)
			break;
		/* One entry too many gives the reason; all further ones would repeat it. */
		r = entries++ > option->max ? xa_yaml_skip(&reader->yaml)
					    : read_list_entry(reader, option);
	}
	if (!r && !entries && option->min)
		(void)xa_whys_add(reader->source.whys, reader->source.file, line, column,
				  "%s: the list is empty", option->key);
	return r;
}

static int read_value(struct reader *reader, const struct xa_option *option)
{
	if (option->type == XA_OPTION_STAGES)
		return xa_stages_read(&reader->yaml, &reader->source, option, option->key);
	switch (reader->yaml.node) {
	case XA_NODE_SCALAR:
		return read_scalar(reader, option, xa_source_set);
	case XA_NODE_LIST:
		return xa_option_is_list(option) ? read_list(reader, option)
						 : refuse_nested(reader, option);
	case XA_NODE_MAP:
		return refuse_nested(reader, option);
	default:
		return 0;
	}
}

/* What a key in a file stands for: an option, a section (by its first option), or neither. */
struct target {
	char path[KEY_BYTES];
	const struct xa_option *option, *section;
};

static int refuse_unknown(struct reader *reader, const char *section, const char *name)
{
	_cleanup_xa_buf_ struct xa_buf hint = {0};
	const char *dot = strchr(name, '.');

	if (!xa_whys_room(reader->source.whys))
		return xa_yaml_refuse(&reader->yaml, "unknown key");
	if (!strcmp(name, "<<"))
		return xa_yaml_refuse(&reader->yaml, "merge keys ('<<') are not supported");
	if (!*section && dot && xa_option_find(name))
		return xa_yaml_refuse(&reader->yaml,
				      "unknown key '%s' (in a file it is '%s' inside '%.*s')", name,
				      dot + 1, (int)(dot - name), name);
	xa_option_suggest(section, name, &hint);
	if (xa_buf_failed(&hint))
		return -ENOMEM;
	return xa_yaml_refuse(&reader->yaml, "unknown key %s%s%s%s%s", xa_quotes(name).text,
			      *section ? " in '" : "", section, *section ? "'" : "",
			      hint.text ? hint.text : "");
}

static void find_target(const char *section, const char *name, struct target *ret)
{
	const int len = snprintf(ret->path, sizeof(ret->path), "%s%s%s", section,
				 *section ? "." : "", name);
	const bool fits = len < (int)sizeof(ret->path) && *name && !strchr(name, '.');

	ret->option = fits ? xa_option_find(ret->path) : NULL;
	ret->section = fits ? xa_section_find(ret->path) : NULL;
}

/* Notes the line of a key's first appearance; a second one is refused and has no target. */
static void check_duplicate(struct reader *reader, struct target *target, unsigned *seen)
{
	const struct xa_option *first = target->option ? target->option : target->section;
	unsigned *line = &seen[first - xa_options];

	if (!*line) {
		*line = reader->yaml.line;
		return;
	}
	(void)xa_yaml_refuse(&reader->yaml, "duplicate key %s (first in line %u)",
			     xa_quotes(target->path).text, *line);
	target->option = target->section = NULL;
}

/* The current node is a key: finds what it stands for; without a target a reason is given. */
static int read_key(struct reader *reader, const char *section, unsigned *seen, struct target *ret)
{
	const struct xa_yaml *yaml = &reader->yaml;
	int r;

	*ret = (struct target){0};
	if (yaml->node == XA_NODE_REFUSED)
		return 0;
	if (yaml->node != XA_NODE_SCALAR) {
		(void)xa_yaml_refuse(&reader->yaml, "a key has to be a plain name");
		return xa_yaml_skip(&reader->yaml);
	}
	if (!*yaml->scalar) {
		(void)xa_yaml_refuse(&reader->yaml, "a key is empty");
		return 0;
	}
	find_target(section, yaml->scalar, ret);
	if (ret->option || ret->section) {
		check_duplicate(reader, ret, seen);
		return 0;
	}
	r = refuse_unknown(reader, section, yaml->scalar);
	return r == -EINVAL ? 0 : r;
}

static int read_section(struct reader *reader, const char *path);

static int read_entry(struct reader *reader, const char *section, unsigned *seen)
{
	struct target target;
	int r = read_key(reader, section, seen, &target);

	if (!r)
		r = xa_yaml_next(&reader->yaml);
	if (r)
		return r;
	if (target.option)
		return read_value(reader, target.option);
	return target.section ? read_section(reader, target.path) : xa_yaml_skip(&reader->yaml);
}

/* The keys of a mapping that has just begun; "" is the top level. Recursion ends where the table's
 * sections do. */
static int read_keys(struct reader *reader, const char *section)
{
	unsigned seen[XA_OPTIONS_MAX] = {0};
	int r = 0;

	while (!r) {
		r = xa_yaml_next(&reader->yaml);
		if (r || reader->yaml.node == XA_NODE_MAP_END)
			return r;
		r = read_entry(reader, section, seen);
	}
	return r;
}

static int read_section(struct reader *reader, const char *path)
{
	struct xa_yaml *yaml = &reader->yaml;

	if (yaml->node == XA_NODE_MAP)
		return read_keys(reader, path);
	if (yaml->node == XA_NODE_SCALAR && xa_yaml_is_null(yaml))
		(void)xa_yaml_refuse(yaml, "%s: has no keys (leave it out for the defaults)", path);
	else if (yaml->node != XA_NODE_REFUSED)
		(void)xa_yaml_refuse(yaml, "%s: expected keys ('%s' and so on), not a %s", path,
				     xa_section_find(path)->key + strlen(path) + 1,
				     yaml->node == XA_NODE_LIST ? "list" : "value");
	return xa_yaml_skip(yaml);
}

/* A file without a node, or with a null one, is all defaults. */
static int read_root(struct reader *reader)
{
	struct xa_yaml *yaml = &reader->yaml;
	int r = xa_yaml_next(yaml);

	if (r || yaml->node == XA_NODE_END)
		return r;
	if (yaml->node == XA_NODE_MAP) {
		r = read_keys(reader, "");
	} else {
		if (yaml->node == XA_NODE_LIST || !xa_yaml_is_null(yaml))
			(void)xa_yaml_refuse(yaml, "expected keys ('interface: eth0'), not a %s",
					     yaml->node == XA_NODE_LIST ? "list" : "value");
		r = xa_yaml_skip(yaml);
	}
	/* Behind the root comes the end, or what refuses itself: a second document, bad syntax. */
	return r ? r : xa_yaml_next(yaml);
}

int xa_source_read(const struct xa_source *source, const char *text, size_t len)
{
	XA_CLEANUP(reader_done) struct reader reader = {.source = *source};
	struct xa_why why = {0};
	int r;

	if (!xa_text_check(text, len, &why)) {
		(void)xa_whys_add(source->whys, source->file, why.line, why.column, "%s", why.text);
		return 0;
	}
	r = xa_yaml_open(&reader.yaml, source->file, text, len, source->whys);
	if (!r)
		r = read_root(&reader);
	/* Its reason has been given; the settings may have more to say. */
	return r == -EINVAL ? 0 : r;
}
