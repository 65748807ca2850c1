/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A stage is an entry `name: {options}` of a list, and an entry is where most people go wrong: an
 * indentation that is too small makes options of a stage its neighbours.
 */

#include "config/stages.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "config/text.h"
#include "config/tree_reader.h"

#define NAME_FIRST "abcdefghijklmnopqrstuvwxyz"
#define NAME_CHARS NAME_FIRST "0123456789_"

/* Reading */

static bool is_name(const char *text)
{
	return text[0] && strchr(NAME_FIRST, text[0]) && !text[strspn(text, NAME_CHARS)] &&
	       strlen(text) <= XA_STAGE_NAME_BYTES;
}

/* In lower case, with '_' for blanks and signs; whether that is a name. */
static bool mend_name(const char *text, char ret_name[static XA_STAGE_NAME_BYTES + 1])
{
	const size_t len = strlen(text);

	if (!len || len > XA_STAGE_NAME_BYTES)
		return false;
	for (size_t i = 0; i <= len; i++)
		ret_name[i] = text[i] && strchr("- .", text[i])
				      ? '_'
				      : (char)tolower((unsigned char)text[i]);
	return is_name(ret_name);
}

/* Whether the text is a stage's name; a reason if it is not. */
static bool check_name(const struct xa_tree_reader *reader, const char *text)
{
	char name[XA_STAGE_NAME_BYTES + 1];

	if (is_name(text))
		return true;
	if (mend_name(text, name))
		xa_tree_refuse(reader, "%s is no name of a stage (did you mean '%s'?)",
			       xa_quotes(text).text, name);
	else
		xa_tree_refuse(reader,
			       "%s is no name of a stage (a letter, then letters, digits and "
			       "'_', all lower case, %d at most)",
			       xa_quotes(text).text, XA_STAGE_NAME_BYTES);
	return false;
}

/* A copy of the path of the current entry's stage; NULL without memory. */
static const char *copy_path(struct xa_tree_reader *reader, const char *name)
{
	const size_t len = reader->path.len;
	const char *copy;

	if (xa_tree_enter_key(reader, name))
		return NULL;
	copy = xa_arena_strndup(reader->source.config->arena, reader->path.text, reader->path.len);
	xa_tree_leave(reader, len);
	return copy;
}

/* Adds a stage without options at the current node, which is its name. */
static int add_stage(struct xa_tree_reader *reader, const char *name, struct xa_tree **ret_options)
{
	struct xa_config *config = reader->source.config;
	struct xa_tree *options = xa_arena_alloc(config->arena, sizeof(*options));
	const char *copy = xa_arena_strndup(config->arena, name, strlen(name));
	const char *path = copy_path(reader, name);

	if (!options || !copy || !path)
		return -ENOMEM;
	*options = (struct xa_tree){.kind = XA_TREE_MAP,
				    .file = reader->source.file,
				    .line = reader->yaml->line,
				    .column = reader->yaml->column};
	config->policy.stages[config->policy.stage_count++] = (struct xa_stage){
		.name = copy,
		.path = path,
		.options = options,
		.file = options->file,
		.line = options->line,
		.column = options->column};
	*ret_options = options;
	return 0;
}

/* The options behind the name: a mapping, or nothing. */
static int read_options(struct xa_tree_reader *reader, const char *name, struct xa_tree *options)
{
	struct xa_yaml *yaml = reader->yaml;
	const size_t len = reader->path.len;
	int r = xa_tree_enter_key(reader, name);

	if (r)
		return r;
	if (yaml->node == XA_NODE_MAP)
		r = xa_tree_read(reader, options);
	else if (yaml->node == XA_NODE_LIST ||
		 (yaml->node == XA_NODE_SCALAR && !xa_yaml_is_null(yaml))) {
		xa_tree_refuse(reader, "expected options ('key: value'), not a %s",
			       yaml->node == XA_NODE_LIST ? "list" : "value");
		r = xa_yaml_skip(yaml);
	}
	if (!r)
		xa_tree_leave(reader, len);
	return r;
}

/* The current node is the key of an entry: its name, then its options, which are looked at whether
 * the name is good or not. */
static int read_named(struct xa_tree_reader *reader, const char **ret_name)
{
	struct xa_tree unused = {0}, *options = &unused;
	const char *name;
	int r = xa_tree_read_key(reader, &name);

	if (!r && name && check_name(reader, name))
		r = add_stage(reader, name, &options);
	if (!r)
		r = xa_yaml_next(reader->yaml);
	if (r)
		return r;
	*ret_name = name;
	return name ? read_options(reader, name, options) : xa_yaml_skip(reader->yaml);
}

/* The current node is a second key: a reason, unless there is one against this entry. */
static int skip_neighbour(struct xa_tree_reader *reader, const char **name)
{
	const char *neighbour = NULL;
	int r;

	if (*name) {
		r = xa_tree_read_key(reader, &neighbour);
		if (r)
			return r;
	} else {
		r = xa_yaml_skip(reader->yaml);
	}
	if (neighbour && !strcmp(neighbour, *name))
		xa_tree_refuse(reader, "duplicate key %s", xa_quotes(neighbour).text);
	else if (neighbour)
		xa_tree_refuse(reader,
			       "%s stands beside %s (options of a stage are indented further; "
			       "another stage begins with '- ')",
			       xa_quotes(neighbour).text, xa_quotes(*name).text);
	*name = NULL;
	if (!r)
		r = xa_yaml_next(reader->yaml);
	return r ? r : xa_yaml_skip(reader->yaml);
}

static void refuse_nothing(const struct xa_tree_reader *reader)
{
	xa_tree_refuse(reader, "no stage stands here (such as '- zones: {...}')");
}

