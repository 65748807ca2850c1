/* SPDX-License-Identifier: GPL-2.0-or-later */

/* One row of functions a type. */

#include "config/value.h"

#include <inttypes.h>
#include <string.h>

#include "config/lists.h"
#include "config/path.h"
#include "config/peers.h"
#include "config/scalar.h"
#include "config/stages.h"
#include "config/text.h"
#include "config/units.h"

struct type {
	int (*read)(struct xa_config *config, const struct xa_option *option, const char *text,
		    struct xa_why *why);
	void (*format)(const struct xa_config *config, const struct xa_option *option,
		       struct xa_buf *buf);
	void (*describe)(const struct xa_option *option, struct xa_buf *buf);
	size_t entry_size; /* of a list */
};

static void *member(struct xa_config *config, size_t offset)
{
	return (char *)config + offset;
}

static const void *const_member(const struct xa_config *config, size_t offset)
{
	return (const char *)config + offset;
}

/* Numbers */

static struct xa_quantity bound_text(const struct xa_option *option, uint64_t value)
{
	struct xa_quantity bound;

	if (option->type == XA_OPTION_DURATION)
		return xa_duration_text(value);
	if (option->type == XA_OPTION_SIZE)
		return xa_size_text(value);
	(void)snprintf(bound.text, sizeof(bound.text), "%" PRIu64, value);
	return bound;
}

static int check_range(const struct xa_option *option, uint64_t value, const char *text,
		       struct xa_why *why)
{
	if (value >= option->min && value <= option->max)
		return 0;
	return xa_why_set(why, -EINVAL, "%s: %s is out of range (%s to %s%s%s)", option->key,
			  xa_quotes(text).text, bound_text(option, option->min).text,
			  bound_text(option, option->max).text, option->unit ? " " : "",
			  option->unit ? option->unit : "");
}

static int read_duration(struct xa_config *config, const struct xa_option *option, const char *text,
			 struct xa_why *why)
{
	uint64_t ns;
	int r;

	if (xa_duration_parse(text, &ns)) {
		const char *end = xa_digits_read(text, &ns);

		if (end && !*end)
			return xa_why_set(why, -EINVAL, "%s: %s has no unit (did you mean '%ss'?)",
					  option->key, xa_quotes(text).text, text);
		return xa_why_set(why, -EINVAL,
				  "%s: %s is not a duration (such as 500ms, 10s, 5m or 1h30m)",
				  option->key, xa_quotes(text).text);
	}
	r = check_range(option, ns, text, why);
	if (r)
		return r;
	memcpy(member(config, option->offset), &ns, sizeof(ns));
	return 0;
}

static uint64_t load_wide(const struct xa_config *config, const struct xa_option *option)
{
	uint64_t value;

	memcpy(&value, const_member(config, option->offset), sizeof(value));
	return value;
}

static void format_duration(const struct xa_config *config, const struct xa_option *option,
			    struct xa_buf *buf)
{
	xa_buf_adds(buf, xa_duration_text(load_wide(config, option)).text);
}

static void describe_duration(const struct xa_option *option, struct xa_buf *buf)
{
	xa_buf_addf(buf, "duration, %s to %s", xa_duration_text(option->min).text,
		    xa_duration_text(option->max).text);
}

static int refuse_size(const struct xa_option *option, const char *text, struct xa_why *why)
{
	const struct xa_quantity meant = xa_size_meant(text);
	const bool bare = !text[strspn(text, "0123456789")];

	if (!meant.text[0])
		return xa_why_set(why, -EINVAL,
				  "%s: %s is not a size (such as 512KiB, 64MiB or 1GiB)",
				  option->key, xa_quotes(text).text);
	return xa_why_set(why, -EINVAL, "%s: %s %s (did you mean '%s'?)", option->key,
			  xa_quotes(text).text, bare ? "has no unit" : "is not a size", meant.text);
}

static int read_size(struct xa_config *config, const struct xa_option *option, const char *text,
		     struct xa_why *why)
{
	uint64_t bytes;
	int r;

	if (xa_size_parse(text, &bytes))
		return refuse_size(option, text, why);
	r = check_range(option, bytes, text, why);
	if (r)
		return r;
	memcpy(member(config, option->offset), &bytes, sizeof(bytes));
	return 0;
}

static void format_size(const struct xa_config *config, const struct xa_option *option,
			struct xa_buf *buf)
{
	xa_buf_adds(buf, xa_size_text(load_wide(config, option)).text);
}

