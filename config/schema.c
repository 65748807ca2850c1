/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The table as a JSON Schema (draft 07), for editors that check and complete while somebody types.
 * It refuses what can be seen without the environment and never refuses what the daemon takes: the
 * bounds of durations and sizes, and of numbers in quotes, stay with the daemon.
 */

#include <inttypes.h>

#include "config/value.h"

/* A whole number without sign or superfluous 0. */
#define DIGITS "(0|[1-9][0-9]*)"

/* ${NAME}, ${NAME:-default}, ${NAME:?message} or $$ somewhere: what comes of it nobody knows yet.
 */
#define VARIABLE "\\$(\\$|\\{[A-Za-z_][A-Za-z0-9_]*(:[-?][^$}]*)?\\})"

/* Characters of an interface's name: up to 15 bytes, so at most as many characters. */
#define NAME_CHARS(but) "[^" but "/:\\u0000-\\u0020\\u007f-\\u00a0]{1,15}"

/* Numeric address and port, IPv6 in brackets; or the path of a socket. */
#define LISTEN(but) \
	"(([0-9]{1,3}(\\.[0-9]{1,3}){3}|\\[[0-9A-Fa-f:.]+\\]):[1-9][0-9]{0,4}|unix:/[^" but "]+)"

/* The name of a host, and a network; the bounds of their parts stay with the daemon. */
#define HOST	"[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*"
#define NETWORK "[0-9A-Fa-f:.]+(/[0-9]{1,3})?"

/* A port or a range of ports. */
#define PORTS "[0-9]{1,5}(-[0-9]{1,5})?"

/* The name of a stage. */
#define STAGE "^[a-z][a-z0-9_]{0,31}$"

/* Entries in one text, with commas and blanks between them. */
#define SPLIT(entry) "^ *" entry "( *, *" entry ")* *$"

/* The same where there may be none. */
#define SPLIT_ANY(entry) "^(\\[\\]| *" entry "( *, *" entry ")* *)$"

/* A JSON string; text of the table and of this file has no control characters. */
static void add_string(const char *text, struct xa_buf *buf)
{
	xa_buf_adds(buf, "\"");
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			xa_buf_adds(buf, "\\");
		xa_buf_add(buf, text, 1);
	}
	xa_buf_adds(buf, "\"");
}

static void add_pattern(const char *pattern, struct xa_buf *buf)
{
	xa_buf_adds(buf, "{\"type\": \"string\", \"pattern\": ");
	add_string(pattern, buf);
	xa_buf_adds(buf, "}");
}

/* Begins a line inside `depth` brackets. */
static void add_break(unsigned depth, struct xa_buf *buf)
{
	xa_buf_addf(buf, "\n%*s", (int)(2 * depth), "");
}

static void add_duration(const struct xa_option *option, unsigned depth, struct xa_buf *buf)
{
	(void)option;
	(void)depth;
	xa_buf_adds(buf, "{\"$ref\": \"#/definitions/duration\"}");
}

static void add_uint(const struct xa_option *option, unsigned depth, struct xa_buf *buf)
{
	xa_buf_addf(buf,
		    "{\"type\": \"integer\", \"minimum\": %" PRIu64 ", \"maximum\": %" PRIu64 "},",
		    option->min, option->max);
	add_break(depth, buf);
	add_pattern("^" DIGITS "$", buf);
}

/* Unquoted, these words are no strings to YAML. */
static bool is_boolean(const char *name)
{
	return !strcmp(name, "true") || !strcmp(name, "false");
}

static void add_enum(const struct xa_option *option, unsigned depth, struct xa_buf *buf)
{
	(void)depth;
	xa_buf_adds(buf, "{\"enum\": [");
	for (size_t i = 0; i < option->name_count; i++) {
		xa_buf_adds(buf, i ? ", " : "");
		if (is_boolean(option->names[i]))
			xa_buf_addf(buf, "%s, ", option->names[i]);
		add_string(option->names[i], buf);
	}
	xa_buf_adds(buf, "]}");
}

/* How the entries of a list look, and how all of it in one text. */
struct shape {
	const char *entry, *split;
	const char *number; /* how else an entry may look; NULL: not */
};

