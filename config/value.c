/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * One row of functions a type. Numbers are read by hand: strtoul() takes signs, blanks and octal.
 * Too large a number saturates, so that it is "out of range" and not "not a number".
 */

#include "config/value.h"

#include <inttypes.h>
#include <string.h>

#include "config/lists.h"
#include "config/text.h"

struct type {
	int (*read)(struct xa_config *config, const struct xa_option *option, const char *text,
		    struct xa_why *why);
	void (*format)(const struct xa_config *config, const struct xa_option *option,
		       struct xa_buf *buf);
	void (*describe)(const struct xa_option *option, struct xa_buf *buf);
	size_t entry_size; /* of a list */
};

struct bound {
	char text[32];
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

static uint64_t mul_add(uint64_t sum, uint64_t factor, uint64_t more)
{
	uint64_t result;

	if (__builtin_mul_overflow(sum, factor, &result) ||
	    __builtin_add_overflow(result, more, &result))
		return UINT64_MAX;
	return result;
}

static const struct {
	const char *name;
	uint64_t ns;
} units[] = {
	{"h", 3600 * XA_NS_PER_S},
	{"m", 60 * XA_NS_PER_S},
	{"s", XA_NS_PER_S},
	{"ms", XA_NS_PER_MS},
};

/* Index of the unit that the `len` letters name, not before `first`: units descend, each once. */
static size_t find_unit(const char *name, size_t len, size_t first)
{
	while (first < array_size(units) &&
	       (strlen(units[first].name) != len || strncmp(units[first].name, name, len) != 0))
		first++;
	return first;
}

static bool duration_read(const char *text, uint64_t *ret_ns)
{
	uint64_t ns = 0;
	size_t unit = 0;

	do {
		uint64_t number;
		const char *name = xa_digits_read(text, &number);
		const size_t len = name ? strspn(name, "abcdefghijklmnopqrstuvwxyz") : 0;

		unit = len ? find_unit(name, len, unit) : array_size(units);
		if (unit == array_size(units))
			return false;
		ns = mul_add(number, units[unit++].ns, ns);
		text = name + len;
	} while (*text);
	*ret_ns = ns;
	return true;
}

static struct bound duration_text(uint64_t ns)
{
	struct bound bound = {.text = "0s"};
	size_t used = 0;

	for (size_t i = 0; i < array_size(units); i++) {
		const uint64_t number = ns / units[i].ns;

		if (!number)
			continue;
		used += (size_t)snprintf(bound.text + used, sizeof(bound.text) - used,
					 "%" PRIu64 "%s", number, units[i].name);
		ns %= units[i].ns;
	}
	return bound;
}

static struct bound bound_text(const struct xa_option *option, uint64_t value)
{
	struct bound bound;

	if (option->type == XA_OPTION_DURATION)
		return duration_text(value);
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

	if (!duration_read(text, &ns)) {
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

static void format_duration(const struct xa_config *config, const struct xa_option *option,
			    struct xa_buf *buf)
{
	uint64_t ns;

	memcpy(&ns, const_member(config, option->offset), sizeof(ns));
	xa_buf_adds(buf, duration_text(ns).text);
}

static void describe_duration(const struct xa_option *option, struct xa_buf *buf)
{
	xa_buf_addf(buf, "duration, %s to %s", duration_text(option->min).text,
		    duration_text(option->max).text);
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

static int read_enum(struct xa_config *config, const struct xa_option *option, const char *text,
		     struct xa_why *why)
{
	for (uint32_t i = 0; i < option->name_count; i++) {
		if (strcmp(option->names[i], text) != 0)
			continue;
		memcpy(member(config, option->offset), &i, sizeof(i));
		return 0;
	}
	return refuse_enum(option, text, why);
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

static const struct type types[XA_OPTION_TYPE_COUNT_] = {
	[XA_OPTION_DURATION] = {read_duration, format_duration, describe_duration, 0},
	[XA_OPTION_UINT] = {read_uint, format_uint, describe_uint, 0},
	[XA_OPTION_ENUM] = {read_enum, format_enum, describe_enum, 0},
	[XA_OPTION_INTERFACES] = {xa_interfaces_add, xa_interfaces_format, xa_interfaces_describe,
				  sizeof(const char *)},
	[XA_OPTION_LISTEN] = {xa_listen_add, xa_listen_format, xa_listen_describe,
			      sizeof(struct xa_listen)},
};

static size_t *list_count(struct xa_config *config, const struct xa_option *option)
{
	return member(config, option->count_offset);
}

int xa_value_begin(struct xa_config *config, const struct xa_option *option)
{
	void *entries;

	if (!xa_option_is_list(option))
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
	if (!*text)
		return xa_why_set(why, -EINVAL, "%s: the value is empty", option->key);
	if (xa_option_is_list(option) && *list_count(config, option) == option->max)
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