static void describe_size(const struct xa_option *option, struct xa_buf *buf)
{
	xa_buf_addf(buf, "size, %s to %s", xa_size_text(option->min).text,
		    xa_size_text(option->max).text);
}

static int read_uint(struct xa_config *config, const struct xa_option *option, const char *text,
		     struct xa_why *why)
{
	uint64_t wide;
	uint32_t value;
	const char *end = xa_digits_read(text, &wide);
	int r;

	if (!end || *end)
		return xa_why_set(
			why, -EINVAL,
			"%s: %s is not a whole number (decimal digits only, no leading 0)",
			option->key, xa_quotes(text).text);
	r = check_range(option, wide, text, why);
	if (r)
		return r;
	value = (uint32_t)wide;
	memcpy(member(config, option->offset), &value, sizeof(value));
	return 0;
}

static uint32_t load_uint(const struct xa_config *config, const struct xa_option *option)
{
	uint32_t value;

	memcpy(&value, const_member(config, option->offset), sizeof(value));
	return value;
}

static void format_uint(const struct xa_config *config, const struct xa_option *option,
			struct xa_buf *buf)
{
	xa_buf_add_u64(buf, load_uint(config, option));
}

static void describe_uint(const struct xa_option *option, struct xa_buf *buf)
{
	xa_buf_addf(buf, "whole number, %" PRIu64 " to %" PRIu64 " %s", option->min, option->max,
		    option->unit);
}

/* Enums */

static void add_names(const struct xa_option *option, struct xa_buf *buf)
{
	for (size_t i = 0; i < option->name_count; i++)
		xa_buf_addf(buf, "%s%s", i ? ", " : "", option->names[i]);
}

static int refuse_enum(const struct xa_option *option, const char *text, struct xa_why *why)
{
	_cleanup_xa_buf_ struct xa_buf names = {0};
	const char *nearest = xa_suggest_name(text, option->names, option->name_count);

	add_names(option, &names);
	if (xa_buf_failed(&names))
		return -ENOMEM;
	return xa_why_set(why, -EINVAL, "%s: %s is not one of %s%s%s%s", option->key,
			  xa_quotes(text).text, names.text, nearest ? " (did you mean '" : "",
			  nearest ? nearest : "", nearest ? "'?)" : "");
}

/* The number of the name, or name_count. */
static uint32_t find_name(const struct xa_option *option, const char *text)
{
	uint32_t i = 0;

	while (i < option->name_count && strcmp(option->names[i], text) != 0)
		i++;
	return i;
}

static int read_enum(struct xa_config *config, const struct xa_option *option, const char *text,
		     struct xa_why *why)
{
	const uint32_t i = find_name(option, text);

	if (i == option->name_count)
		return refuse_enum(option, text, why);
	memcpy(member(config, option->offset), &i, sizeof(i));
	return 0;
}

static void format_enum(const struct xa_config *config, const struct xa_option *option,
			struct xa_buf *buf)
{
	xa_buf_adds(buf, option->names[load_uint(config, option)]);
}

static void describe_enum(const struct xa_option *option, struct xa_buf *buf)
{
	xa_buf_adds(buf, "one of ");
	add_names(option, buf);
}

/* Sets */

static int read_set(struct xa_config *config, const struct xa_option *option, const char *text,
		    struct xa_why *why)
{
	const uint32_t i = find_name(option, text);
	uint32_t set = load_uint(config, option);

	if (i == option->name_count)
		return refuse_enum(option, text, why);
	if (set & 1U << i)
		return xa_why_set(why, -EINVAL, "%s: %s appears twice", option->key,
				  xa_quotes(text).text);
	set |= 1U << i;
	memcpy(member(config, option->offset), &set, sizeof(set));
	return 0;
}

static void format_set(const struct xa_config *config, const struct xa_option *option,
		       struct xa_buf *buf)
{
	const uint32_t set = load_uint(config, option);
	const bool single = !(set & (set - 1));
	const char *before = "";

	xa_buf_adds(buf, single ? "" : "[");
	for (size_t i = 0; i < option->name_count; i++) {
		if (!(set & 1U << i))
			continue;
		xa_buf_addf(buf, "%s%s", before, option->names[i]);
		before = ", ";
	}
	xa_buf_adds(buf, single ? "" : "]");
}

static void describe_set(const struct xa_option *option, struct xa_buf *buf)
{
	xa_buf_adds(buf, "one or more of ");
	add_names(option, buf);
}

/* Paths */

static int read_path(struct xa_config *config, const struct xa_option *option, const char *text,
		     struct xa_why *why)
{
	const char *file = config->origins[option - xa_options].file;
	const char *written, *path;