/* A list, or all of it in one text. */
static void add_list(const struct xa_option *option, unsigned depth, const struct shape *shape,
		     struct xa_buf *buf)
{
	if (shape->number) {
		xa_buf_addf(buf, "%s,", shape->number);
		add_break(depth, buf);
	}
	add_pattern(shape->split, buf);
	xa_buf_adds(buf, ",");
	add_break(depth, buf);
	xa_buf_addf(buf,
		    "{\"type\": \"array\", \"minItems\": %" PRIu64 ", \"maxItems\": %" PRIu64
		    ", \"uniqueItems\": true, \"items\": {\"anyOf\": [",
		    option->min, option->max);
	add_break(depth + 1, buf);
	xa_buf_adds(buf, "{\"$ref\": \"#/definitions/variable\"},");
	add_break(depth + 1, buf);
	if (shape->number) {
		xa_buf_addf(buf, "%s,", shape->number);
		add_break(depth + 1, buf);
	}
	add_pattern(shape->entry, buf);
	add_break(depth, buf);
	xa_buf_adds(buf, "]}}");
}

static void add_interfaces(const struct xa_option *option, unsigned depth, struct xa_buf *buf)
{
	static const struct shape shape = {"^" NAME_CHARS("") "$", SPLIT(NAME_CHARS(",")), NULL};

	add_list(option, depth, &shape, buf);
}

static void add_listen(const struct xa_option *option, unsigned depth, struct xa_buf *buf)
{
	static const struct shape shape = {"^" LISTEN("\\u0000") "$", SPLIT(LISTEN(",")), NULL};

	add_list(option, depth, &shape, buf);
}

static void add_hosts(const struct xa_option *option, unsigned depth, struct xa_buf *buf)
{
	static const struct shape shape = {"^" HOST "$", SPLIT_ANY(HOST), NULL};

	add_list(option, depth, &shape, buf);
}

static void add_networks(const struct xa_option *option, unsigned depth, struct xa_buf *buf)
{
	static const struct shape shape = {"^" NETWORK "$", SPLIT_ANY(NETWORK), NULL};

	add_list(option, depth, &shape, buf);
}

/* The empty list in one text comes from a variable. */
static void add_ports(const struct xa_option *option, unsigned depth, struct xa_buf *buf)
{
	static const struct shape shape = {
		"^" PORTS "$",
		"^\\[\\]$|" SPLIT(PORTS),
		"{\"type\": \"integer\", \"minimum\": 0, \"maximum\": 65535}",
	};

	add_list(option, depth, &shape, buf);
}

/* "(a|b)" */
static void add_choice(const struct xa_option *option, struct xa_buf *buf)
{
	for (size_t i = 0; i < option->name_count; i++)
		xa_buf_addf(buf, "%s%s", i ? "|" : "(", option->names[i]);
	xa_buf_adds(buf, ")");
}

static void add_set(const struct xa_option *option, unsigned depth, struct xa_buf *buf)
{
	_cleanup_xa_buf_ struct xa_buf name = {0}, entry = {0}, split = {0};

	add_choice(option, &name);
	if (!xa_buf_failed(&name)) {
		xa_buf_addf(&entry, "^%s$", name.text);
		xa_buf_addf(&split, "^ *%s( *, *%s)* *$", name.text, name.text);
	}
	if (xa_buf_failed(&name) || xa_buf_failed(&entry) || xa_buf_failed(&split))
		buf->failed = true;
	else
		add_list(option, depth, &(struct shape){entry.text, split.text, NULL}, buf);
}

static void add_size(const struct xa_option *option, unsigned depth, struct xa_buf *buf)
{
	(void)option;
	(void)depth;
	xa_buf_adds(buf, "{\"$ref\": \"#/definitions/size\"}");
}

static void add_path(const struct xa_option *option, unsigned depth, struct xa_buf *buf)
{
	(void)depth;
	xa_buf_addf(buf, "{\"type\": \"string\", \"minLength\": %d}",
		    xa_option_may_be_empty(option) ? 0 : 1);
}

/* What options a stage has, the stage knows. */
static void add_stages(const struct xa_option *option, unsigned depth, struct xa_buf *buf)
{
	xa_buf_addf(buf,
		    "{\"type\": \"array\", \"maxItems\": %" PRIu64 ", \"items\": {\"anyOf\": [",
		    option->max);
	add_break(depth + 1, buf);
	add_pattern(STAGE, buf);
	xa_buf_adds(buf, ",");
	add_break(depth + 1, buf);
	xa_buf_adds(buf, "{\"type\": \"object\", \"minProperties\": 1, \"maxProperties\": 1,");
	add_break(depth + 1, buf);
	xa_buf_adds(buf, " \"additionalProperties\": false, \"patternProperties\": {");
	add_string(STAGE, buf);
	xa_buf_adds(buf, ": {\"type\": [\"object\", \"null\"]}}}");
	add_break(depth, buf);
	xa_buf_adds(buf, "]}}");
}

