/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What the configuration's own table does for its keys is done here for a plugin's: the default is
 * text and read by the same code, and every reason is said, not the first one alone.
 */

#include "core/policy/stage_options.h"

#include <inttypes.h>
#include <string.h>

#include "config/options.h"
#include "config/path.h"
#include "config/text.h"
#include "config/units.h"
#include "config/whys.h"

/* Names of a plugin's options that a guess is made from. */
#define GUESSED_MAX 64

/* One option while it is read. */
struct reading {
	struct xa_arena *arena;
	const struct xa_setup_stage *stage;
	const struct xa_plugin_option *option;
	const struct xa_plugin_node *node; /* NULL: the default is read */
	struct xa_whys *whys;
};

/* Adds a reason at the option's place, or at the stage's; returns -EINVAL. */
XA_PRINTF(2, 3) static int refuse(const struct reading *reading, const char *format, ...)
{
	const struct xa_plugin_node *node = reading->node;
	struct xa_why why;
	va_list args;

	va_start(args, format);
	(void)vsnprintf(why.text, sizeof(why.text), format, args);
	va_end(args);
	return xa_whys_add(
		reading->whys, reading->stage->file, node ? node->line : reading->stage->line,
		node ? node->column : reading->stage->column, "%s.%s: %s%s", reading->stage->path,
		reading->option->name, node ? "" : "the plugin's default: ", why.text);
}

/* Numbers */

static bool is_in_range(const struct xa_plugin_option *option, int64_t number)
{
	return (!option->min && !option->max) || (number >= option->min && number <= option->max);
}

static struct xa_quantity bound_text(const struct xa_plugin_option *option, int64_t bound)
{
	struct xa_quantity quantity;

	if (option->type == XA_PLUGIN_DURATION)
		return xa_duration_text((uint64_t)bound);
	if (option->type == XA_PLUGIN_SIZE)
		return xa_size_text((uint64_t)bound);
	(void)snprintf(quantity.text, sizeof(quantity.text), "%" PRId64, bound);
	return quantity;
}

static int take_number(const struct reading *reading, const char *text, int64_t number,
		       struct xa_plugin_value *value)
{
	const struct xa_plugin_option *option = reading->option;

	if (!is_in_range(option, number))
		return refuse(reading, "%s is out of range (%s to %s)", xa_quotes(text).text,
			      bound_text(option, option->min).text,
			      bound_text(option, option->max).text);
	value->number = number;
	return 0;
}

/* What is too large for the type is out of range, as xa_digits_read() has it. */
static int take_natural(const struct reading *reading, const char *text, uint64_t number,
			bool negative, struct xa_plugin_value *value)
{
	if (number > INT64_MAX)
		return refuse(reading, "%s is out of range (the number is too large)",
			      xa_quotes(text).text);
	return take_number(reading, text, negative ? -(int64_t)number : (int64_t)number, value);
}

static int read_integer(const struct reading *reading, const char *text,
			struct xa_plugin_value *value)
{
	const bool negative = text[0] == '-';
	uint64_t number;
	const char *end = xa_digits_read(text + negative, &number);

	if (!end || *end)
		return refuse(reading,
			      "%s is not a whole number (decimal digits only, no leading 0)",
			      xa_quotes(text).text);
	return take_natural(reading, text, number, negative, value);
}

static int read_duration(const struct reading *reading, const char *text,
			 struct xa_plugin_value *value)
{
	uint64_t ns;
	const char *end;

	if (!xa_duration_parse(text, &ns))
		return take_natural(reading, text, ns, false, value);
	end = xa_digits_read(text, &ns);
	if (end && !*end)
		return refuse(reading, "%s has no unit (did you mean '%ss'?)", xa_quotes(text).text,
			      text);
	return refuse(reading, "%s is not a duration (such as 500ms, 10s, 5m or 1h30m)",
		      xa_quotes(text).text);
}

static int read_size(const struct reading *reading, const char *text, struct xa_plugin_value *value)
{
	const struct xa_quantity meant = xa_size_meant(text);
	const bool bare = !text[strspn(text, "0123456789")];
	uint64_t bytes;

	if (!xa_size_parse(text, &bytes))
		return take_natural(reading, text, bytes, false, value);
	if (!meant.text[0])
		return refuse(reading, "%s is not a size (such as 512KiB, 64MiB or 1GiB)",
			      xa_quotes(text).text);
	return refuse(reading, "%s %s (did you mean '%s'?)", xa_quotes(text).text,
		      bare ? "has no unit" : "is not a size", meant.text);
}

/* The others */

static int read_switch(const struct reading *reading, const char *text,
		       struct xa_plugin_value *value)
{
	for (int i = 0; i < XA_SWITCH_COUNT_; i++) {
		if (strcmp(text, xa_switch_names[i]) != 0)
			continue;
		value->number = i;
		return 0;
	}
	return refuse(reading, "%s is not one of %s, %s", xa_quotes(text).text,
		      xa_switch_names[XA_OFF], xa_switch_names[XA_ON]);
}

