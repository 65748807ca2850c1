/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * libyaml's events, never its documents: those resolve aliases and take duplicate keys. libyaml is
 * asked for one event at a time and not at all beyond the depth limit; as it looks ahead 1024
 * characters at most, its quadratic time on deep nesting ends there.
 */

#include "config/yaml.h"

#include <stdarg.h>
#include <string.h>

#include "config/scalar.h"
#include "config/text.h"

/* What libyaml says, and what a person can do something with. */
static const struct {
	const char *problem, *text;
} phrases[] = {
	{"found a tab character", "tab in the indentation, where YAML takes spaces only"},
	{"did not find expected alphabetic or numeric character",
	 "a value that begins with '*', '&' or '!' has to stand in quotes"},
	{"mapping values are not allowed",
	 "no ':' may stand here (wrong indentation, or a value that wants quotes)"},
	{"did not find expected key",
	 "expected a key of this mapping (wrong indentation, or a value that wants quotes)"},
	{"could not find expected ':'", "expected ':' behind the key"},
	{"did not find expected ',' or ']'", "expected ',' or ']' in this list"},
	{"did not find expected ',' or '}'", "expected ',' or '}' in this mapping"},
	{"did not find expected '-' indicator", "expected '-' or less indentation in this list"},
	{"did not find expected node content",
	 "no value here, or one that has to stand in quotes (such as \"[::1]:9400\")"},
	{"found unexpected end of stream", "the file ends inside a quoted value"},
};

int xa_yaml_open(struct xa_yaml *yaml, const char *file, const char *text, size_t len,
		 struct xa_whys *whys)
{
	*yaml = (struct xa_yaml){.file = file, .text = text, .len = len, .whys = whys};
	if (!yaml_parser_initialize(&yaml->parser))
		return -ENOMEM;
	yaml->opened = true;
	yaml_parser_set_encoding(&yaml->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&yaml->parser, (const unsigned char *)text, len);
	return 0;
}

void xa_yaml_done(struct xa_yaml *yaml)
{
	if (!yaml->opened)
		return;
	yaml_event_delete(&yaml->event);
	yaml_parser_delete(&yaml->parser);
	yaml->opened = false;
}

int xa_yaml_refuse(struct xa_yaml *yaml, const char *format, ...)
{
	va_list args;
	int r;

	va_start(args, format);
	r = xa_whys_addv(yaml->whys, yaml->file, yaml->line, yaml->column, format, args);
	va_end(args);
	return r;
}

bool xa_yaml_is_quoted(const struct xa_yaml *yaml)
{
	return yaml->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
}

bool xa_yaml_is_null(const struct xa_yaml *yaml)
{
	return !xa_yaml_is_quoted(yaml) && xa_scalar_is_null(yaml->scalar);
}

static const char *rephrase(const char *problem)
{
	for (size_t i = 0; i < array_size(phrases); i++)
		if (!strncmp(problem, phrases[i].problem, strlen(phrases[i].problem)))
			return phrases[i].text;
	return NULL;
}

/* The character at the current place, 0 at the end of a line. */
static char char_at(const struct xa_yaml *yaml)
{
	size_t len;
	const char *line = xa_text_line(yaml->text, yaml->len, yaml->line, &len);
	const size_t offset = line ? xa_text_offset(line, len, yaml->column) : 0;

	return line && offset < len ? line[offset] : '\0';
}