static void (*const adders[XA_OPTION_TYPE_COUNT_])(const struct xa_option *option, unsigned depth,
						   struct xa_buf *buf) = {
	[XA_OPTION_DURATION] = add_duration,
	[XA_OPTION_UINT] = add_uint,
	[XA_OPTION_SIZE] = add_size,
	[XA_OPTION_PATH] = add_path,
	[XA_OPTION_ENUM] = add_enum,
	[XA_OPTION_SET] = add_set,
	[XA_OPTION_INTERFACES] = add_interfaces,
	[XA_OPTION_LISTEN] = add_listen,
	[XA_OPTION_HOSTS] = add_hosts,
	[XA_OPTION_NETWORKS] = add_networks,
	[XA_OPTION_PORTS] = add_ports,
	[XA_OPTION_STAGES] = add_stages,
};

static void add_description(const struct xa_option *option, struct xa_buf *buf)
{
	_cleanup_xa_buf_ struct xa_buf text = {0};

	xa_buf_addf(&text, "%s Value: ", option->help);
	xa_value_describe(option, &text);
	xa_buf_addf(&text, ". A change %s.", xa_reload_texts[option->reload]);
	if (xa_buf_failed(&text))
		buf->failed = true;
	else
		add_string(text.text, buf);
}

static void add_default(const struct xa_option *option, struct xa_buf *buf)
{
	if (option->type == XA_OPTION_UINT || !strcmp(option->fallback, "[]") ||
	    is_boolean(option->fallback))
		xa_buf_adds(buf, option->fallback);
	else
		add_string(option->fallback, buf);
}

static void add_option(const struct xa_option *option, unsigned depth, struct xa_buf *buf)
{
	add_string(xa_option_name(option), buf);
	xa_buf_adds(buf, ": {");
	add_break(depth + 1, buf);
	xa_buf_adds(buf, "\"description\": ");
	add_description(option, buf);
	xa_buf_adds(buf, ",");
	add_break(depth + 1, buf);
	xa_buf_adds(buf, "\"default\": ");
	add_default(option, buf);
	xa_buf_adds(buf, ",");
	add_break(depth + 1, buf);
	xa_buf_adds(buf, "\"anyOf\": [");
	add_break(depth + 2, buf);
	if (option->type != XA_OPTION_STAGES) {
		xa_buf_adds(buf, "{\"$ref\": \"#/definitions/variable\"},");
		add_break(depth + 2, buf);
	}
	adders[option->type](option, depth + 2, buf);
	add_break(depth + 1, buf);
	xa_buf_adds(buf, "]");
	add_break(depth, buf);
	xa_buf_adds(buf, "}");
}

static void add_section_head(const struct xa_option *option, struct xa_buf *buf)
{
	xa_buf_addf(buf, "\"%.*s\": {", (int)xa_option_section(option), option->key);
	add_break(3, buf);
	xa_buf_adds(buf, "\"type\": \"object\",");
	add_break(3, buf);
	xa_buf_adds(buf, "\"additionalProperties\": false,");
	add_break(3, buf);
	xa_buf_adds(buf, "\"properties\": {");
}

/* A section's tail comes with its last option. */
static void add_row(const struct xa_option *option, struct xa_buf *buf)
{
	const unsigned depth = xa_option_section(option) ? 4 : 2;

	if (xa_option_begins_section(option)) {
		add_break(2, buf);
		add_section_head(option, buf);
	}
	add_break(depth, buf);
	add_option(option, depth, buf);
	if (xa_option_ends_section(option)) {
		add_break(3, buf);
		xa_buf_adds(buf, "}");
		add_break(2, buf);
		xa_buf_adds(buf, "}");
	}
}

void xa_config_schema(struct xa_buf *buf)
{
	xa_buf_adds(buf, "{\n"
			 "  \"$schema\": \"http://json-schema.org/draft-07/schema#\",\n"
			 "  \"title\": \"Configuration of xdp-auditor\",\n"
			 "  \"type\": [\"object\", \"null\"],\n"
			 "  \"additionalProperties\": false,\n"
			 "  \"properties\": {");
	for (size_t i = 0; i < xa_option_count; i++) {
		xa_buf_adds(buf, i ? "," : "");
		add_row(&xa_options[i], buf);
	}
	xa_buf_adds(buf, "\n  },\n  \"definitions\": {\n    \"variable\": ");
	add_pattern(VARIABLE, buf);
	xa_buf_adds(buf,
		    ",\n    \"duration\": {\"type\": \"string\", \"minLength\": 2, \"pattern\": ");
	add_string("^(" DIGITS "h)?(" DIGITS "m)?(" DIGITS "s)?(" DIGITS "ms)?$", buf);
	xa_buf_adds(buf, "},\n    \"size\": ");
	add_pattern("^" DIGITS "(B|KiB|MiB|GiB)$", buf);
	xa_buf_adds(buf, "\n  }\n}\n");
}