static int read_text(const struct reading *reading, const char *text, struct xa_plugin_value *value)
{
	(void)reading;
	value->text = text;
	return 0;
}

static int read_file(const struct reading *reading, const char *text, struct xa_plugin_value *value)
{
	if (!*text)
		return refuse(reading, "the path is empty");
	value->text = xa_path_resolve(reading->arena, reading->stage->file, text);
	return value->text ? 0 : -ENOMEM;
}

static int read_tree(const struct reading *reading, const char *text, struct xa_plugin_value *value)
{
	(void)reading;
	(void)text;
	(void)value;
	return 0;
}

static int (*const readers[])(const struct reading *reading, const char *text,
			      struct xa_plugin_value *value) = {
	[XA_PLUGIN_TEXT] = read_text,	    [XA_PLUGIN_FILE] = read_file,
	[XA_PLUGIN_INTEGER] = read_integer, [XA_PLUGIN_DURATION] = read_duration,
	[XA_PLUGIN_SIZE] = read_size,	    [XA_PLUGIN_SWITCH] = read_switch,
	[XA_PLUGIN_TREE] = read_tree,
};
_Static_assert(array_size(readers) == XA_PLUGIN_OPTION_TYPE_COUNT_, "a reader for each type");

static int read_node(const struct reading *reading, struct xa_plugin_value *value)
{
	const struct xa_plugin_node *node = reading->node;

	value->node = node;
	if (reading->option->type == XA_PLUGIN_TREE)
		return 0;
	if (node->kind != XA_PLUGIN_SCALAR)
		return refuse(reading, "expected one value, not a %s",
			      node->kind == XA_PLUGIN_LIST ? "list" : "mapping");
	if (!*node->text && !node->quoted)
		return refuse(reading, "has no value");
	return readers[reading->option->type](reading, node->text, value);
}

static int read_option(struct reading *reading, struct xa_plugin_value *value)
{
	const struct xa_plugin_option *option = reading->option;

	if ((unsigned)option->type >= XA_PLUGIN_OPTION_TYPE_COUNT_)
		return refuse(reading, "has a type that is not known");
	if (reading->node)
		return read_node(reading, value);
	if (option->required)
		return xa_whys_add(reading->whys, reading->stage->file, reading->stage->line,
				   reading->stage->column, "%s.%s: is missing (%s)",
				   reading->stage->path, option->name,
				   option->help ? option->help : "it is required");
	return option->fallback ? readers[option->type](reading, option->fallback, value) : 0;
}

static const struct xa_plugin_node *find_node(const struct xa_plugin_node *map, const char *key)
{
	for (const struct xa_plugin_node *child = map->children; child; child = child->next)
		if (!strcmp(child->key, key))
			return child;
	return NULL;
}

/* Keys that the plugin has not */

static bool is_known(const struct xa_plugin *plugin, const char *key)
{
	for (size_t i = 0; i < plugin->option_count; i++)
		if (!strcmp(plugin->options[i].name, key))
			return true;
	return false;
}

static int refuse_key(const struct xa_plugin *plugin, const struct xa_setup_stage *stage,
		      const struct xa_plugin_node *node, struct xa_whys *whys)
{
	const struct xa_setup_node *whole = (const struct xa_setup_node *)node;
	const char *names[GUESSED_MAX], *near;
	size_t count = 0;

	for (; count < plugin->option_count && count < GUESSED_MAX; count++)
		names[count] = plugin->options[count].name;
	near = xa_suggest_name(node->key, names, count);
	return xa_whys_add(whys, stage->file, whole->key_line, whole->key_column,
			   "%s: unknown key %s%s%s%s", stage->path, xa_quotes(node->key).text,
			   near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
}

static int check_keys(const struct xa_plugin *plugin, const struct xa_setup_stage *stage,
		      struct xa_whys *whys)
{
	int error = 0;

	for (const struct xa_plugin_node *child = stage->options->children; child;
	     child = child->next)
		if (!is_known(plugin, child->key))
			error = refuse_key(plugin, stage, child, whys);
	return error;
}

int xa_stage_options_read(struct xa_arena *arena, const struct xa_plugin *plugin,
			  const struct xa_setup_stage *stage, struct xa_plugin_value *ret_values,
			  struct xa_whys *whys)
{
	struct reading reading = {.arena = arena, .stage = stage, .whys = whys};
	int error = check_keys(plugin, stage, whys);

	for (size_t i = 0; i < plugin->option_count; i++) {
		int failed;

		reading.option = &plugin->options[i];
		reading.node = find_node(stage->options, reading.option->name);
		ret_values[i] = (struct xa_plugin_value){0};
		failed = read_option(&reading, &ret_values[i]);
		if (failed == -ENOMEM)
			return failed;
		error = error ? error : failed;
	}
	return error;
}