static int refuse_syntax(struct xa_yaml *yaml)
{
	const yaml_parser_t *parser = &yaml->parser;
	const char *problem = parser->problem ? parser->problem : "unknown problem";
	const char *text = rephrase(problem);
	char at;

	if (parser->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	yaml->line = (unsigned)parser->problem_mark.line + 1;
	yaml->column = (unsigned)parser->problem_mark.column + 1;
	if (text && text != phrases[0].text && parser->context &&
	    parser->context_mark.line != parser->problem_mark.line)
		return xa_yaml_refuse(yaml, "%s; it begins in line %zu", text,
				      parser->context_mark.line + 1);
	if (text)
		return xa_yaml_refuse(yaml, "%s", text);
	at = char_at(yaml);
	if (at == '\t')
		return xa_yaml_refuse(yaml, "%s", phrases[0].text);
	if (!strcmp(problem, "found character that cannot start any token"))
		return xa_yaml_refuse(yaml, "a value that begins with %s has to stand in quotes",
				      xa_quote(&at, 1).text);
	return xa_yaml_refuse(yaml, "not valid YAML: %s%s%s", problem, parser->context ? " " : "",
			      parser->context ? parser->context : "");
}

/* Gives the reasons against what an event carries beside its value. */
static void refuse_properties(struct xa_yaml *yaml, const yaml_char_t *anchor,
			      const yaml_char_t *tag)
{
	if (anchor)
		(void)xa_yaml_refuse(yaml, "anchors are not supported (%s)",
				     xa_quotes((const char *)anchor).text);
	if (tag)
		(void)xa_yaml_refuse(yaml, "tags are not supported (%s)",
				     xa_quotes((const char *)tag).text);
}

static int take_scalar(struct xa_yaml *yaml)
{
	const yaml_event_t *event = &yaml->event;

	refuse_properties(yaml, event->data.scalar.anchor, event->data.scalar.tag);
	yaml->node = XA_NODE_SCALAR;
	yaml->scalar = (const char *)event->data.scalar.value;
	if (strlen(yaml->scalar) != event->data.scalar.length) {
		(void)xa_yaml_refuse(yaml, "NUL byte: not allowed, escaped or not");
		yaml->node = XA_NODE_REFUSED;
	}
	return 0;
}

static int take_start(struct xa_yaml *yaml, enum xa_node node)
{
	yaml->node = node;
	if (++yaml->depth > XA_YAML_DEPTH_MAX)
		return xa_yaml_refuse(yaml, "nested more than %d levels deep", XA_YAML_DEPTH_MAX);
	return 0;
}

static int take_end(struct xa_yaml *yaml, enum xa_node node)
{
	yaml->node = node;
	yaml->depth--;
	return 0;
}

static int take_alias(struct xa_yaml *yaml)
{
	yaml->node = XA_NODE_REFUSED;
	(void)xa_yaml_refuse(yaml, "aliases are not supported (a glob goes in quotes: '*%.40s')",
			     (const char *)yaml->event.data.alias.anchor);
	return 0;
}

/* Fetches an event; a second document is the end. */
static int fetch(struct xa_yaml *yaml)
{
	yaml_event_delete(&yaml->event);
	if (!yaml_parser_parse(&yaml->parser, &yaml->event))
		return refuse_syntax(yaml);
	yaml->line = (unsigned)yaml->event.start_mark.line + 1;
	yaml->column = (unsigned)yaml->event.start_mark.column + 1;
	return 0;
}

static int take_event(struct xa_yaml *yaml, bool *ret_again)
{
	const yaml_event_t *event = &yaml->event;

	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return take_scalar(yaml);
	case YAML_SEQUENCE_START_EVENT:
		refuse_properties(yaml, event->data.sequence_start.anchor,
				  event->data.sequence_start.tag);
		return take_start(yaml, XA_NODE_LIST);
	case YAML_SEQUENCE_END_EVENT:
		return take_end(yaml, XA_NODE_LIST_END);
	case YAML_MAPPING_START_EVENT:
		refuse_properties(yaml, event->data.mapping_start.anchor,
				  event->data.mapping_start.tag);
		return take_start(yaml, XA_NODE_MAP);
	case YAML_MAPPING_END_EVENT:
		return take_end(yaml, XA_NODE_MAP_END);
	case YAML_ALIAS_EVENT:
		return take_alias(yaml);
	case YAML_DOCUMENT_START_EVENT:
		*ret_again = true;
		return yaml->ended ? xa_yaml_refuse(yaml, "a second document: one file, one config")
				   : 0;
	case YAML_DOCUMENT_END_EVENT:
		yaml->ended = true;
		*ret_again = true;
		return 0;
	case YAML_STREAM_END_EVENT:
		yaml->node = XA_NODE_END;
		return 0;
	default:
		*ret_again = true;
		return 0;
	}
}

int xa_yaml_next(struct xa_yaml *yaml)
{
	bool again;
	int r;

	do {
		again = false;
		r = fetch(yaml);
		if (!r)
			r = take_event(yaml, &again);
	} while (!r && again);
	return r;
}

int xa_yaml_skip(struct xa_yaml *yaml)
{
	const bool nested = yaml->node == XA_NODE_LIST || yaml->node == XA_NODE_MAP;
	const unsigned depth = yaml->depth;
	int r = 0;

	while (nested && !r && yaml->depth >= depth)
		r = xa_yaml_next(yaml);
	return r;
}