/* A mapping of one key. */
static int read_map(struct xa_tree_reader *reader)
{
	struct xa_yaml *yaml = reader->yaml;
	const unsigned line = yaml->line, column = yaml->column;
	const char *name = NULL;
	int r = xa_yaml_next(yaml);

	if (r)
		return r;
	if (yaml->node == XA_NODE_MAP_END) {
		yaml->line = line;
		yaml->column = column;
		refuse_nothing(reader);
		return 0;
	}
	for (r = read_named(reader, &name); !r; r = skip_neighbour(reader, &name)) {
		r = xa_yaml_next(yaml);
		if (r || yaml->node == XA_NODE_MAP_END)
			break;
	}
	return r;
}

/* A name alone is a stage without options. */
static int read_name(struct xa_tree_reader *reader)
{
	const char *text = reader->yaml->scalar;
	struct xa_tree *options;

	if (xa_yaml_is_null(reader->yaml))
		refuse_nothing(reader);
	else if (check_name(reader, text))
		return add_stage(reader, text, &options);
	return 0;
}

static int read_entry(struct xa_tree_reader *reader, size_t index)
{
	const size_t len = reader->path.len;
	int r = xa_tree_enter_index(reader, index);

	if (r)
		return r;
	switch (reader->yaml->node) {
	case XA_NODE_SCALAR:
		r = read_name(reader);
		break;
	case XA_NODE_MAP:
		r = read_map(reader);
		break;
	case XA_NODE_LIST:
		xa_tree_refuse(reader, "expected a stage ('zones: {...}'), not a list");
		r = xa_yaml_skip(reader->yaml);
		break;
	default:
		break;
	}
	xa_tree_leave(reader, len);
	return r;
}

/* Entries up to the end of the list. One too many gives the reason against all further ones. */
static int read_entries(struct xa_tree_reader *reader, const struct xa_option *option)
{
	struct xa_yaml *yaml = reader->yaml;

	for (size_t i = 0;; i++) {
		int r = xa_yaml_next(yaml);

		if (r || yaml->node == XA_NODE_LIST_END)
			return r;
		if (i == option->max)
			xa_tree_refuse(reader, "more than %" PRIu64 " stages", option->max);
		r = i < option->max ? read_entry(reader, i) : xa_yaml_skip(yaml);
		if (r)
			return r;
	}
}

/* What is written out is to fit into a file again, whatever variables have made of it. */
static int check_size(const struct xa_tree_reader *reader, const struct xa_option *option,
		      unsigned line, unsigned column, const char *key)
{
	_cleanup_xa_buf_ struct xa_buf text = {0};

	xa_stages_format(reader->source.config, option, &text);
	if (xa_buf_failed(&text))
		return -ENOMEM;
	if (reader->bytes > XA_STAGES_BYTES_MAX || text.len > XA_STAGES_BYTES_MAX)
		(void)xa_whys_add(reader->source.whys, reader->source.file, line, column,
				  "%s: larger than %d KiB, written out", key,
				  XA_STAGES_BYTES_MAX / 1024);
	return 0;
}

static int read_list(struct xa_tree_reader *reader, const struct xa_option *option, const char *key)
{
	const unsigned line = reader->yaml->line, column = reader->yaml->column;
	int r;

	reader->source.line = line;
	xa_buf_adds(&reader->path, key);
	if (xa_buf_failed(&reader->path))
		return -ENOMEM;
	r = xa_source_begin(&reader->source, option);
	if (!r)
		r = read_entries(reader, option);
	return r ? r : check_size(reader, option, line, column, key);
}

int xa_stages_read(struct xa_yaml *yaml, const struct xa_source *source,
		   const struct xa_option *option, const char *key)
{
	_cleanup_xa_tree_reader_ struct xa_tree_reader reader = {.yaml = yaml, .source = *source};

	if (yaml->node == XA_NODE_LIST)
		return read_list(&reader, option, key);
	if (yaml->node == XA_NODE_SCALAR && xa_yaml_is_null(yaml))
		(void)xa_yaml_refuse(yaml, "%s: has no value (leave the key out for '%s')", key,
				     option->fallback);
	else if (yaml->node != XA_NODE_REFUSED)
		(void)xa_yaml_refuse(yaml,
				     "%s: expected a list of stages ('- zones: {...}'), not a %s",
				     key, yaml->node == XA_NODE_MAP ? "mapping" : "value");
	return xa_yaml_skip(yaml);
}

int xa_stages_set(struct xa_config *config, const struct xa_option *option, const char *text,
		  struct xa_why *why)
{
	(void)config;
	if (!strcmp(text, option->fallback))
		return 0;
	return xa_why_set(why, -EINVAL, "%s: only a file can hold stages ('%s' leaves them out)",
			  option->key, option->fallback);
}

/* Writing */

static void add_stage_text(const struct xa_stage *stage, struct xa_buf *buf)
{
	xa_buf_addf(buf, "%s: ", stage->name);
	xa_tree_format(stage->options, buf);
}

void xa_stages_format(const struct xa_config *config, const struct xa_option *option,
		      struct xa_buf *buf)
{
	if (!config->policy.stage_count)
		xa_buf_adds(buf, option->fallback);
	for (size_t i = 0; i < config->policy.stage_count; i++) {
		xa_buf_adds(buf, "\n    - ");
		add_stage_text(&config->policy.stages[i], buf);
	}
}

void xa_stages_describe(const struct xa_option *option, struct xa_buf *buf)
{
	xa_buf_addf(buf,
		    "list of %" PRIu64 " to %" PRIu64
		    " stages: a name, or a name with a mapping of its options",
		    option->min, option->max);
}
