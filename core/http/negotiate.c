/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Weights are thousandths: three digits are all that a weight may have. */

#include "core/http/negotiate.h"

#include <string.h>
#include <strings.h>

#define WEIGHT_MAX 1000

struct text {
	const char *at; /* NULL: nothing is left */
	size_t len;
};

static bool is(struct text text, const char *wanted)
{
	return text.len == strlen(wanted) && !strncasecmp(text.at, wanted, text.len);
}

static struct text trim(struct text text)
{
	static const char blanks[] = " \t";

	while (text.len && strchr(blanks, text.at[0])) {
		text.at++;
		text.len--;
	}
	while (text.len && strchr(blanks, text.at[text.len - 1]))
		text.len--;
	return text;
}

static struct text unquote(struct text text)
{
	if (text.len >= 2 && text.at[0] == '"' && text.at[text.len - 1] == '"')
		return (struct text){text.at + 1, text.len - 2};
	return text;
}

/* Takes off what stands before the next separator that is in no quoted string. */
static bool take(struct text *rest, char separator, struct text *ret)
{
	bool quoted = false;
	size_t len = 0;

	if (!rest->at)
		return false;
	for (; len < rest->len && (quoted || rest->at[len] != separator); len++) {
		if (rest->at[len] == '"')
			quoted = !quoted;
		else if (quoted && rest->at[len] == '\\' && len + 1 < rest->len)
			len++;
	}
	*ret = trim((struct text){rest->at, len});
	*rest = len < rest->len ? (struct text){rest->at + len + 1, rest->len - len - 1}
				: (struct text){0};
	return true;
}

/* "0.5", "1", "0.333"; what is no weight is the whole one. */
static unsigned weight_of(struct text text)
{
	unsigned weight = 0, unit = WEIGHT_MAX / 10;

	if (!text.len || text.at[0] != '0')
		return WEIGHT_MAX;
	if (text.len > 1 && text.at[1] != '.')
		return WEIGHT_MAX;
	for (size_t i = 2; i < text.len; i++, unit /= 10) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return WEIGHT_MAX;
		weight += (unsigned)(text.at[i] - '0') * unit;
	}
	return weight;
}

/* One of the list, such as `text/plain; version=0.0.4; q=0.3`. */
struct element {
	struct text name, version;
	unsigned weight;
};

static bool take_element(struct text *list, struct element *ret)
{
	struct text whole, part, name;

	if (!take(list, ',', &whole))
		return false;
	*ret = (struct element){.weight = WEIGHT_MAX};
	(void)take(&whole, ';', &ret->name);
	while (take(&whole, ';', &part)) {
		(void)take(&part, '=', &name);
		if (is(name, "q"))
			ret->weight = weight_of(trim(part));
		else if (is(name, "version"))
			ret->version = unquote(trim(part));
	}
	return true;
}

static struct text list_of(const char *header)
{
	return (struct text){header, header ? strlen(header) : 0};
}

enum xa_format xa_negotiate_format(const char *accept)
{
	struct text list = list_of(accept);
	unsigned text = 0, openmetrics = 0;
	struct element element;

	while (take_element(&list, &element)) {
		if (is(element.name, "text/plain") && element.weight > text)
			text = element.weight;
		if (is(element.name, "application/openmetrics-text") &&
		    (!element.version.len || is(element.version, "1.0.0")) &&
		    element.weight > openmetrics)
			openmetrics = element.weight;
	}
	return openmetrics && openmetrics >= text ? XA_FORMAT_OPENMETRICS : XA_FORMAT_TEXT;
}

bool xa_negotiate_gzip(const char *accept_encoding)
{
	struct text list = list_of(accept_encoding);
	struct element element;
	bool any = false;

	while (take_element(&list, &element)) {
		if (is(element.name, "gzip") || is(element.name, "x-gzip"))
			return element.weight;
		if (is(element.name, "*"))
			any = element.weight;
	}
	return any;
}