	if (!xa_text_is_utf8(text))
		return xa_why_set(why, -EINVAL, "%s: %s is not UTF-8", option->key,
				  xa_quotes(text).text);
	if (strlen(text) > option->max)
		return xa_why_set(why, -EINVAL, "%s: %s is longer than %" PRIu64 " bytes",
				  option->key, xa_quotes(text).text, option->max);
	written = xa_arena_strndup(config->arena, text, strlen(text));
	path = option->automatic && !strcmp(text, "auto")
		       ? option->automatic
		       : xa_path_resolve(config->arena, *text ? file : "", text);
	if (!written || !path)
		return -ENOMEM;
	memcpy(member(config, option->text_offset), &written, sizeof(written));
	memcpy(member(config, option->offset), &path, sizeof(path));
	return 0;
}

static void format_path(const struct xa_config *config, const struct xa_option *option,
			struct xa_buf *buf)
{
	const char *written;

	memcpy(&written, const_member(config, option->text_offset), sizeof(written));
	xa_scalar_add_string(written, buf);
}

static void describe_path(const struct xa_option *option, struct xa_buf *buf)
{
	xa_buf_adds(buf, option->automatic ? "auto, or " : "");
	xa_buf_adds(buf, "a path; a relative one begins in the folder of its file");
	xa_buf_adds(buf, xa_option_may_be_empty(option) ? "; empty: none" : "");
}

static const struct type types[XA_OPTION_TYPE_COUNT_] = {
	[XA_OPTION_DURATION] = {read_duration, format_duration, describe_duration, 0},
	[XA_OPTION_UINT] = {read_uint, format_uint, describe_uint, 0},
	[XA_OPTION_SIZE] = {read_size, format_size, describe_size, 0},
	[XA_OPTION_PATH] = {read_path, format_path, describe_path, 0},
	[XA_OPTION_ENUM] = {read_enum, format_enum, describe_enum, 0},
	[XA_OPTION_SET] = {read_set, format_set, describe_set, 0},
	[XA_OPTION_INTERFACES] = {xa_interfaces_add, xa_interfaces_format, xa_interfaces_describe,
				  sizeof(const char *)},
	[XA_OPTION_LISTEN] = {xa_listen_add, xa_listen_format, xa_listen_describe,
			      sizeof(struct xa_listen)},
	[XA_OPTION_HOSTS] = {xa_peers_hosts_add, xa_peers_hosts_format, xa_peers_hosts_describe,
			     sizeof(const char *)},
	[XA_OPTION_NETWORKS] = {xa_peers_networks_add, xa_peers_networks_format,
				xa_peers_networks_describe, sizeof(struct xa_network)},
	[XA_OPTION_PORTS] = {xa_ports_add, xa_ports_format, xa_ports_describe,
			     sizeof(struct xa_range)},
	[XA_OPTION_STAGES] = {xa_stages_set, xa_stages_format, xa_stages_describe,
			      sizeof(struct xa_stage)},
};

static size_t *list_count(struct xa_config *config, const struct xa_option *option)
{
	return member(config, option->count_offset);
}

int xa_value_begin(struct xa_config *config, const struct xa_option *option)
{
	const unsigned none = 0;
	void *entries;

	if (option->type == XA_OPTION_SET)
		memcpy(member(config, option->offset), &none, sizeof(none));
	if (!types[option->type].entry_size)
		return 0;
	entries = xa_arena_alloc(config->arena, option->max * types[option->type].entry_size);
	if (!entries)
		return -ENOMEM;
	memcpy(member(config, option->offset), &entries, sizeof(entries));
	*list_count(config, option) = 0;
	return 0;
}

int xa_value_add(struct xa_config *config, const struct xa_option *option, const char *text,
		 struct xa_why *why)
{
	if (!*text && !xa_option_may_be_empty(option))
		return xa_why_set(why, -EINVAL, "%s: the value is empty", option->key);
	if (xa_option_is_list(option) && types[option->type].entry_size &&
	    *list_count(config, option) == option->max)
		return xa_why_set(why, -EINVAL, "%s: more than %" PRIu64 " entries", option->key,
				  option->max);
	return types[option->type].read(config, option, text, why);
}

void xa_value_format(const struct xa_config *config, const struct xa_option *option,
		     struct xa_buf *buf)
{
	types[option->type].format(config, option, buf);
}

void xa_value_describe(const struct xa_option *option, struct xa_buf *buf)
{
	types[option->type].describe(option, buf);
}
